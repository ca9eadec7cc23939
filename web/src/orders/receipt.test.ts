import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReceiptText } from './api.server.ts';
import { showReceipts } from './receipt.server.ts';

const textIn = (words: { title: string; label: string; value: string; money: string }): ReceiptText => ({
  title: words.title,
  sections: { topup: words.title },
  rows: [
    { section: 'document', label: 'Sapar', value: '7KQ4-M2XD-9RTB', kind: 'code' },
    { section: 'topup', label: words.label, value: words.value, kind: 'words' },
    { section: 'topup', label: words.label, value: words.money, kind: 'sum' },
  ],
  notes: ['one', 'two'],
});
const zh = textIn({ title: '收据', label: '运营商', value: '已拒绝', money: '₸1,000' });
const ru = textIn({ title: 'Квитанция', label: 'Оператор', value: 'Отклонено', money: '1 000 ₸' });
const payment = { document: 'payment', reference: '7KQ4-M2XD-9RTB', text: zh, official: ru };

test('a document has its rows under their headings, with the official words where they are others', () => {
  const [receipt] = showReceipts([payment], 'zh').documents;
  assert.equal(receipt?.officialTitle, 'Квитанция');
  assert.deepEqual(
    receipt?.sections.map(({ title, officialTitle, lines }) => [title, officialTitle, lines.length]),
    [
      [undefined, undefined, 1],
      ['收据', 'Квитанция', 2],
    ],
  );
  const [code] = receipt?.sections[0]?.lines ?? [];
  assert.equal(code?.officialLabel, undefined, 'the same word is not said twice');
  const [words, sum] = receipt?.sections[1]?.lines ?? [];
  assert.deepEqual([words?.officialLabel, words?.officialValue], ['Оператор', 'Отклонено']);
  assert.deepEqual([sum?.value, sum?.officialValue], ['₸1,000', undefined], 'amounts are read without a language');
});

test('in Russian there is one language on it', () => {
  const [receipt] = showReceipts([{ ...payment, text: ru, official: null }], 'ru').documents;
  const lines = receipt?.sections.flatMap((section) => section.lines) ?? [];
  assert.ok(lines.every((line) => line.officialLabel === undefined && line.officialValue === undefined));
  assert.equal(receipt?.note, 'one two');
});
