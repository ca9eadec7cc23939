import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DateEvidence, type DateOrder, parseMoment, parseZone } from './moment.ts';

const evidence = (): DateEvidence => ({ isUsed: false, dmy: true, mdy: true });
const read = (text: string, zoneMinutes: number | undefined = 0, order?: DateOrder): string | undefined =>
  parseMoment(text, { zoneMinutes, order, evidence: evidence() })?.at.toISOString();

const table = `
  2026-11-01 04:10:11             | 2026-11-01T04:10:11.000Z
  2026-11-01 04:10                | 2026-11-01T04:10:00.000Z
  2026-11-01T04:10:11Z            | 2026-11-01T04:10:11.000Z
  2026-11-01T04:10:11.250+05:00   | 2026-10-31T23:10:11.000Z
  2026/11/01 04:10:11 -0700       | 2026-11-01T11:10:11.000Z
  01.11.2026 04:10:11             | 2026-11-01T04:10:11.000Z
  1.11.2026                       | 2026-11-01T00:00:00.000Z
  20261101041011                  | 2026-11-01T04:10:11.000Z
  20261101                        | 2026-11-01T00:00:00.000Z
  13/11/2026 04:10:11             | 2026-11-13T04:10:11.000Z
  11/13/2026 04:10:11 PM          | 2026-11-13T16:10:11.000Z
  11/13/2026 12:10:11 AM          | 2026-11-13T00:10:11.000Z
  2024-02-29                      | 2024-02-29T00:00:00.000Z
  2026-02-29                      | -
  2026-13-01                      | -
  31.04.2026                      | -
  2026-11-01 25:00                | -
  1793500800                      | -
  yesterday                       | -`;

for (const row of table.trim().split('\n')) {
  const [text = '', moment = ''] = row.split('|').map((cell) => cell.trim());
  test(`${text} is ${moment === '-' ? 'no moment' : moment}`, () => {
    assert.equal(read(text), moment === '-' ? undefined : moment);
  });
}

test('a clock that nobody knows reads nothing, unless the text says which', () => {
  const unknown = { zoneMinutes: undefined, order: undefined, evidence: evidence() };
  assert.equal(parseMoment('2026-11-01 04:10', unknown), undefined);
  assert.equal(parseMoment('2026-11-01 04:10 +0500', unknown)?.at.toISOString(), '2026-10-31T23:10:00.000Z');
  assert.equal(read('2026-11-01 04:10', 300), '2026-10-31T23:10:00.000Z');
});

test('a day without a time lasts until it ends', () => {
  const day = parseMoment('01.11.2026', { zoneMinutes: 300, order: undefined, evidence: evidence() });
  assert.equal(day?.until.toISOString(), '2026-11-01T19:00:00.000Z');
});

test('03/04 is either day until a day above twelve is seen', () => {
  const seen = evidence();
  const learn = (text: string): unknown => parseMoment(text, { zoneMinutes: 0, order: undefined, evidence: seen });
  learn('03/04/2026');
  assert.deepEqual(seen, { isUsed: true, dmy: true, mdy: true });
  learn('13/04/2026');
  assert.deepEqual(seen, { isUsed: true, dmy: true, mdy: false });
  assert.equal(read('03/04/2026', 0, 'dmy'), '2026-04-03T00:00:00.000Z');
  assert.equal(read('03/04/2026', 0, 'mdy'), '2026-03-04T00:00:00.000Z');
  assert.equal(read('13/04/2026', 0, 'mdy'), undefined, 'what whoever imports says is not overruled');
});

test('names of clocks that stand for several are not guessed', () => {
  assert.deepEqual(
    ['PST', 'PDT', 'cet', 'GMT+05:00', 'UTC-3', '+0530', 'Z'].map(parseZone),
    [-480, -420, 60, 300, -180, 330, 0],
  );
  assert.deepEqual(['CST', 'IST', 'Almaty', '', '5'].map(parseZone), Array(5).fill(undefined));
});
