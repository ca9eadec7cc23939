import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type App, startApp } from '../support/app.ts';
import { type OrderAnswer, Shopper, type View } from '../support/shopper.ts';

// The order's door as the site uses it, on the platform as its user starts it, with its simulated parties outside.

const SERVICE = 'service-key-of-the-site-for-this-test';
let app: App;
const shopper = new Shopper(() => app.url, SERVICE);
before(async () => {
  app = await startApp({ env: { SAPAR_SERVICE_KEY: SERVICE } });
});
after(() => app.close());

const ways = [
  ['kcell', '701', 'CNY', 'stripe', 'CNY'],
  ['kcell', '701', 'KZT', 'stripe', 'KZT'],
  ['kcell', '701', 'CNY', 'paypal', 'USD'],
  ['beeline', '705', 'CNY', 'stripe', 'CNY'],
  ['beeline', '705', 'KZT', 'stripe', 'KZT'],
  ['beeline', '705', 'EUR', 'paypal', 'EUR'],
  ['tele2', '707', 'CNY', 'stripe', 'CNY'],
  ['tele2', '707', 'KZT', 'stripe', 'KZT'],
  ['tele2', '707', 'KZT', 'paypal', 'USD'],
  ['kcell', '701', 'UZS', 'sandbox', 'UZS'],
  ['beeline', '705', 'KGS', 'sandbox', 'KGS'],
  ['tele2', '707', 'RUB', 'sandbox', 'RUB'],
] as const;

for (const [operator, prefix, currency, method, charged] of ways) {
  test(`${operator} is topped up by ${method} in ${currency}, charged in ${charged}`, async () => {
    const { id, url } = await shopper.placed({ msisdn: shopper.number(prefix), currency, method });
    await shopper.atProvider(url, 'pay');
    const done = await shopper.until(id, (view) => view.isFinal);
    assert.equal(done.state, 'delivered');
    assert.equal(done.operator, operator);
    assert.equal(done.quote?.price.currency, currency);
    assert.equal(done.quote?.charge.currency, charged);
    assert.match(done.number.masked, /^\+7 70\d ••• \d\d \d\d$/);
    assert.equal(done.number.grouped, undefined, 'a placed order tells nobody the whole number');
  });
}

test('an order follows its number from the draft to the price, and a second click finds the first payment', async () => {
  const id = await shopper.draft('8 (705) 123-45-67');
  const seen = await shopper.call('GET', `/v1/orders/${id}`);
  assert.equal(seen.body.number.grouped, '+7 705 123 4567');
  assert.equal(seen.body.operator, 'beeline');
  const wish = { amount: '1000', currency: 'KZT', method: 'stripe' };
  assert.equal((await shopper.call('POST', `/v1/orders/${id}/quote`, wish)).body.state, 'quoted');
  assert.equal((await shopper.call('PUT', `/v1/orders/${id}/recipient`, { operator: 'tele2' })).body.state, 'draft');
  assert.equal((await shopper.pay(id)).body.code, 'order.wrong_state');
  await shopper.call('POST', `/v1/orders/${id}/quote`, wish);
  const clicks = await Promise.all(Array.from({ length: 8 }, () => shopper.pay(id)));
  assert.deepEqual(new Set(clicks.map(({ body }) => body.url)).size, 1);
  assert.deepEqual(new Set(clicks.map(({ status }) => status)), new Set([200]));
});

test('who comes back to change something can, and pays once', async () => {
  const { id, url } = await shopper.placed({ msisdn: shopper.number('701'), currency: 'CNY', method: 'stripe' });
  assert.equal((await shopper.call('POST', `/v1/orders/${id}/revise`)).body.state, 'draft');
  // The page left open in another tab can no longer be paid at.
  await fetch(url, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ outcome: 'pay' }) });
  await shopper.call('POST', `/v1/orders/${id}/quote`, { amount: '500', currency: 'USD', method: 'paypal' });
  const again = await shopper.pay(id);
  await shopper.atProvider(again.body.url ?? '', 'pay');
  const done = await shopper.until(id, (view) => view.isFinal);
  assert.equal(done.state, 'delivered');
  assert.deepEqual(done.refunds, []);
});

