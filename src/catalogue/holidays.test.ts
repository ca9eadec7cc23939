import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { addDays, dayOf, isWeekend } from '../base/day.ts';
import { parseHolidays, workingDays } from './holidays.ts';
import { loadCatalogue } from './index.ts';

const dir = fileURLToPath(new URL('../../data/kz', import.meta.url));
const yaml = readFileSync(`${dir}/holidays.yaml`, 'utf8');
const { holidays } = parseHolidays({ yaml, file: 'kz/holidays.yaml' });
const { isWorkingDay, workingDayAfter } = loadCatalogue(dir);

for (const [year, off] of [
  // 15 in the state's own calendar, less the former Constitution Day.
  ['2026', 14],
  ['2027', 14],
] as const) {
  test(`${year} has ${off} days off between Monday and Friday`, () => {
    const days = holidays.map((row) => row.day).filter((day) => day.startsWith(year) && !isWeekend(day));
    assert.equal(days.length, off, days.join(' '));
  });
}

test('a holiday on a weekend moves to the next working day, except Christmas and Kurban Ait', () => {
  for (const { day, name } of holidays.filter((row) => isWeekend(row.day) && !/Kurban|Christmas/.test(row.name))) {
    const moved = holidays.filter((row) => row.name === `Moved from ${weekdayOf(day)}, ${dateOf(day)}`);
    assert.equal(moved.length, 1, `${name} of ${day}`);
    assert.ok(moved.every((row) => row.day > day && !isWeekend(row.day)));
  }
});

const weekdayOf = (day: string): string =>
  new Intl.DateTimeFormat('en', { weekday: 'long', timeZone: 'UTC' }).format(new Date(day));
const dateOf = (day: string): string =>
  new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', timeZone: 'UTC' }).format(new Date(day));

const promises = `
  2026-11-24  0  2026-11-24  the day itself
  2026-11-24  1  2026-11-25
  2026-11-27  1  2026-11-30  over a weekend
  2026-11-24 10  2026-12-08
  2026-12-15  1  2026-12-17  over Independence Day
  2026-12-31  1  2027-01-05  over New Year, of which a Saturday moved to Monday
  2027-01-06  1  2027-01-08  over Christmas
  2026-03-20  1  2026-03-26  the longest, Nauryz
  2027-03-12  1  2027-03-16  over the new Constitution Day
  2027-05-14  1  2027-05-17  Kurban Ait on a Sunday moves nothing
  2026-08-28  1  2026-08-31  no longer a Constitution Day
  2030-03-07  1  2030-03-08  beyond the table only weekends are known`;

for (const line of promises.trim().split('\n')) {
  const [from = '', n = '', until = '', ...why] = line.trim().split(/\s+/);
  test(`${n} working days after ${from} is ${until} ${why.join(' ')}`, () =>
    assert.equal(workingDayAfter(from, Number(n)), until));
}

test('a promise is kept on a working day, with exactly as many of them before it', () => {
  const anyDay = fc.integer({ min: 0, max: 900 }).map((count) => addDays('2026-01-01', count));
  fc.assert(
    fc.property(anyDay, fc.integer({ min: 1, max: 30 }), (day, n) => {
      const until = workingDayAfter(day, n);
      assert.ok(isWorkingDay(until) && until > day);
      let worked = 0;
      for (let at = addDays(day, 1); at <= until; at = addDays(at, 1)) if (isWorkingDay(at)) worked += 1;
      assert.equal(worked, n);
    }),
  );
});

test('nonsense is a defect of the caller', () => {
  for (const n of [-1, 1.5, Number.NaN, 1000])
    assert.throws(() => workingDayAfter('2026-11-24', n), /a promise is for whole days/);
  assert.throws(() => workingDayAfter(dayOf(new Date('nonsense')), 1), /a day is written/);
});

test('a defective table is turned away', () => {
  const broken = yaml.replace("day: '2026-01-02'", "day: '2026-01-01'");
  assert.throws(() => parseHolidays({ yaml: broken, file: 'f' }), /holidays row 2: 2026-01-01 is already in row 1/);
  const impossible = yaml.replace("day: '2026-01-02'", "day: '2026-02-30'");
  assert.throws(() => parseHolidays({ yaml: impossible, file: 'f' }), /holidays row 2: day must be a date/);
});

test('an empty table leaves the weekends', () => {
  const bare = workingDays(parseHolidays({ yaml: 'holidays: []', file: 'f' }));
  assert.equal(bare.workingDayAfter('2026-12-31', 1), '2027-01-01');
});
