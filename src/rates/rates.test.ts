import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUsable } from './rates.ts';

/** A rate's day, what the clocks of Astana show, and whether it prices. */
const table = `
  2026-11-24  2026-11-24T00:00:00  yes  today's, at midnight
  2026-11-24  2026-11-24T23:59:59  yes
  2026-11-24  2026-11-25T09:00:00  yes  yesterday's, before the bank has set a new one
  2026-11-24  2026-11-26T12:00:00  yes  36 hours after its day, to the second
  2026-11-24  2026-11-26T12:00:01  no
  2026-11-24  2026-12-24T09:00:00  no
  2026-11-25  2026-11-24T23:59:59  no   tomorrow's
  2026-11-29  2026-12-01T12:00:00  yes  in force on Sunday, until Tuesday noon`;

for (const row of table.trim().split('\n')) {
  const [day = '', local = '', usable = '', ...why] = row.trim().split(/\s+/);
  test(`a rate of ${day} prices at ${local}: ${usable} ${why.join(' ')}`, () =>
    assert.equal(isUsable({ currency: 'USD', day }, new Date(`${local}+05:00`)), usable === 'yes'));
}

test('tenge are always worth tenge', () => {
  assert.ok(isUsable({ currency: 'KZT', day: '2020-01-01' }, new Date('2026-11-24T00:00:00Z')));
});
