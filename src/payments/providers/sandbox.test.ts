import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, type TestContext, test } from 'node:test';
import { type Sandbox, startSandbox } from '../../../simulators/sandbox/index.ts';
import { type Answer, type Server, startServer } from '../../../simulators/wire/server.ts';
import { steppedClock, systemClock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { currencyNames } from '../../base/money.ts';
import { Refusal } from '../../base/refusal.ts';
import { Secret } from '../../base/secret.ts';
import {
  type Notification,
  type OpenPayment,
  type PaymentFacts,
  type PaymentProvider,
  ProviderUnavailable,
  type RefundRequest,
} from '../provider.ts';
import { createSandbox } from './sandbox.ts';

const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
let simulator: Sandbox;
let receiver: Server;
let provider: PaymentProvider;
const heard: { body: Buffer; headers: Record<string, string | undefined> }[] = [];
let orders = 0;

function providerAt(url: string, clock = systemClock, key = secret): PaymentProvider {
  return createSandbox({ url, secret: new Secret(key), clock });
}

async function control<T = unknown>(path: string, body: unknown): Promise<T> {
  const response = await fetch(`${simulator.url}/_control${path}`, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
  return (await response.json()) as T;
}

function payment(more: Partial<OpenPayment> = {}): OpenPayment {
  orders += 1;
  return {
    reference: `order-${orders}/1`,
    orderReference: '7KQ4-M2XD-9RTB',
    money: { currency: 'KZT', amountMinor: 105_000n },
    description: 'Beeline 1000 ₸',
    language: 'kk',
    returnUrl: 'http://sapar.example/kk/orders/1?from=payment',
    cancelUrl: 'http://sapar.example/kk/orders/1?from=cancel',
    expiresAt: new Date(Date.now() + limits.quoteMs),
    ...more,
  };
}

async function paid(more: Partial<OpenPayment> = {}): Promise<PaymentFacts> {
  const { externalId } = await provider.open(payment(more));
  await control(`/payments/${externalId}`, { outcome: 'pay' });
  return provider.inspect(externalId);
}

async function notified(): Promise<Notification[]> {
  await simulator.quiet();
  return Promise.all(heard.splice(0).map(({ body, headers }) => provider.readNotification(body, headers)));
}

function refundOf(facts: PaymentFacts, amountMinor: bigint, no = 1): RefundRequest {
  const { externalId, captureId = '', money } = facts;
  const currency = money?.currency ?? 'KZT';
  return { reference: `${facts.reference}/refund/${no}`, externalId, captureId, money: { currency, amountMinor } };
}

const refused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

before(async () => {
  receiver = await startServer({
    routes: {
      'POST /callbacks/sandbox': ({ body, headers }) => {
        heard.push({ body, headers: headers as Record<string, string | undefined> });
        return { status: 204 };
      },
    },
  });
  simulator = await startSandbox({ secret, webhookUrl: `${receiver.url}/callbacks/sandbox`, retriesMs: [] });
  provider = providerAt(simulator.url);
});

beforeEach(async () => {
  await control('', {});
  await simulator.quiet();
  heard.length = 0;
});

after(async () => {
  await simulator.close();
  await receiver.close();
});

test('every currency we know can be charged, and comes back as it was asked for', async () => {
  assert.deepEqual(provider.currencies, currencyNames);
  for (const currency of currencyNames) {
    const asked = payment({ money: { currency, amountMinor: 1_05n } });
    const { externalId } = await provider.open(asked);
    assert.deepEqual(await provider.inspect(externalId), {
      externalId,
      reference: asked.reference,
      state: 'open',
      money: asked.money,
      captureId: undefined,
      refundedMinor: 0n,
    });
  }
});

test('a payment is opened once, shown in the language of its payer and paid on its page', async () => {
  const asked = payment();
  const opened = await provider.open(asked);
  assert.deepEqual(await Promise.all([provider.open(asked), provider.open(asked)]), [opened, opened]);
  assert.equal(new URL(opened.url).origin, provider.pageOrigins[0]);
  const page = await (await fetch(opened.url)).text();
  assert.match(page, /<html lang="kk">/);
  assert.match(page, /Ақша алынбайды/);
  const choose = (outcome: string): Promise<Response> =>
    fetch(opened.url, { method: 'POST', body: new URLSearchParams({ outcome }), redirect: 'manual' });
  assert.match(await (await choose('decline')).text(), /role="alert"/);
  assert.equal((await choose('leave')).headers.get('location'), asked.cancelUrl);
  assert.equal((await provider.inspect(opened.externalId)).state, 'open');
  assert.equal((await choose('pay')).headers.get('location'), asked.returnUrl);
  const facts = await provider.inspect(opened.externalId);
  assert.equal(facts.state, 'captured');
  assert.match(facts.captureId ?? '', /^cap_/);
  assert.deepEqual(await provider.capture(opened.externalId, asked.reference), facts);
  const [told] = await notified();
  assert.deepEqual(told?.about === 'payment' && told.facts, facts);
});

test('late money, failed money, expiry by us, by time, and too late', async () => {
  const late = await provider.open(payment());
  await control(`/payments/${late.externalId}`, { outcome: 'late', seconds: 600 });
  assert.equal((await provider.inspect(late.externalId)).state, 'pending');
  assert.equal((await provider.expire(late.externalId)).state, 'pending');
  await control(`/payments/${late.externalId}/end`, { outcome: 'succeeded' });
  assert.equal((await provider.inspect(late.externalId)).state, 'captured');
  const failing = await provider.open(payment());
  await control(`/payments/${failing.externalId}`, { outcome: 'late_fail', seconds: 600 });
  await control(`/payments/${failing.externalId}/end`, { outcome: 'failed' });
  assert.equal((await provider.inspect(failing.externalId)).state, 'refused');
  const left = await provider.open(payment());
  assert.equal((await provider.expire(left.externalId)).state, 'expired');
  assert.equal((await provider.expire(left.externalId)).state, 'expired');
  assert.equal((await provider.expire((await paid()).externalId)).state, 'captured', 'the payer was faster');
  const kinds = (await notified()).map((each) => (each.about === 'payment' ? each.facts.state : each.about));
  assert.deepEqual(kinds.sort(), ['captured', 'captured', 'expired', 'pending', 'pending', 'refused']);
  const old = await provider.open(payment());
  await control('', { advanceMs: limits.quoteMs + 1_000 });
  assert.equal((await provider.inspect(old.externalId)).state, 'expired');
  await control('', { advanceMs: -limits.quoteMs - 1_000 });
});

test('a wrong amount, a wrong currency and another order come back as they are', async () => {
  await control('', { wrongAmount: true });
  assert.deepEqual((await paid()).money, { currency: 'KZT', amountMinor: 105_001n });
  await control('', { wrongCurrency: true });
  assert.deepEqual((await paid()).money, { currency: 'USD', amountMinor: 105_000n });
  await control('', { foreignOrder: true });
  assert.equal((await paid()).reference, 'another-shop/1');
});

test('a refund is made once for its reference, may hang, fail, and be refused', async () => {
  const facts = await paid();
  const part = refundOf(facts, 5_000n);
  await control('', { faults: [{ kind: 'lose', times: 2, at: 'POST /refunds' }] });
  assert.equal((await provider.refund(part)).kind, 'unknown');
  const done = await provider.refund(part);
  assert.equal(done.kind, 'done');
  assert.deepEqual(await provider.refund(part), done);
  assert.equal((await provider.inspect(facts.externalId)).refundedMinor, 5_000n);
  // Some of it was given back elsewhere: whoever asked looks how much.
  assert.deepEqual(await provider.refund(refundOf(facts, 100_001n, 2)), { kind: 'refused', reason: 'too_much' });
  assert.equal((await provider.refund(refundOf(facts, 100_000n, 3))).kind, 'done');
  assert.deepEqual(await provider.refund(refundOf(facts, 1n, 4)), { kind: 'refused', reason: 'already_refunded' });
  await control('', { refunds: 'pending' });
  const hanging = await paid();
  const pending = await provider.refund(refundOf(hanging, 105_000n));
  assert.equal(pending.kind, 'pending');
  await control(`/refunds/${pending.kind === 'pending' && pending.externalId}`, { state: 'failed' });
  assert.deepEqual(await provider.refund(refundOf(hanging, 105_000n)), { kind: 'refused', reason: 'failed' });
  assert.equal((await provider.inspect(hanging.externalId)).refundedMinor, 0n);
  const hint = (await notified()).findLast(({ about }) => about === 'hint');
  assert.equal(hint?.about === 'hint' && hint.externalId, hanging.externalId);
});

test('a dispute is told', async () => {
  const facts = await paid();
  await notified();
  const { id } = await control<{ id: string }>(`/payments/${facts.externalId}/dispute`, { reason: 'not_received' });
  await control(`/disputes/${id}`, { state: 'won' });
  const told = (await notified()).map((each) => (each.about === 'dispute' ? each.facts : undefined));
  const dispute = { externalId: id, captureId: facts.captureId, money: facts.money, reason: 'not_received' };
  assert.deepEqual(
    told.sort((a, b) => String(a?.state).localeCompare(String(b?.state))),
    [
      { ...dispute, state: 'open' },
      { ...dispute, state: 'won' },
    ],
  );
});

test('one broken connection is tried again; an outage and an odd answer are no answer', async (t: TestContext) => {
  await control('', { faults: [{ kind: 'lose', at: 'POST /payments' }] });
  const { externalId } = await provider.open(payment());
  await control('', { faults: [{ kind: 'drop', times: 2 }] });
  await assert.rejects(provider.inspect(externalId), ProviderUnavailable);
  await control('', { faults: [{ kind: 'status', status: 503 }] });
  await assert.rejects(provider.expire(externalId), ProviderUnavailable);
  await assert.rejects(provider.inspect('pay_nobody'), ProviderUnavailable);
  await assert.rejects(providerAt('http://127.0.0.1:9').open(payment()), ProviderUnavailable);
  const stranger = providerAt(simulator.url, systemClock, Buffer.alloc(24, 8).toString('base64'));
  await assert.rejects(stranger.inspect(externalId), ProviderUnavailable);
  const right = { id: 'p', reference: 'r', state: 'captured', money: { currency: 'KZT', amount: '1.00' } };
  const whole = { ...right, refunded: right.money, capture: 'c' };
  const answers: [Answer, PaymentFacts['state'] | undefined][] = [
    [{ status: 200, body: '<html>' }, undefined],
    [{ status: 200, body: '{}' }, undefined],
    [{ status: 200, body: JSON.stringify({ ...whole, id: 'other' }) }, undefined],
    [{ status: 201, body: JSON.stringify(whole) }, undefined],
    [{ status: 302, headers: { location: simulator.url } }, undefined],
    [{ status: 200, body: JSON.stringify({ ...whole, state: 'asleep' }) }, 'pending'],
    [{ status: 200, body: JSON.stringify(whole) }, 'captured'],
  ];
  for (const [answer, state] of answers) {
    const odd = await startServer({ routes: {}, missing: () => answer });
    t.after(() => odd.close());
    if (state === undefined) await assert.rejects(providerAt(odd.url).inspect('p'), ProviderUnavailable);
    else assert.equal((await providerAt(odd.url).inspect('p')).state, state);
  }
});

test('a notification is believed for its signature and its age alone', async () => {
  const at = new Date('2026-11-24T12:00:00Z');
  const seconds = Math.floor(at.getTime() / 1_000);
  const body = '{"type":"other","data":{}}';
  const signature = (raw: string, key = secret): string =>
    createHmac('sha256', Buffer.from(key.replace('whsec_', ''), 'base64'))
      .update(`msg_1.${seconds}.${raw}`)
      .digest('base64');
  const headersOf = (raw = body, more: object = {}): Record<string, string> => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(seconds),
    'webhook-signature': `v1,${signature(raw)}`,
    ...more,
  });
  const read = (headers: Record<string, string>, raw = body, clock = steppedClock(at)): Promise<Notification> =>
    providerAt(simulator.url, clock).readNotification(Buffer.from(raw), headers);
  assert.deepEqual(await read(headersOf()), { eventId: 'msg_1', kind: 'other', about: 'nothing' });
  const two = `v1,${signature(body, Buffer.alloc(24, 1).toString('base64'))} v1a,x ${headersOf()['webhook-signature']}`;
  assert.equal((await read(headersOf(body, { 'webhook-signature': two }))).eventId, 'msg_1');
  for (const ms of [-1, 1]) {
    const edge = steppedClock(at);
    edge.advance(ms * limits.webhookAgeMsMax);
    assert.equal((await read(headersOf(), body, edge)).eventId, 'msg_1');
    edge.advance(ms);
    await assert.rejects(read(headersOf(), body, edge), refused('webhook.stale'));
  }
  for (const more of [
    { 'webhook-id': 'msg_2' },
    { 'webhook-timestamp': String(seconds + 1) },
    { 'webhook-timestamp': 'x' },
    { 'webhook-signature': '' },
    { 'webhook-signature': 'v1,' },
    { 'webhook-signature': signature(body) },
    { 'webhook-signature': `v2,${signature(body)}` },
    { 'webhook-signature': `v1,${signature(body, Buffer.alloc(24, 1).toString('base64'))}` },
  ])
    await assert.rejects(read(headersOf(body, more)), refused('webhook.signature'));
  await assert.rejects(read(headersOf(), `${body} `), refused('webhook.signature'));
  for (const raw of ['', '{', 'null', '{"type":"payment","data":{}}', '{"type":"dispute","data":null}', '{"type":1}'])
    await assert.rejects(read(headersOf(raw), raw), refused('webhook.invalid'), raw);
  const huge = JSON.stringify({ type: 'other', data: 'x'.repeat(limits.webhookBytesMax) });
  await assert.rejects(read(headersOf(huge), huge), refused('webhook.invalid'));
});

test('forged and old notifications of the simulator are refused', async () => {
  await control('', { wrongSignature: true });
  await paid();
  await assert.rejects(notified(), refused('webhook.signature'));
  await control('', { stale: true });
  await paid();
  await assert.rejects(notified(), refused('webhook.stale'));
});
