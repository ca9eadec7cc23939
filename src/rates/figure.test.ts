import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { microTengeOf } from './figure.ts';

const table = `
  519.43   1      519430000
  474.2    1      474200000
  450      1      450000000
  5,36     1      5360000
  3.81     100    38100
  11.24    10000  1124
  0.000001 1      1`;

for (const row of table.trim().split('\n')) {
  const [rate = '', quant = '', micro = ''] = row.trim().split(/\s+/);
  test(`${rate} tenge for ${quant} is ${micro} millionths for one`, () =>
    assert.equal(microTengeOf({ rate, quant }), BigInt(micro)));
}

for (const [rate, quant, why] of [
  ['', '1', 'nothing'],
  ['0.00', '1', 'a gift'],
  ['-5', '1', 'a negative rate'],
  ['1e3', '1', 'an exponent'],
  ['1 000', '1', 'a grouped number'],
  ['0x10', '1', 'a hexadecimal number'],
  ['1.1234567', '1', 'more than millionths'],
  ['1234567890', '1', 'more than a billion'],
  ['5', '0', 'none of it'],
  ['5', '', 'no quantity'],
  ['5', '1.5', 'one and a half'],
  ['1', '3', 'a third, which would have to be rounded'],
] as const) {
  test(`no rate: ${why}`, () =>
    assert.throws(() => microTengeOf({ rate, quant }), /is no rate|cannot be held exactly/));
}

test('what the bank gives for many is exactly many times what we hold for one', () => {
  const quants = fc.constantFrom(1n, 10n, 100n, 1_000n, 10_000n);
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 9_999_999n }), quants, (hundredths, quant) => {
      const rate = `${hundredths / 100n}.${String(hundredths % 100n).padStart(2, '0')}`;
      assert.equal(microTengeOf({ rate, quant: String(quant) }) * quant, hundredths * 10_000n);
    }),
  );
});
