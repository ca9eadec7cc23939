import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decimalsOf, minorText, parseMinor } from './amount.ts';

const table = `
  1000        KZT  100000
  1000.5      KZT  100050
  1,234.50    USD  123450
  1.234,50    EUR  123450
  1.234.567,8 EUR  123456780
  1'234.50    CHF  123450
  -12         KZT  -1200
  −12,00      RUB  -1200
  +3.10       USD  310
  500.0000    KZT  50000
  500.000     KZT  50000
  0.500       KZT  50
  1,234       JPY  1234
  1000.00     JPY  1000
  1,234.567   KWD  1234567
  12,50       KZT  1250
  0           KZT  0
  1,234       USD  -
  1,234       KWD  -
  1.2345      USD  -
  10.5        JPY  -
  1,23,456.00 USD  -
  1.234.56    USD  -
  1,234,56    EUR  -
  12.         USD  -
  .5          USD  -
  (12.00)     USD  -
  1e3         USD  -
  --1         USD  -
  ten         USD  -
  9999999999999999 KZT -`;

for (const row of table.trim().split('\n')) {
  const [text = '', currency = '', minor] = row.trim().split(/\s+/);
  test(`${text} ${currency} is ${minor === '-' ? 'not read' : minor}`, () => {
    assert.equal(parseMinor(text, currency), minor === '-' ? undefined : BigInt(minor ?? ''));
  });
}

test('spaces between thousands are those of people and of programs', () => {
  for (const space of [' ', '\u00a0', '\u202f']) assert.equal(parseMinor(`1${space}234,50`, 'RUB'), 123_450n);
});

test('what is written is what was read, in every currency', () => {
  const currencies = fc.constantFrom('KZT', 'JPY', 'KWD', 'USD', 'UZS', 'HUF');
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 11n), max: 10n ** 11n }), currencies, (minor, currency) => {
      assert.equal(parseMinor(minorText(minor, currency), currency), minor);
    }),
  );
});

test('grouped amounts read as plain ones do, with either decimal sign', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 11n }), (minor) => {
      const [whole = '', fraction = ''] = minorText(minor, 'EUR').split('.');
      const groups = whole.replace(/\B(?=(\d{3})+$)/g, ',');
      assert.equal(parseMinor(`${groups}.${fraction}`, 'EUR'), minor);
      assert.equal(parseMinor(`${groups.replaceAll(',', '.')},${fraction}`, 'EUR'), minor);
    }),
  );
});

test('decimals are those of ISO 4217, not those in use', () => {
  assert.deepEqual(['JPY', 'KRW', 'KWD', 'BHD', 'HUF', 'IDR', 'KZT'].map(decimalsOf), [0, 0, 3, 3, 2, 2, 2]);
});
