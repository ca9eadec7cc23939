import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type App, startApp } from '../support/app.ts';
import { Shopper } from '../support/shopper.ts';

// Staff at the command line beside a running platform: find an order, see everything, do one thing about it.

const SERVICE = 'service-key-of-the-site-for-this-test';
const root = fileURLToPath(new URL('../..', import.meta.url));
let app: App;
const shopper = new Shopper(() => app.url, SERVICE);
before(async () => {
  app = await startApp({ env: { SAPAR_SERVICE_KEY: SERVICE } });
});
after(() => app.close());

type Ran = { readonly code: number; readonly out: string; readonly err: string };

function sapar(...args: readonly string[]): Promise<Ran> {
  const { DATABASE_URL: _ours, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [join(root, 'src/main.ts'), ...args],
      { cwd: root, env: { ...env, SAPAR_DATA_DIR: app.dataDir, LOG_LEVEL: 'silent' } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

async function paid(wish: { prefix: string; suffix?: string; method?: string }): Promise<string> {
  const msisdn = shopper.number(wish.prefix, wish.suffix);
  const { id, url } = await shopper.placed({ msisdn, currency: 'CNY', method: wish.method ?? 'stripe' });
  await shopper.atProvider(url, 'pay');
  return id;
}

async function auditIsClean(): Promise<void> {
  const { code, out } = await sapar('audit');
  assert.equal(code, 0, out);
}

test('an order is found by its reference, its id, its number and its state', async () => {
  const id = await paid({ prefix: '701', suffix: '111' });
  const { reference } = await shopper.until(id, (view) => view.isFinal);
  for (const what of [[reference], [reference.toLowerCase().replaceAll('-', ' ')], [id], ['--state', 'delivered']]) {
    const { code, out } = await sapar('orders', 'find', ...what);
    assert.equal(code, 0);
    assert.match(out, new RegExp(reference));
  }
  assert.equal((await sapar('orders', 'find', '+7 777 000 00 00')).out.trim(), 'none');
  assert.equal((await sapar('orders', 'find')).code, 2);
  const shown = await sapar('orders', 'show', reference);
  assert.match(shown.out, /quoted → awaiting_payment/);
  assert.match(shown.out, /sending → delivered/);
  assert.doesNotMatch(shown.out, /7701\d{7}/, 'staff see the mask');
});

test('a delivered order is given back in parts, never beyond the whole, and the books hold', async () => {
  const id = await paid({ prefix: '705' });
  const { quote } = await shopper.until(id, (view) => view.isFinal);
  const refund = (...more: string[]) => sapar('orders', 'refund', id, '--reason', 'goodwill', ...more);
  assert.equal((await refund('--amount', '5')).code, 2, 'nobody acts without a name');
  assert.equal((await refund('--amount', '5', '--as', 'aliya')).code, 0);
  const tooMuch = await refund('--amount', '500', '--as', 'aliya');
  assert.equal(tooMuch.code, 1);
  assert.match(tooMuch.err, /refund\.too_large/);
  assert.equal((await refund('--as', 'aliya')).code, 0);
  const done = await shopper.until(
    id,
    ({ refunds }) => refunds.length === 2 && refunds.every((one) => one.state === 'done'),
  );
  assert.equal(done.state, 'delivered');
  const cents = done.refunds.reduce((sum, { amount }) => sum + Math.round(Number(amount.amount) * 100), 0);
  assert.equal(cents, Math.round(Number(quote?.charge.amount) * 100));
  assert.equal((await refund('--as', 'aliya')).code, 1);
  await auditIsClean();
});

test('an outcome learned by telephone settles an order that is unknown: delivered', async () => {
  const id = await paid({ prefix: '707', suffix: '900' });
  await shopper.until(id, (view) => view.state === 'unknown');
  const told = ['--reason', 'hotline says so', '--as', 'aliya'];
  assert.equal((await sapar('orders', 'case', id, ...told)).code, 2);
  assert.equal((await sapar('orders', 'refund', id, ...told)).code, 1, 'what is with the operator is not given back');
  assert.equal((await sapar('orders', 'requery', id, ...told)).code, 0);
  assert.equal((await sapar('orders', 'case', id, '--delivered', 'OP-77', ...told)).code, 0);
  assert.equal((await shopper.until(id, (view) => view.isFinal)).state, 'delivered');
  assert.equal((await sapar('orders', 'case', id, '--refused', 'declined', ...told)).code, 1, 'settled once');
  await auditIsClean();
});

test('an outcome learned by telephone settles an order that is unknown: refused, and the money goes back', async () => {
  const id = await paid({ prefix: '707', suffix: '900', method: 'paypal' });
  await shopper.until(id, (view) => view.state === 'unknown');
  const { code } = await sapar('orders', 'case', id, '--refused', 'declined', '--reason', 'hotline', '--as', 'aliya');
  assert.equal(code, 0);
  assert.equal((await shopper.until(id, (view) => view.isFinal)).state, 'refunded');
  await auditIsClean();
});

test('a refused order is sent again by staff, and refused again it waits again', async () => {
  const id = await paid({ prefix: '705', suffix: '802' });
  await shopper.until(id, (view) => view.state === 'refused');
  assert.equal((await sapar('orders', 'retry', id, '--reason', 'operator repaired it', '--as', 'aliya')).code, 0);
  await shopper.until(id, (view) => view.state === 'refused');
  assert.equal((await sapar('orders', 'refund', id, '--reason', 'asked for', '--as', 'aliya')).code, 0);
  assert.equal((await shopper.until(id, (view) => view.isFinal)).state, 'refunded');
  await auditIsClean();
});

test('what does not exist, or is in another state, is refused by name', async () => {
  const id = await shopper.draft(shopper.number('701'));
  const why = ['--reason', 'test', '--as', 'aliya'];
  for (const verb of ['retry', 'refund', 'close']) {
    const { code, err } = await sapar('orders', verb, id, ...why);
    assert.equal(code, 1);
    assert.match(err, /order\.wrong_state/);
  }
  assert.match((await sapar('orders', 'show', 'AAAA-AAAA-AAAA')).err, /order\.not_found/);
  assert.match((await sapar('orders', 'routes')).out, /tele2 +dtone/);
});
