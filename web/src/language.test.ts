import assert from 'node:assert/strict';
import { test } from 'node:test';
import { languageOfPath, preferredLanguage } from './language.ts';

const table: [accepted: string | null, language: string][] = [
  [null, 'en'],
  ['', 'en'],
  ['fr, de;q=0.9', 'en'],
  ['zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
  ['kk-KZ, ru;q=0.8', 'kk'],
  ['en;q=0.4, ru;q=0.9', 'ru'],
  ['ru;q=0, kk;q=0.1', 'kk'],
  ['*;q=0.1', 'en'],
  [';;;q=', 'en'],
];

for (const [accepted, language] of table) {
  test(`Accept-Language ${accepted}: ${language}`, () => assert.equal(preferredLanguage(accepted), language));
}

test('the first segment of an address is its language, when it is one', () => {
  assert.equal(languageOfPath('/kk/phone'), 'kk');
  assert.equal(languageOfPath('/kkk'), undefined);
  assert.equal(languageOfPath('/'), undefined);
});
