import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemAt, readAmount, textIn } from './forms.ts';

const amounts: [typed: string, read: string][] = [
  ['1500', '1500'],
  ['1 500 ₸', '1500'],
  ['1,500', '1500'],
  ['12.000', '12000'],
  ['1\u00a0500', '1500'],
  ['１５００', '1500'],
  ['99,5', '99.5'],
  ['99.50', '99.50'],
  ['700 тенге', '700'],
  ['700тг.', '700'],
  ['700 坚戈', '700'],
  ['-5', '-5'],
  ['much', 'much'],
];

for (const [typed, read] of amounts) {
  test(`“${typed}” tenge is read as ${read}`, () => assert.equal(readAmount(typed), read));
}

test('a field holds what was typed, and no more than could be right', () => {
  const form = new FormData();
  form.set('number', ' 701 123 4567 ');
  assert.equal(textIn(form, 'number', 20), '701 123 4567');
  assert.equal(textIn(form, 'number', 5), '701 1');
  assert.equal(textIn(form, 'amount', 5), '');
});

test('a problem is found by its field', () => {
  const problems = [
    { field: undefined, text: 'down' },
    { field: 'number', text: 'wrong' },
  ];
  assert.equal(problemAt(problems, 'number'), 'wrong');
  assert.equal(problemAt(problems, 'amount'), undefined);
  assert.equal(problemAt(undefined, 'amount'), undefined);
});
