import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCommand } from './index.ts';

const table: [string, string, string | undefined][] = [
  ['BAL', 'balance', undefined],
  [' bal ', 'balance', undefined],
  ['ＢＡＬ', 'balance', undefined],
  ['Баланс', 'balance', 'ru'],
  ['теңгерім', 'balance', 'kk'],
  ['余额', 'balance', 'zh'],
  ['PIN 1234 5678 9012 3456', 'pin', undefined],
  ['pin1234567890123456', 'pin', undefined],
  ['код: 1234-5678-9012-3456', 'pin', 'ru'],
  ['密码１２３４５６７８９０１２３４５６', 'pin', 'zh'],
  ['1234567890123456', 'pin', undefined],
  ['1234 5678 9012 3456\n', 'pin', undefined],
  ['PIN', 'bad_pin', undefined],
  ['ПИН 123', 'bad_pin', 'ru'],
  ['TOPUP', 'topup', undefined],
  ['top up 1000', 'topup', undefined],
  ['充值1000', 'topup', 'zh'],
  ['толтыру', 'topup', 'kk'],
  ['Stop.', 'stop', undefined],
  ['СТОП', 'stop', 'ru'],
  ['тоқта', 'stop', 'kk'],
  ['退订', 'stop', 'zh'],
  ['start', 'start', undefined],
  ['HELP', 'help', undefined],
  ['Помощь!', 'help', 'ru'],
  ['LANG kk', 'language', undefined],
  ['язык', 'language', 'ru'],
  ['hello', 'unknown', undefined],
  ['', 'unknown', undefined],
  ['stopping by tomorrow', 'unknown', undefined],
  ['constructor', 'unknown', undefined],
  ['x'.repeat(1_000), 'unknown', undefined],
];
for (const [text, kind, language] of table)
  test(`"${text.slice(0, 40)}" asks for ${kind}`, () => {
    const read = readCommand(text);
    assert.deepEqual([read.command.kind, read.language], [kind, language]);
  });

test('a language is named by its code, its name, or its name in another language', () => {
  const wanted = (text: string) => {
    const { command } = readCommand(text);
    return command.kind === 'language' ? command.wanted : 'another command';
  };
  assert.deepEqual(['LANG en', 'lang RUS', 'ЯЗЫК каз', 'тіл қазақша', '语言 中文', 'LANG', 'LANG fr'].map(wanted), [
    'en',
    'ru',
    'kk',
    'kk',
    'zh',
    undefined,
    undefined,
  ]);
});

test('an amount is read where it can be', () => {
  const amount = (text: string) => {
    const { command } = readCommand(text);
    return command.kind === 'topup' ? command.amountMinor : 'another command';
  };
  assert.deepEqual(['TOPUP', 'TOPUP 1000', 'top up 1 000 ₸', 'пополнить 500 тенге', 'TOPUP a lot'].map(amount), [
    undefined,
    1_000_00n,
    1_000_00n,
    500_00n,
    undefined,
  ]);
});

test("a card's code is a secret from the moment it is read", () => {
  const { command } = readCommand('PIN 1234567890123456');
  assert.doesNotMatch(JSON.stringify(command), /1234/);
});
