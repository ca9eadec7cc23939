import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCount, parseInstant, parseLastDay, parseNumber, parseValue } from './input.ts';

const values = `
  1000        KZT        100000    -
  1000.50KZT  KZT        100050    -
  200BONUS    KZT_BONUS  20000     -
  500MB/30d   MB         500000    30
  1.5GB/7d    MB         1500000   7
  60min       SECOND     3600      -
  90SECOND    SECOND     90        -
  100SMS/1d   SMS        100       1`;

for (const row of values.trim().split('\n')) {
  const [text = '', unit = '', amount = '', days = ''] = row.trim().split(/\s+/);
  test(`a card worth ${text}`, () => {
    const validDays = days === '-' ? undefined : Number(days);
    assert.deepEqual(parseValue(text), { unit, amount: BigInt(amount), validDays });
  });
}

for (const text of ['', '-5', '1e3', '1,5', '10EUR', '1.001', '5 MB/d', '1.5SMS', '0x10', '10KZT/999999d']) {
  test(`'${text}' is no worth`, () => {
    assert.throws(() => parseValue(text));
  });
}

test('the last day ends at midnight in Astana', () => {
  assert.equal(parseLastDay('2028-12-31').toISOString(), '2028-12-31T19:00:00.000Z');
  assert.equal(parseLastDay('2028-02-29').toISOString(), '2028-02-29T19:00:00.000Z');
  for (const text of ['2027-02-29', '2028-12-32', '31.12.2028', '2028-12-31T00:00', 'tomorrow'])
    assert.throws(() => parseLastDay(text));
});

test('an instant names its clock', () => {
  assert.equal(parseInstant('2026-12-01T08:00+05:00').toISOString(), '2026-12-01T03:00:00.000Z');
  for (const text of ['2026-12-01', '2026-12-01T08:00', '2026-13-01T08:00Z', 'noon'])
    assert.throws(() => parseInstant(text));
});

test('counts may be grouped, serials may not be signed', () => {
  assert.equal(parseCount('1,000_000'), 1_000_000);
  assert.equal(parseNumber('1000000001'), 1_000_000_001n);
  for (const text of ['', '-1', '1.5', 'ten', '1'.repeat(19)]) assert.throws(() => parseNumber(text));
});