test('a refused number waits for the payer, who corrects it and has the credit', async () => {
  const { id, url } = await shopper.placed({ msisdn: shopper.number('705', '802'), currency: 'KZT', method: 'stripe' });
  await shopper.atProvider(url, 'pay');
  const refused = await shopper.until(id, (view) => view.state === 'refused');
  assert.equal(refused.delivery?.reason, 'number.invalid');
  assert.ok(refused.delivery?.correctUntil);
  await shopper.call('PUT', `/v1/orders/${id}/recipient`, { msisdn: shopper.number('705') });
  assert.equal((await shopper.until(id, (view) => view.isFinal)).state, 'delivered');
});

test('a refused number is given back at one word of the payer, with the day it arrives', async () => {
  const { id, url } = await shopper.placed({ msisdn: shopper.number('707', '803'), currency: 'CNY', method: 'stripe' });
  await shopper.atProvider(url, 'pay');
  await shopper.until(id, (view) => view.state === 'refused');
  const clicks = await Promise.all(Array.from({ length: 4 }, () => shopper.call('POST', `/v1/orders/${id}/refund`)));
  assert.ok(clicks.every(({ status }) => status === 200));
  const done = await shopper.until(id, (view) => view.isFinal);
  assert.equal(done.state, 'refunded');
  assert.equal(done.refunds.length, 1);
  assert.deepEqual(done.refunds[0]?.amount, done.quote?.charge);
  assert.match(done.refunds[0]?.promisedBy ?? '', /^\d{4}-\d{2}-\d{2}$/);
});

test('an operator that declines is given back without a person', async () => {
  const { id, url } = await shopper.placed({ msisdn: shopper.number('705', '806'), currency: 'CNY', method: 'paypal' });
  await shopper.atProvider(url, 'pay');
  const done = await shopper.until(id, (view) => view.isFinal);
  assert.equal(done.state, 'refunded');
});

test('much money for a number nobody has topped up asks for its last digits again', async () => {
  const msisdn = shopper.number('701');
  const id = await shopper.draft(msisdn);
  const wish = { amount: '20000', currency: 'KZT', method: 'stripe' };
  assert.equal((await shopper.call('POST', `/v1/orders/${id}/quote`, wish)).body.code, 'msisdn.confirm');
  assert.equal(
    (await shopper.call('POST', `/v1/orders/${id}/quote`, { ...wish, confirm: '0000' })).body.code,
    'msisdn.confirm',
  );
  assert.equal(
    (await shopper.call('POST', `/v1/orders/${id}/quote`, { ...wish, confirm: msisdn.slice(-4) })).body.state,
    'quoted',
  );
});

const wrongNumbers = [
  ['+7 912 345 67 89', 'msisdn.russian'],
  ['+7 727 250 00 00', 'msisdn.landline'],
  ['+86 138 0013 8000', 'msisdn.foreign'],
  ['+7 760 123 45 67', 'msisdn.not_served'],
  ['12345', 'msisdn.invalid'],
  ['', 'request.invalid'],
] as const;

for (const [text, code] of wrongNumbers) {
  test(`${JSON.stringify(text)} is answered with ${code}, in the visitor's language`, async () => {
    const answers: OrderAnswer[] = [];
    for (shopper.language of ['zh', 'ru', 'kk', 'en'])
      answers.push(await shopper.call('POST', '/v1/orders', { msisdn: text }));
    assert.deepEqual(new Set(answers.map(({ body }) => body.code)), new Set([code]));
    assert.equal(new Set(answers.map(({ body }) => body.detail)).size, 4);
  });
}

test('amounts, currencies and methods outside what is offered are refused by name', async () => {
  const id = await shopper.draft(shopper.number('701'));
  const quote = (change: object) =>
    shopper.call('POST', `/v1/orders/${id}/quote`, { amount: '1000', currency: 'KZT', method: 'stripe', ...change });
  const cases = [
    [{ amount: '50' }, 'amount.too_small'],
    [{ amount: '60000' }, 'amount.too_large'],
    [{ amount: '1000.50' }, 'amount.not_whole'],
    [{ amount: '1e3' }, 'amount.invalid'],
    [{ amount: '-5' }, 'amount.invalid'],
    [{ currency: 'JPY' }, 'currency.unsupported'],
    [{ method: 'cash' }, 'method.unsupported'],
    [{ extra: 1 }, 'request.invalid'],
  ] as const;
  for (const [change, code] of cases) assert.equal((await quote(change)).body.code, code, JSON.stringify(change));
});

