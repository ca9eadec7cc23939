import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialWith, readDialled } from './dialled.ts';

const table: [typed: string, expected: ReturnType<typeof readDialled>][] = [
  ['*111#', { kind: 'reaches', text: '' }],
  ['*111*', { kind: 'reaches', text: '' }],
  ['*111', { kind: 'reaches', text: '' }],
  [' * 111 # ', { kind: 'reaches', text: '' }],
  ['＊１１１＃', { kind: 'reaches', text: '' }],
  ['*111*1234567890123456#', { kind: 'reaches', text: '1234567890123456' }],
  ['*111*1234 5678 9012 3456#', { kind: 'reaches', text: '1234567890123456' }],
  ['*111*1*2#', { kind: 'reaches', text: '1*2' }],
  ['*111*1*#', { kind: 'reaches', text: '1' }],
  ['*100#', { kind: 'elsewhere' }],
  ['*1111#', { kind: 'elsewhere' }],
  ['111#', { kind: 'unreadable' }],
  ['*111*12a#', { kind: 'unreadable' }],
  ['*111##', { kind: 'unreadable' }],
  ['', { kind: 'unreadable' }],
  ['+7 701 123 4567', { kind: 'unreadable' }],
];

for (const [typed, expected] of table) {
  test(`dialling “${typed}” on the operator of *111#: ${expected.kind}`, () => {
    assert.deepEqual(readDialled(typed, '*111#'), expected);
  });
}

test('a card dialled in one go is read back as its code', () => {
  assert.deepEqual(readDialled(dialWith('*111#', '1234567890123456'), '*111#'), {
    kind: 'reaches',
    text: '1234567890123456',
  });
});

test('a long run of stars is decided at once', () => {
  const start = performance.now();
  readDialled(`*111${'*'.repeat(150)}x`, '*111#');
  assert.ok(performance.now() - start < 50);
});
