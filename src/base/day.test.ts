import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addDays, dayOf, isDay, isWeekend, startOfDay } from './day.ts';

test('a day begins at midnight of Astana, five hours before that of Greenwich', () => {
  assert.equal(dayOf(new Date('2026-11-23T18:59:59.999Z')), '2026-11-23');
  assert.equal(dayOf(new Date('2026-11-23T19:00:00Z')), '2026-11-24');
  assert.equal(startOfDay('2026-11-24').toISOString(), '2026-11-23T19:00:00.000Z');
});

test('days are those of the calendar', () => {
  for (const day of ['2026-11-24', '2028-02-29']) assert.ok(isDay(day), day);
  for (const day of ['', '2026-02-29', '2026-13-01', '24.11.2026', '2026-11-24T00:00Z', '2026-1-1'])
    assert.ok(!isDay(day), day);
  assert.equal(addDays('2026-12-31', 1), '2027-01-01');
  assert.equal(addDays('2028-03-01', -1), '2028-02-29');
  assert.throws(() => addDays('2026-02-29', 1), /a day is written/);
});

test('a week has a Saturday and a Sunday', () => {
  const week = Array.from({ length: 7 }, (_, index) => addDays('2026-11-23', index));
  assert.deepEqual(week.filter(isWeekend), ['2026-11-28', '2026-11-29']);
});

test('there and back again is the same day, and every instant lies in its day', () => {
  const instants = fc.date({ min: new Date('2024-03-02'), max: new Date('2099-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(instants, fc.integer({ min: -4000, max: 4000 }), (at, count) => {
      const day = dayOf(at);
      assert.equal(addDays(addDays(day, count), -count), day);
      assert.ok(startOfDay(day) <= at && at < startOfDay(addDays(day, 1)));
    }),
  );
});
