import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDialled } from './dialling.ts';

const table = `
  *111#              *111#           *111#        -
  *111*12345678#     *111#           *111#        12345678
  *111*1*2#          *111#           *111#        1*2
  *111               *111#           *111#        -
  *1112#             *111#           *1112#       -
  *111*5*123#        *111#,*111*5#   *111*5#      123
  *111*5#            *111#,*111*5#   *111*5#      -
  *999#              *111#           *999#        -`;
for (const row of table.trim().split('\n')) {
  const [dialled = '', codes = '', serviceCode = '', text = ''] = row.trim().split(/\s+/);
  test(`${dialled} where ${codes} leads here is ${serviceCode} and ${text === '-' ? 'nothing' : text}`, () => {
    assert.deepEqual(readDialled(dialled, codes.split(',')), { serviceCode, text: text === '-' ? '' : text });
  });
}
