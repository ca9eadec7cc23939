import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amountMeant, choiceAsked, choiceField, choiceIn, OTHER } from './amount.server.ts';
import type { Methods, Order } from './api.server.ts';

const nothing = { operator: '', amount: '', other: '', currency: 'KZT', method: 'stripe', confirm: '' };

const offered: Methods = {
  methods: [
    { id: 'paypal', currencies: ['USD', 'EUR'] },
    { id: 'stripe', currencies: ['KZT', 'CNY', 'USD'] },
  ],
  currencies: ['KZT', 'CNY', 'USD', 'GBP'].map((currency) => ({ currency, available: currency !== 'GBP' })),
};

const order = { operator: 'kcell', amount: null, quote: null } as unknown as Order;

test('an amount is one of the presets or one of the visitor’s own, never a guess between the two', () => {
  assert.deepEqual(amountMeant({ ...nothing, amount: '1000.00' }, 'en'), { amount: '1000.00' });
  assert.deepEqual(amountMeant({ ...nothing, amount: OTHER, other: '1 500 ₸' }, 'en'), { amount: '1500' });
  assert.deepEqual(amountMeant({ ...nothing, other: '700' }, 'en'), { amount: '700' }, 'typing it is choosing it');
  for (const [wrong, field] of [
    [{ amount: '' }, 'amount'],
    [{ amount: OTHER }, 'other'],
    [{ amount: '1000.00', other: '700' }, 'other'],
  ] as const)
    assert.equal(Reflect.get(amountMeant({ ...nothing, ...wrong }, 'en'), 'field'), field);
});

test('a visitor who says nothing sees the money of their language, where it can be paid in', () => {
  const currencyIn = (language: 'zh' | 'en' | 'ru' | 'kk', query = ''): string =>
    choiceAsked(new URLSearchParams(query), { order, offered, language }).currency;
  assert.equal(currencyIn('zh'), 'CNY');
  assert.equal(currencyIn('en'), 'USD');
  assert.equal(currencyIn('kk'), 'KZT');
  assert.equal(currencyIn('zh', 'currency=USD'), 'USD');
  assert.equal(currencyIn('zh', 'currency=KZT&show=USD'), 'USD', 'the button wins over what the form held');
  assert.equal(currencyIn('zh', 'currency=GBP'), 'CNY', 'not available now');
});

test('a way to pay that charges the chosen money comes first, and a choice once made stays', () => {
  const chosen = (query: string) => choiceAsked(new URLSearchParams(query), { order, offered, language: 'en' });
  assert.equal(chosen('currency=KZT').method, 'stripe');
  assert.equal(chosen('currency=USD').method, 'paypal');
  assert.equal(chosen('currency=KZT&method=paypal').method, 'paypal');
  assert.deepEqual(
    { ...chosen('currency=KZT&amount=2000.00&operator=tele2'), method: '' },
    { operator: 'tele2', amount: '2000.00', other: '', currency: 'KZT', method: '', confirm: '' },
  );
  assert.equal(chosen('other=700').amount, OTHER);
});

test('a refusal is said at the field it is about', () => {
  const at = choiceField({ ...nothing, amount: '1000.00' });
  const table = `
    amount.too_small    amount
    quote.no_rate       currency
    method.unsupported  method
    msisdn.confirm      confirm
    msisdn.not_served   operator`;
  for (const row of table.trim().split('\n')) {
    const [code = '', field] = row.trim().split(/\s+/);
    assert.equal(at(code), field, code);
  }
  assert.equal(at('system.busy'), undefined);
  assert.equal(choiceField({ ...nothing, other: '5' })('amount.too_small'), 'other');
});

test('the form is read field by field, and a field that is missing is empty', () => {
  const form = new FormData();
  form.set('amount', OTHER);
  form.set('other', ' 700 ');
  assert.deepEqual(choiceIn(form), { ...nothing, amount: OTHER, other: '700', currency: '', method: '' });
});
