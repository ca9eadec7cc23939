import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Type from 'typebox';
import { assert } from '../base/assert.ts';
import { addDays, isWeekend } from '../base/day.ts';
import { doubles, type Pack, type PackFile, parsePack, row, text } from './pack.ts';

/** Days as `2026-11-24`. In a year the pack has no holidays for, only weekends are skipped: a promise is then a little early. */
export type WorkingDays = {
  isWorkingDay(day: string): boolean;
  /** The n-th working day after a day, which itself is not counted; with 0 the day itself. */
  workingDayAfter(day: string, n: number): string;
};

const DAYS_MAX = 366;

const sections = { holidays: row({ day: Type.String({ format: 'date' }), name: text }) };

/** The checked content of a country's `holidays.yaml`. */
export type Holidays = Pack<typeof sections>;

export function loadHolidays(dir: string): Holidays {
  const file = join(dir, 'holidays.yaml');
  return parseHolidays({ yaml: readFileSync(file, 'utf8'), file });
}

export function parseHolidays(pack: PackFile): Holidays {
  return parsePack(pack, sections, ({ holidays }) =>
    doubles(
      'holidays',
      holidays.map((row) => row.day),
    ),
  );
}

export function workingDays({ holidays }: Holidays): WorkingDays {
  const off = new Set(holidays.map((row) => row.day));
  const isWorkingDay = (day: string): boolean => !isWeekend(day) && !off.has(day);
  return {
    isWorkingDay,
    workingDayAfter(day, n) {
      assert(Number.isInteger(n) && n >= 0 && n <= DAYS_MAX, 'a promise is for whole days and within a year');
      let reached = day;
      for (let left = n; left > 0; ) {
        reached = addDays(reached, 1);
        if (isWorkingDay(reached)) left -= 1;
      }
      return reached;
    },
  };
}
