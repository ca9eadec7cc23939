import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAmount, formatChange, formatInstant, formatMoneyIn, formatTime, formatWeekday } from './format.ts';
import type { Language } from './language.ts';

const plain = (text: string): string => text.replace(/\s/g, ' ');

const table: [unit: string, amount: string, language: Language, text: string][] = [
  ['KZT', '1234.00', 'en', '₸1,234'],
  ['KZT', '1234.00', 'zh', '₸1,234'],
  ['KZT', '1234.00', 'ru', '1 234 ₸'],
  ['KZT', '1234.50', 'kk', '1 234,50 ₸'],
  ['KZT', '999999999999999.99', 'en', '₸999,999,999,999,999.99'],
  ['MB', '1024.500', 'en', '1,024.5 MB'],
  ['SECOND', '5400', 'ru', '90 мин'],
  ['SMS', '50', 'kk', '50 SMS'],
  ['POINT', '7', 'en', '7 POINT'],
  ['KZT', 'much', 'en', 'much KZT'],
];

for (const [unit, amount, language, text] of table) {
  test(`${amount} ${unit} reads “${text}” in ${language}`, () => {
    assert.equal(plain(formatAmount({ unit, amount }, language)), text);
  });
}

const prices: [currency: string, amount: string, language: Language, text: string][] = [
  ['CNY', '72.50', 'zh', '¥72.50'],
  ['CNY', '72.50', 'en', 'CN¥72.50'],
  ['CNY', '72.50', 'ru', '72,50 CN¥'],
  ['USD', '1072.00', 'en', '$1,072.00'],
  ['USD', '10.00', 'zh', 'US$10.00'],
  ['RUB', '166.10', 'kk', '166,10 ₽'],
  ['KGS', '72.50', 'ru', '72,50 KGS'],
  ['KZT', '1050.00', 'zh', '₸1,050'],
  ['KZT', '5.3375', 'en', '₸5.3375'],
  ['yuan', '72.50', 'en', '72.50 yuan'],
];

for (const [currency, amount, language, text] of prices) {
  test(`${amount} ${currency} to pay reads “${text}” in ${language}`, () => {
    assert.equal(plain(formatMoneyIn({ currency, amount }, language)), text);
  });
}

test('a movement carries its sign', () => {
  assert.equal(formatChange({ unit: 'KZT', amount: '500.00' }, 'en'), '+₸500');
  assert.equal(formatChange({ unit: 'KZT', amount: '-500.00' }, 'en'), '-₸500');
});

test('times are those of Astana', () => {
  assert.match(formatInstant('2026-11-23T20:30:00Z', 'en'), /Nov 24, 2026, 01:30/);
  assert.equal(formatInstant('yesterday', 'en'), 'yesterday');
  assert.equal(formatTime('2026-11-23T20:30:00Z', 'zh'), '01:30');
});

test('a day to wait for has its weekday', () => {
  assert.equal(formatWeekday('2026-12-04', 'en'), 'Friday, December 4');
  assert.equal(formatWeekday('2026-12-04', 'zh'), '12月4日星期五');
});
