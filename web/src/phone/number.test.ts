import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatNumber, readNumber } from './number.ts';

const same = [
  '+7 701 123 4567',
  '8 701 123 45 67',
  '7011234567',
  '+7 (701) 123-45-67',
  '77011234567',
  '７０１１２３４５６７',
];

for (const typed of same) {
  test(`“${typed}” is +7 701 123 4567`, () => {
    const read = readNumber(typed);
    assert.deepEqual(read, { kind: 'mobile', msisdn: '77011234567' });
  });
}

const others: [typed: string, kind: string][] = [
  ['+7 912 345 67 89', 'russian'],
  ['+86 138 0013 8000', 'foreign'],
  ['+7 727 258 12 34', 'landline'],
  ['701', 'invalid'],
  ['', 'invalid'],
  ['hello', 'invalid'],
];

for (const [typed, kind] of others) {
  test(`“${typed}” is ${kind}`, () => {
    assert.equal(readNumber(typed).kind, kind);
  });
}

test('a number is read back in groups of 3-3-4', () => {
  assert.equal(formatNumber('77011234567'), '+7 701 123 4567');
});
