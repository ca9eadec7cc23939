import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import pino from 'pino';
import { type Bank, startBank } from '../../simulators/bank/bank.ts';
import { type PaypalSimulator, startPaypal } from '../../simulators/paypal/index.ts';
import { type Server, startServer } from '../../simulators/wire/server.ts';
import { newNumber } from '../../test/support/platform.ts';
import { openPlatform, type Platform } from '../app.ts';
import { steppedClock } from '../base/clock.ts';
import type { Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { readConfig } from '../config.ts';
import type { Alarm } from './index.ts';

// Orders that are paid with PayPal: approved by the payer, captured by us, whatever gets lost on the way.

const clock = steppedClock(new Date());
const dataDir = mkdtempSync(join(tmpdir(), 'sapar-paypal-orders-'));
const alarms: Alarm[] = [];
let platform: Platform;
let simulator: PaypalSimulator;
let bank: Bank;
let door: Server;

before(async () => {
  door = await startServer({
    routes: {
      'POST /callbacks/paypal': async ({ body, headers }) => {
        const lower = headers as Record<string, string | undefined>;
        return platform.orders.notify({ provider: 'paypal', body, headers: lower }).then(
          () => ({ status: 204 }),
          (error) => ({ status: error instanceof Refusal ? error.status : 500 }),
        );
      },
    },
  });
  bank = await startBank();
  simulator = await startPaypal({
    clientId: 'client',
    clientSecret: 'secret',
    webhook: { url: `${door.url}/callbacks/paypal`, id: 'WEBHOOK1' },
    retriesMs: [],
  });
  const env = {
    LOG_LEVEL: 'silent',
    PAYPAL_CLIENT_ID: 'client',
    PAYPAL_CLIENT_SECRET: 'secret',
    PAYPAL_WEBHOOK_ID: 'WEBHOOK1',
    PAYPAL_API_URL: simulator.url,
    PAYPAL_CERT_ORIGIN: simulator.url,
    SAPAR_RATES_URL: bank.feedUrl,
  };
  platform = await openPlatform(readConfig(env, { dataDir, port: '0', demo: false }), {
    log: pino({ level: 'silent' }),
    clock,
    onAlarm: (alarm) => alarms.push(alarm),
  });
});
afterEach(() => control('', {}));
after(async () => {
  await platform.close();
  await Promise.all([simulator.close(), bank.close(), door.close()]);
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

async function control(path: string, asked: object): Promise<void> {
  const response = await fetch(`${simulator.url}/_control${path}`, { method: 'POST', body: JSON.stringify(asked) });
  assert.equal(response.status, 200);
}

const back = { returnUrl: 'https://sapar.example/return', cancelUrl: 'https://sapar.example/cancel' };

/** An order that waits for its payment, and PayPal's page. */
async function placed(): Promise<{ id: Uuid; url: string }> {
  await platform.rates.refresh();
  const id = await platform.orders.draft({ recipient: { msisdn: newNumber(), operator: 'beeline' }, language: 'en' });
  const wish = { faceMinor: 1_000_00n, currency: 'USD', method: 'paypal', language: 'en', confirm: undefined } as const;
  await platform.orders.quote(id, wish);
  return { id, url: await platform.orders.place(id, back) };
}

async function choose(url: string, outcome: string): Promise<void> {
  await fetch(url, { method: 'POST', body: new URLSearchParams({ outcome }), redirect: 'manual' });
  await simulator.quiet();
}

/** Lets the worker do what is due, and a little later what that has made due. */
async function work(rounds = 3): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await platform.orders.workOnce();
    await simulator.quiet();
    clock.advance(20);
  }
}

const stateOf = async (id: Uuid): Promise<string> => (await platform.orders.view(id)).state;
const told = (): string[] => alarms.splice(0).map(({ kind }) => kind);

test('a payer who approves and closes the page has the credit: the notification is enough', async () => {
  const { id, url } = await placed();
  await choose(url, 'stay');
  await work();
  const view = await platform.orders.view(id);
  assert.deepEqual([view.state, view.payment?.state], ['delivered', 'captured']);
  assert.equal(view.quote?.charge.currency, 'USD');
  assert.deepEqual(told(), []);
});

test('a payer whose notification is lost has the credit all the same', async () => {
  await control('', { lose: 1 });
  const { id, url } = await placed();
  await choose(url, 'pay');
  await work();
  assert.equal(await stateOf(id), 'awaiting_payment');
  await platform.orders.returned(id);
  await work();
  assert.equal(await stateOf(id), 'delivered');
});

test('a declined card leaves the order waiting, and the next one pays it', async () => {
  const { id, url } = await placed();
  await choose(url, 'decline');
  await work();
  assert.equal(await stateOf(id), 'awaiting_payment');
  await choose(url, 'stay');
  await work();
  assert.equal(await stateOf(id), 'delivered');
});

test('a capture whose answer is lost pays the order once', async () => {
  const { id, url } = await placed();
  await control('', { faults: [{ kind: 'lose', at: 'POST /v2/checkout/orders/', times: 2 }] });
  await choose(url, 'stay');
  await work();
  clock.advance(limits.claimMs);
  await work();
  assert.equal(await stateOf(id), 'delivered');
  assert.deepEqual(told(), []);
});

test('an order nobody paid lapses, cannot be paid later, and is forgotten by PayPal without an alarm', async () => {
  const { id, url } = await placed();
  clock.advance(limits.quoteMs + 1_000);
  await work();
  assert.equal(await stateOf(id), 'expired');
  await choose(url, 'stay');
  for (const ms of limits.latePollsMs) {
    await control('', { advanceMs: ms });
    clock.advance(ms + 1_000);
    await work();
  }
  const view = await platform.orders.view(id);
  assert.deepEqual([view.state, view.payment?.state], ['expired', 'expired']);
  assert.deepEqual(told(), []);
});

test('money of another amount or under another name is for staff, not for the phone', async () => {
  for (const wrong of ['wrongAmount', 'wrongCurrency', 'foreignOrder']) {
    const { id, url } = await placed();
    await control('', { [wrong]: true });
    await choose(url, 'stay');
    await work();
    assert.notEqual(await stateOf(id), 'delivered', wrong);
    assert.ok(told().includes('payment.mismatch'), wrong);
  }
});

test('what a notification lies about changes nothing', async () => {
  await control('', { lies: ['amount', 'currency'], duplicate: 3, reorder: true });
  const { id, url } = await placed();
  await choose(url, 'stay');
  await work();
  assert.equal(await stateOf(id), 'delivered');
  assert.deepEqual(told(), []);
});
