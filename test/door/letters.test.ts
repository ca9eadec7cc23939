import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { limits } from '../../src/base/limits.ts';
import { openShop, type Shop } from '../support/shop.ts';

// Letters about an order: asked for at its door, sent over SMTP, read in the letter box they arrive in.

let shop: Shop;

before(async () => {
  shop = await openShop();
});
beforeEach(() => {
  shop.mailbox.set('normal');
  shop.shopper.language = 'en';
});
after(() => shop.close());

let addresses = 0;
const newAddress = (): string => {
  addresses += 1;
  return `li.wei+${addresses}@example.com`;
};

const lettersTo = (address: string) => shop.mailbox.letters().filter(({ to }) => to === address);

async function placed(wish: { prefix?: string; ending?: string; language?: string } = {}) {
  const { shopper } = shop;
  shopper.language = wish.language ?? 'en';
  const msisdn = shopper.number(wish.prefix ?? '701', wish.ending);
  const { id, url } = await shopper.placed({ msisdn, currency: 'CNY', method: 'stripe' });
  const email = newAddress();
  const told = await shopper.call('PUT', `/v1/orders/${id}/contact`, { email });
  assert.equal(told.status, 200, JSON.stringify(told.body));
  return { id, url, email, told: told.body, msisdn };
}

test('whoever asks for it hears once, in their language, that the phone has the money', async () => {
  const words = {
    zh: /₸1,000|1,000/,
    en: /on the phone/,
    ru: /Заказ/,
    kk: /Тапсырыс/,
  };
  for (const [language, word] of Object.entries(words)) {
    const { id, url, email, told, msisdn } = await placed({ language });
    assert.equal(told.contact, 'l•••@example.com');
    await shop.settle();
    assert.deepEqual(lettersTo(email), [], 'nothing has happened yet');
    await shop.shopper.atProvider(url, 'pay');
    await shop.settle();
    await shop.settle();
    const [letter, ...more] = lettersTo(email);
    assert.deepEqual(more, []);
    assert.ok(letter);
    assert.match(`${letter.subject}\n${letter.text}`, word);
    assert.match(letter.text, new RegExp(`https://topup\\.example/${language}/orders/${id}`));
    assert.match(letter.subject, new RegExp(told.reference));
    assert.doesNotMatch(letter.text, new RegExp(msisdn.slice(-7)), 'the number stays out of it');
  }
});

test('a refused number is told with the way out, and then the refund with its day', async () => {
  const { url, email } = await placed({ prefix: '705', ending: '802' });
  await shop.shopper.atProvider(url, 'pay');
  await shop.settle();
  assert.match(lettersTo(email).at(-1)?.text ?? '', /correct the number/);
  await shop.advance(limits.correctionMs + 1);
  await shop.settle();
  await shop.settle();
  const letters = lettersTo(email);
  assert.equal(letters.length, 2);
  assert.match(letters[1]?.subject ?? '', /Refund of CN¥/);
  assert.match(letters[1]?.text ?? '', /arrives by \d+ \w+ 20\d\d/);
});

test('what is not known after a while is told, what is known soon is not', async () => {
  const { url, email } = await placed({ prefix: '705', ending: '900' });
  await shop.shopper.atProvider(url, 'pay');
  await shop.settle();
  assert.deepEqual(lettersTo(email), []);
  await shop.advance(limits.unknownToldMs + 1);
  await shop.settle();
  assert.match(lettersTo(email)[0]?.subject ?? '', /Still trying/);
});

test('a post office that takes nothing for now gets the letter later; one that breaks off gets the same letter again', async () => {
  for (const mode of ['later', 'silent'] as const) {
    const { url, email } = await placed();
    shop.mailbox.set(mode);
    await shop.shopper.atProvider(url, 'pay');
    await shop.settle();
    shop.mailbox.set('normal');
    await shop.advance(limits.letterRetriesMs[0] ?? 0);
    await shop.settle();
    const letters = lettersTo(email);
    assert.equal(new Set(letters.map(({ id }) => id)).size, 1, mode);
    assert.equal(letters.length, mode === 'silent' ? 2 : 1, mode);
  }
});

test('an address that is refused for ever is not tried again, and the order is none the worse', async () => {
  const { id, url, email } = await placed();
  shop.mailbox.set('refuse');
  await shop.shopper.atProvider(url, 'pay');
  await shop.settle();
  shop.mailbox.set('normal');
  await shop.advance(24 * 3600_000);
  await shop.settle();
  assert.deepEqual(lettersTo(email), []);
  assert.equal((await shop.shopper.call('GET', `/v1/orders/${id}`)).body.state, 'delivered');
});

test('what is no address is refused in words, and addresses are not tried out', async () => {
  const { id } = await placed();
  const put = (email: string) => shop.shopper.call('PUT', `/v1/orders/${id}/contact`, { email });
  for (const email of [
    'li',
    'li@',
    '@example.com',
    'li@example',
    'a b@example.com',
    'a@b.c,d@e.fg',
    'a@b.cd\nBcc: x@y.zz',
  ]) {
    const { status, body } = await put(email);
    assert.deepEqual([status, body.code], [422, 'email.invalid'], email);
  }
  for (let change = 0; change < limits.contactChangesMax; change += 1)
    assert.equal((await put(newAddress())).status, 200);
  const last = await put(newAddress());
  assert.deepEqual([last.status, last.body.code], [429, 'email.changed_often']);
  assert.equal(
    (await shop.shopper.call('PUT', '/v1/orders/8c5f3a52-0000-4000-8000-000000000000/contact', { email: 'a@b.cd' }))
      .status,
    404,
  );
});

test('the address is sealed in the database and forgotten a month after the end', async () => {
  const { id, url, email } = await placed();
  const [row] = await shop.platform.sql<{ text: string }>(
    'select order_contact::text as text from order_contact where order_id = $1',
    [id],
  );
  assert.ok(row);
  assert.ok(!row.text.includes('li.wei') && !row.text.includes(Buffer.from(email).toString('hex')));
  await shop.shopper.atProvider(url, 'pay');
  await shop.settle();
  assert.equal(lettersTo(email).length, 1);
  await shop.advance(limits.contactKeptMs + 60_000);
  await shop.settle();
  assert.equal((await shop.shopper.call('GET', `/v1/orders/${id}`)).body.contact, null);
});
