import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAmount, parseAmount, unitNames } from './money.ts';
import { Refusal } from './refusal.ts';

test('every amount survives being written and read, in every unit', () => {
  fc.assert(
    fc.property(fc.constantFrom(...unitNames), fc.bigInt({ min: 0n, max: 10n ** 14n }), (unit, minor) => {
      assert.equal(parseAmount(formatAmount(minor, unit), unit), minor);
    }),
  );
});

test('amounts are read as people write them on a wire', () => {
  const table: [string, bigint][] = [
    ['1000', 1000_00n],
    ['1000.5', 1000_50n],
    ['1000.05', 1000_05n],
    ['0.01', 1n],
    ['007', 7_00n],
  ];
  for (const [text, minor] of table) assert.equal(parseAmount(text, 'KZT'), minor, text);
});

test('what is no amount is refused', () => {
  for (const text of [
    '',
    '.',
    '1.',
    '.5',
    '-1',
    '+1',
    '1e3',
    '1,000',
    '1 000',
    '0x10',
    'NaN',
    'Infinity',
    '1.001',
    '1'.repeat(16),
    '１０００',
  ]) {
    assert.throws(
      () => parseAmount(text, 'KZT'),
      (error) => error instanceof Refusal && error.code === 'amount.invalid',
      text,
    );
  }
});

test('a debt is shown with its sign', () => {
  assert.equal(formatAmount(-5n, 'KZT'), '-0.05');
  assert.equal(formatAmount(-5n, 'SMS'), '-5');
});
