import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readScreen } from './screen.ts';

test('CON keeps the dialogue open, END closes it, anything else is no screen', () => {
  assert.equal(readScreen('CON Enter the code')?.state, 'open');
  assert.equal(readScreen('END Done')?.state, 'ended');
  for (const reply of ['', 'CON', 'Done', 'con hello', '<html>', ' END Done'])
    assert.equal(readScreen(reply), undefined);
});

test('a plain screen has 182 characters, and the extension table takes two places each', () => {
  const { alphabet, length, lengthMax } = readScreen('CON 1 Yes\n0 No [€]') ?? {};
  assert.deepEqual({ alphabet, length, lengthMax }, { alphabet: 'GSM-7', length: 17, lengthMax: 182 });
});

const languages: [text: string, language: string][] = [
  ['Balance ₸1,000', 'en'],
  ['Готово', 'ru'],
  ['Теңгерім', 'kk'],
  ['充值成功', 'zh-Hans'],
];

for (const [text, language] of languages) {
  test(`“${text}” is counted in UCS-2 and spoken as ${language}`, () => {
    const screen = readScreen(`END ${text}`);
    assert.equal(screen?.language, language);
    assert.equal(screen?.alphabet, 'UCS-2');
    assert.equal(screen?.lengthMax, 80);
    assert.equal(screen?.length, text.length);
  });
}