test('orders are found by their id alone, and by nobody but the site', async () => {
  assert.equal(
    (await shopper.call('GET', '/v1/orders/00000000-0000-4000-8000-000000000000')).body.code,
    'order.not_found',
  );
  assert.equal((await shopper.call('GET', '/v1/orders/1')).body.code, 'order.not_found');
  const id = await shopper.draft(shopper.number('701'));
  const byPartner = await fetch(`${app.url}/v1/orders/${id}`, {
    headers: { authorization: `Bearer ${app.partner.key}` },
  });
  assert.equal(byPartner.status, 403);
  assert.equal((await fetch(`${app.url}/v1/orders/${id}`)).status, 401);
});

test('a link shows a mask, can be used by anybody who has it, and tops up its number', async () => {
  const msisdn = shopper.number('705');
  const made = await shopper.call('POST', '/v1/links', { msisdn, amount: '500' });
  assert.equal(made.status, 201);
  assert.ok(!JSON.stringify(made.body).includes(msisdn.slice(1)));
  const order = await shopper.call('POST', `/v1/links/${made.body.id}/orders`);
  assert.equal(order.status, 201);
  assert.equal(order.body.operator, 'beeline');
  assert.equal(order.body.number.grouped, undefined, 'nor does its order tell whoever pays the whole number');
  assert.equal(
    (await shopper.call('GET', '/v1/links/00000000-0000-4000-8000-000000000000')).body.code,
    'link.not_found',
  );
});

test('whoever watches an order sees each state until its end', async () => {
  const { id, url } = await shopper.placed({ msisdn: shopper.number('705', '810'), currency: 'KZT', method: 'stripe' });
  const stream = await fetch(`${app.url}/v1/orders/${id}/events`, { headers: { authorization: `Bearer ${SERVICE}` } });
  assert.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  await shopper.atProvider(url, 'pay');
  let text = '';
  for await (const chunk of stream.body ?? []) text += Buffer.from(chunk).toString();
  const states = [...text.matchAll(/^data: (.*)$/gm)].map((match) => (JSON.parse(match[1] ?? '') as View).state);
  assert.equal(states[0], 'awaiting_payment');
  assert.equal(states.at(-1), 'delivered');
});

test('each document of an order is a PDF, and the same words for a page', async () => {
  const { id, url } = await shopper.placed({ msisdn: shopper.number('707', '806'), currency: 'CNY', method: 'stripe' });
  const paper = (query: string) =>
    fetch(`${app.url}/v1/orders/${id}/receipt.pdf${query}`, { headers: { authorization: `Bearer ${SERVICE}` } });
  assert.equal((await paper('')).status, 404, 'nothing is paid yet');
  await shopper.atProvider(url, 'pay');
  await shopper.until(id, (view) => view.isFinal);
  for (const language of ['zh', 'en', 'ru', 'kk'])
    for (const document of ['payment', 'refund-1']) {
      const answer = await paper(`?language=${language}&document=${document}`);
      assert.equal(answer.status, 200);
      assert.equal(
        Buffer.from(await answer.arrayBuffer())
          .subarray(0, 5)
          .toString(),
        '%PDF-',
      );
    }
  assert.equal((await paper('?document=refund-2')).status, 404);
  const { body } = await shopper.call('GET', `/v1/orders/${id}/receipts?language=zh`);
  const names = (Reflect.get(body, 'documents') as { document: string }[]).map(({ document }) => document);
  assert.deepEqual(names, ['payment', 'refund-1']);
  const { reference } = (await shopper.call('GET', `/v1/orders/${id}`)).body;
  const line = `SAPAR* ${reference.slice(0, 9)}`;
  assert.ok(JSON.stringify(body).includes(line), 'the payer finds it on the statement by this line');
});

test('the log holds no number, no code and no secret of all this', async () => {
  assert.ok(!/7(701|705|707)\d{7}/.test(app.log()), app.log());
});
