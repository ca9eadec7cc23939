import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeInFragment } from './code.ts';

test('a card’s QR code carries its digits after the #, and the field shows them as they are printed', () => {
  assert.equal(codeInFragment('#1234567890123456'), '1234 5678 9012 3456');
  assert.equal(codeInFragment('#1234-5678%209012 3456'), '1234 5678 9012 3456');
  assert.equal(codeInFragment('#123456789012'), '1234 5678 9012');
});

test('anything else after the # is left alone', () => {
  for (const fragment of ['', '#', '#content', '#12345', '#123456789012345678901', '#１２３４５６７８９０１２'])
    assert.equal(codeInFragment(fragment), undefined);
});
