import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, type TestContext, test } from 'node:test';
import { type StripeSimulator, startStripe } from '../../../simulators/stripe/index.ts';
import { type Answer, type Server, startServer } from '../../../simulators/wire/server.ts';
import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import { Secret } from '../../base/secret.ts';
import {
  type Notification,
  type OpenedPayment,
  type OpenPayment,
  type PaymentFacts,
  type PaymentProvider,
  ProviderUnavailable,
  type RefundRequest,
} from '../provider.ts';
import { createStripe } from './stripe.ts';

// The provider against a simulator over real sockets; simulators/stripe/stripe.test.ts holds the simulator to the official SDK.

const secret = 'whsec_first';
const key = 'sk_test_provider';
let simulator: StripeSimulator;
let receiver: Server;
let provider: PaymentProvider;
const heard: { body: Buffer; headers: Record<string, string | undefined> }[] = [];
let orders = 0;
/** By how much the simulator's clock was moved on. */
let aheadMs = 0;

function providerAt(apiUrl: string, ...secrets: string[]): PaymentProvider {
  return createStripe({
    secretKey: new Secret(key),
    webhookSecrets: secrets.map((text) => new Secret(text)),
    apiUrl,
  });
}

/** A provider whose Stripe answers everything with this. */
async function answering(t: TestContext, answer: Answer): Promise<PaymentProvider> {
  const server = await startServer({ routes: {}, missing: () => answer });
  t.after(() => server.close());
  return providerAt(server.url, secret);
}

async function control<T = unknown>(path: string, body: unknown): Promise<T> {
  const response = await fetch(`${simulator.url}/_control${path}`, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
  return (await response.json()) as T;
}

async function passes(advanceMs: number): Promise<void> {
  await control('', { advanceMs });
  aheadMs += advanceMs;
}

/** One open session as Stripe has it, which the provider does not show. */
async function sessionOf(externalId: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${key}` };
  return (await (await fetch(`${simulator.url}/v1/checkout/sessions/${externalId}`, { headers })).json()) as Record<
    string,
    unknown
  >;
}

function payment(more: Partial<OpenPayment> = {}): OpenPayment {
  orders += 1;
  return {
    reference: `0e6a4a3e-0000-4000-8000-${String(orders).padStart(12, '0')}/1`,
    orderReference: '7KQ4-M2XD-9RTB',
    money: { currency: 'CNY', amountMinor: 1_405n },
    description: '话费充值 1000 ₸',
    language: 'zh',
    returnUrl: 'http://sapar.example/zh/orders/1?from=payment',
    cancelUrl: 'http://sapar.example/zh/orders/1?from=cancel',
    expiresAt: new Date(Date.now() + aheadMs + limits.quoteMs),
    ...more,
  };
}

async function act(opened: OpenedPayment, outcome: string, seconds = 600): Promise<void> {
  const body = new URLSearchParams({ outcome, seconds: String(seconds) });
  const response = await fetch(opened.url, { method: 'POST', body, redirect: 'manual' });
  assert.ok(response.status === 303 || outcome === 'decline');
}

async function paid(more: Partial<OpenPayment> = {}): Promise<PaymentFacts> {
  const opened = await provider.open(payment(more));
  await act(opened, 'pay');
  return provider.inspect(opened.externalId);
}

/** What has been notified since the last look, read by the provider. */
async function notified(): Promise<Notification[]> {
  await simulator.quiet();
  return Promise.all(heard.splice(0).map(({ body, headers }) => provider.readNotification(body, headers)));
}

const refused = (code: string) => (error: unknown) => error instanceof Refusal && error.code === code;

function signed(body: string, by = secret, at = Math.floor(Date.now() / 1_000)): Record<string, string> {
  return { 'stripe-signature': `t=${at},v1=${createHmac('sha256', by).update(`${at}.${body}`).digest('hex')}` };
}

function refundOf(facts: PaymentFacts, amountMinor: bigint, no = 1): RefundRequest {
  return {
    reference: `${facts.reference?.slice(0, -2)}/refund/${no}`,
    externalId: facts.externalId,
    captureId: facts.captureId ?? '',
    money: { currency: 'CNY', amountMinor },
  };
}

before(async () => {
  receiver = await startServer({
    routes: {
      'POST /callbacks/stripe': ({ body, headers }) => {
        heard.push({ body, headers: headers as Record<string, string | undefined> });
        return { status: 200 };
      },
    },
  });
  const webhooks = [{ url: `${receiver.url}/callbacks/stripe`, secrets: [secret] }];
  simulator = await startStripe({ key, webhooks, retriesMs: [] });
  provider = providerAt(simulator.url, secret);
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

test('a payment is opened with what we call it, in the language and money of the payer, and dies with the order', async () => {
  const asked = payment();
  const opened = await provider.open(asked);
  assert.equal(new URL(opened.url).origin, provider.pageOrigins[0]);
  assert.deepEqual(await provider.inspect(opened.externalId), {
    externalId: opened.externalId,
    reference: asked.reference,
    state: 'open',
    money: asked.money,
    captureId: undefined,
    refundedMinor: 0n,
  });
  const session = await sessionOf(opened.externalId);
  assert.deepEqual(session.metadata, { reference: asked.reference, order: asked.orderReference });
  assert.deepEqual(session.adaptive_pricing, { enabled: false });
  assert.equal(session.locale, 'zh');
  assert.equal(session.expires_at, Math.floor((asked.expiresAt.getTime() + limits.paymentPageSpareMs) / 1_000));
  const kazakh = await provider.open(payment({ language: 'kk' }));
  assert.equal((await sessionOf(kazakh.externalId)).locale, 'auto');
});

test('the same payment opened again is the same page, even after its deadline', async () => {
  const asked = payment();
  const opened = await provider.open(asked);
  assert.deepEqual(await Promise.all([provider.open(asked), provider.open(asked)]), [opened, opened]);
  await passes(limits.quoteMs);
  assert.deepEqual(await provider.open(asked), opened);
  assert.notEqual((await provider.open(payment())).externalId, opened.externalId);
  await assert.rejects(provider.open({ ...asked, money: { currency: 'CNY', amountMinor: 1n } }), ProviderUnavailable);
});

test('the statement carries two groups of the reference where Stripe allows it', async () => {
  const charged = async (orderReference: string): Promise<unknown> => {
    const { captureId } = await paid({ orderReference });
    const headers = { authorization: `Bearer ${key}` };
    const url = `${simulator.url}/v1/payment_intents/${captureId}?expand[]=latest_charge`;
    const intent = (await (await fetch(url, { headers })).json()) as Record<string, Record<string, unknown>>;
    return intent.latest_charge?.calculated_statement_descriptor;
  };
  assert.equal(await charged('7KQ4-M2XD-9RTB'), 'SAPAR* 7KQ4-M2XD');
  assert.equal(await charged('7234-5678-9RTB'), 'SAPAR', 'no letter in it: Stripe would refuse the payment');
});

test('an amount Stripe does not charge is our no, and not an outage', async () => {
  const cheap = payment({ money: { currency: 'USD', amountMinor: 49n } });
  await assert.rejects(provider.open(cheap), refused('method.unsupported'));
});

test('paid, declined, left: the notification and the enquiry are the same facts', async () => {
  const asked = payment();
  const opened = await provider.open(asked);
  await act(opened, 'decline');
  assert.equal((await provider.inspect(opened.externalId)).state, 'open', 'the payer may try another card');
  assert.deepEqual((await notified()).map(({ about, kind }) => [about, kind]).sort(), [
    ['hint', 'payment_intent.payment_failed'],
    ['nothing', 'charge.failed'],
  ]);
  await act(opened, 'leave');
  assert.equal((await provider.inspect(opened.externalId)).state, 'open');
  await act(opened, 'pay');
  const facts = await provider.inspect(opened.externalId);
  assert.equal(facts.state, 'captured');
  assert.equal(facts.reference, asked.reference);
  assert.deepEqual(facts.money, asked.money);
  assert.match(facts.captureId ?? '', /^pi_/);
  assert.deepEqual(await provider.capture(opened.externalId, asked.reference), facts);
  const heardOf = await notified();
  const told = heardOf.find(({ about }) => about === 'payment');
  assert.deepEqual(told?.about === 'payment' && told.facts, facts);
  const hinted = heardOf.find(({ kind }) => kind === 'payment_intent.succeeded');
  assert.equal(hinted?.about === 'hint' && hinted.captureId, facts.captureId);
});

test('money that comes later is pending, then captured or refused', async () => {
  for (const [outcome, state] of [
    ['late', 'captured'],
    ['late_fail', 'refused'],
  ] as const) {
    const opened = await provider.open(payment());
    await act(opened, outcome);
    assert.equal((await provider.inspect(opened.externalId)).state, 'pending');
    const told = (await notified()).find(({ about }) => about === 'payment');
    assert.equal(told?.about === 'payment' && told.facts.state, 'pending', 'completed is not paid');
    await control(`/sessions/${opened.externalId}/end`, { outcome: outcome === 'late' ? 'succeeded' : 'failed' });
    assert.equal((await provider.inspect(opened.externalId)).state, state);
    const later = (await notified()).find(({ about }) => about === 'payment');
    assert.equal(later?.about === 'payment' && later.facts.state, state);
  }
});

test('expired is expired however often it is asked for; who paid first has paid', async () => {
  const left = await provider.open(payment());
  assert.equal((await provider.expire(left.externalId)).state, 'expired');
  assert.equal((await provider.expire(left.externalId)).state, 'expired');
  const [told] = await notified();
  assert.equal(told?.about === 'payment' && told.facts.state, 'expired');
  const fast = await provider.open(payment());
  await act(fast, 'pay');
  const facts = await provider.expire(fast.externalId);
  assert.equal(facts.state, 'captured');
  assert.deepEqual(facts.money, { currency: 'CNY', amountMinor: 1_405n });
  const slow = await provider.open(payment());
  await act(slow, 'late');
  assert.equal((await provider.expire(slow.externalId)).state, 'pending');
  await control('', { faults: [{ kind: 'lose', times: 2, at: 'POST /v1/checkout/sessions/' }] });
  const unheard = await provider.open(payment());
  await assert.rejects(provider.expire(unheard.externalId), ProviderUnavailable);
  assert.equal((await provider.expire(unheard.externalId)).state, 'expired', 'it was done, and is found done');
});

test('a wrong amount, a wrong currency and another order come back as they are', async () => {
  await control('', { wrongAmount: true });
  assert.deepEqual((await paid()).money, { currency: 'CNY', amountMinor: 1_406n });
  await control('', { wrongCurrency: true });
  assert.deepEqual((await paid()).money, { currency: 'USD', amountMinor: 1_405n });
  await control('', { foreignOrder: true });
  assert.equal((await paid()).reference, 'another-shop/1');
});

test('a refund is made once for its reference, whatever is lost and however late it is asked again', async () => {
  const facts = await paid();
  const request = refundOf(facts, 400n);
  await control('', { faults: [{ kind: 'lose', times: 2, at: 'POST /v1/refunds' }] });
  assert.equal((await provider.refund(request)).kind, 'unknown');
  const done = await provider.refund(request);
  assert.equal(done.kind, 'done');
  const both = await Promise.all([provider.refund(refundOf(facts, 5n, 2)), provider.refund(refundOf(facts, 5n, 2))]);
  assert.deepEqual(both[0], both[1]);
  await passes(3 * 24 * 60 * 60_000);
  assert.deepEqual(await provider.refund(request), done, 'the idempotency key is long forgotten');
  assert.equal((await provider.inspect(facts.externalId)).refundedMinor, 405n);
  assert.equal((await provider.inspect(facts.externalId)).state, 'captured', 'it stays so after a refund');
  const hints = (await notified()).filter(({ kind }) => kind === 'charge.refunded');
  assert.equal(hints.length, 2);
  assert.ok(hints.every((told) => told.about === 'hint' && told.captureId === facts.captureId));
});

test('a refund may hang, fail, or be refused for good', async () => {
  await control('', { refunds: 'pending' });
  const hanging = await paid();
  const pending = await provider.refund(refundOf(hanging, 1_405n));
  assert.equal(pending.kind, 'pending');
  await control(`/refunds/${pending.kind === 'pending' && pending.externalId}`, { status: 'succeeded' });
  assert.equal((await provider.refund(refundOf(hanging, 1_405n))).kind, 'done', 'asked again, it says how it went on');
  await control('', { refunds: 'failed' });
  const failing = await paid();
  assert.equal((await provider.refund(refundOf(failing, 1_405n))).kind, 'pending');
  assert.deepEqual(await provider.refund(refundOf(failing, 1_405n)), {
    kind: 'refused',
    reason: 'lost_or_stolen_card',
  });
  assert.equal((await provider.inspect(failing.externalId)).refundedMinor, 0n);
  await control('', {});
  const gone = await paid();
  assert.equal((await provider.refund(refundOf(gone, 1_405n))).kind, 'done');
  assert.deepEqual(await provider.refund(refundOf(gone, 1n, 2)), {
    kind: 'refused',
    reason: 'charge_already_refunded',
  });
  const charged = await paid();
  await control(`/payment_intents/${charged.captureId}/dispute`, {});
  assert.deepEqual(await provider.refund(refundOf(charged, 1n)), { kind: 'refused', reason: 'charge_disputed' });
  // Some of it was given back elsewhere: whoever asked looks how much. Stripe has no code for it.
  const more = await provider.refund(refundOf(await paid(), 1_406n));
  assert.deepEqual(more, { kind: 'refused', reason: 'amount_too_large' });
  const nowhere = await provider.refund({ ...refundOf(await paid(), 1n), captureId: 'pi_nowhere' });
  assert.equal(nowhere.kind, 'unknown', 'a no we have not met before is not taken for the last word');
});

test('a dispute is told from its opening to its end', async () => {
  const facts = await paid();
  await notified();
  const path = `/payment_intents/${facts.captureId}/dispute`;
  const { id } = await control<{ id: string }>(path, { reason: 'product_not_received' });
  await control(`/disputes/${id}`, { status: 'under_review' });
  await control(`/disputes/${id}`, { status: 'lost' });
  const told = await notified();
  const states = told.map((each) => (each.about === 'dispute' ? [each.kind, each.facts.state] : [each.kind]));
  assert.deepEqual(states.sort(), [
    ['charge.dispute.closed', 'lost'],
    ['charge.dispute.created', 'open'],
    ['charge.dispute.funds_withdrawn', 'open'],
    ['charge.dispute.updated', 'open'],
  ]);
  const opened = told.find(({ kind }) => kind === 'charge.dispute.created');
  assert.deepEqual(opened?.about === 'dispute' && opened.facts, {
    externalId: id,
    captureId: facts.captureId,
    state: 'open',
    money: facts.money,
    reason: 'product_not_received',
  });
});

test('a connection that breaks once is tried again with the same key; an outage is an outage', async () => {
  const asked = payment();
  await control('', { faults: [{ kind: 'lose', at: 'POST /v1/checkout/sessions' }] });
  const opened = await provider.open(asked);
  assert.equal((await provider.inspect(opened.externalId)).reference, asked.reference);
  const { externalId } = opened;
  for (const fault of [
    { kind: 'drop', times: 2 },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429 },
  ]) {
    await control('', { faults: [fault] });
    await assert.rejects(provider.inspect(externalId), ProviderUnavailable);
    await control('', { faults: [fault] });
    await assert.rejects(provider.open(payment()), ProviderUnavailable);
    await control('', { faults: [fault] });
    assert.equal(
      (await provider.refund({ ...refundOf(await provider.inspect(externalId).catch(() => blank), 1n) })).kind,
      'unknown',
    );
  }
  await assert.rejects(provider.inspect('cs_test_nobody'), ProviderUnavailable);
  await assert.rejects(provider.expire('cs_test_nobody'), ProviderUnavailable);
  await assert.rejects(providerAt('http://127.0.0.1:9', secret).open(payment()), ProviderUnavailable);
});

const blank: PaymentFacts = {
  externalId: 'cs_test_1',
  reference: 'x/1',
  state: 'open',
  money: undefined,
  captureId: 'pi_1',
  refundedMinor: 0n,
};

test('an answer that says something else, no JSON, too much or a redirect is no answer', async (t) => {
  const good = { id: 'cs_1', object: 'checkout.session', status: 'open', payment_status: 'unpaid' };
  const elsewhere = await startServer({ routes: {}, missing: () => ({ status: 200, body: JSON.stringify(good) }) });
  t.after(() => elsewhere.close());
  const answers = [
    { status: 200, body: '{}' },
    { status: 200, body: '{"id":"cs_other","object":"checkout.session","status":"complete","payment_status":"paid"}' },
    { status: 200, body: '<html>' },
    { status: 200, body: JSON.stringify(good) + ' '.repeat(limits.paymentAnswerBytesMax) },
    { status: 302, headers: { location: elsewhere.url } },
  ];
  for (const answer of answers) {
    await assert.rejects((await answering(t, answer)).inspect('cs_1'), ProviderUnavailable);
  }
});

test('a word of Stripe that we do not know ends nothing', async (t) => {
  const session = { id: 'cs_1', object: 'checkout.session', status: 'complete', payment_status: 'paid' };
  for (const [more, state] of [
    [{ status: 'asleep' }, 'pending'],
    [{ payment_status: 'promised' }, 'pending'],
    [{ payment_status: 'no_payment_required' }, 'pending'],
    [{ status: null }, 'pending'],
  ] as const) {
    const odd = await answering(t, { status: 200, body: JSON.stringify({ ...session, ...more }) });
    assert.equal((await odd.inspect('cs_1')).state, state);
  }
  const yen = { ...session, amount_total: 5, currency: 'jpy' };
  const odd = await answering(t, { status: 200, body: JSON.stringify(yen) });
  assert.equal((await odd.inspect('cs_1')).money, undefined, 'no money of ours');
});

test('whoever does not answer is given up within the bound', { timeout: limits.paymentCallMs + 10_000 }, async (t) => {
  const silent = createServer((_, response) => {
    // Headers come, the body never ends: a timeout of silence between bytes would wait for ever.
    response.writeHead(200, { 'content-type': 'application/json' });
    const drip = setInterval(() => response.write(' '), 1_000);
    response.on('close', () => clearInterval(drip));
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    silent.close();
    silent.closeAllConnections();
  });
  const startedAt = performance.now();
  const at = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  await assert.rejects(providerAt(at, secret).inspect('cs_1'), ProviderUnavailable);
  const took = performance.now() - startedAt;
  assert.ok(took > limits.paymentCallMs - 100 && took < limits.paymentCallMs + 3_000, `${took} ms`);
});

test('a notification is believed for its signature and its age alone', async () => {
  const body = JSON.stringify({ id: 'evt_1', type: 'radar.early_fraud_warning.created', data: { object: {} } });
  const read = (headers: Record<string, string | undefined>, raw: string | Buffer = body): Promise<Notification> =>
    provider.readNotification(Buffer.from(raw), headers);
  const now = Math.floor(Date.now() / 1_000);
  assert.deepEqual(await read(signed(body)), {
    eventId: 'evt_1',
    kind: 'radar.early_fraud_warning.created',
    about: 'nothing',
  });
  assert.equal((await read(signed(body, secret, now - 299))).about, 'nothing');
  await assert.rejects(read(signed(body, secret, now - 302)), refused('webhook.stale'));
  await assert.rejects(read(signed(body, 'whsec_other')), refused('webhook.signature'));
  await assert.rejects(read(signed(body, 'whsec_other', now - 302)), refused('webhook.signature'));
  await assert.rejects(read(signed(body), `${body} `), refused('webhook.signature'));
  await assert.rejects(read({}), refused('webhook.signature'));
  for (const header of [
    '',
    't=',
    `t=${now}`,
    `t=${now},v1=`,
    `t=${now},v1=00`,
    `v1=${'0'.repeat(64)}`,
    't=x,v1=ff',
    ',',
  ])
    await assert.rejects(read({ 'stripe-signature': header }), refused('webhook.signature'));
  // The vector of the reference, long out of date: its signature holds, its age does not.
  const vector = `t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925`;
  await assert.rejects(
    providerAt(simulator.url, 'whsec_test').readNotification(Buffer.from('{"id":"evt_1"}'), {
      'stripe-signature': vector,
    }),
    refused('webhook.stale'),
  );
});

test('a signed body that makes no sense is refused, and so is a huge one', async () => {
  const odd = [
    '',
    'null',
    '[]',
    '{',
    '{"id":"evt_1"}',
    '{"id":1,"type":"x","data":{"object":{}}}',
    '{"id":"evt_1","type":"checkout.session.completed","data":{"object":{}}}',
    '{"id":"evt_1","type":"checkout.session.completed","data":{"object":null}}',
    '{"id":"evt_1","type":"charge.dispute.created","data":{"object":{"currency":7}}}',
    '{"id":"evt_1","object":"v2.core.event","type":"x","data":{"object":{}}}',
  ];
  for (const body of odd)
    await assert.rejects(provider.readNotification(Buffer.from(body), signed(body)), refused('webhook.invalid'), body);
  const huge = JSON.stringify({
    id: 'evt_1',
    type: 'x',
    data: { object: { pad: 'x'.repeat(limits.webhookBytesMax) } },
  });
  await assert.rejects(provider.readNotification(Buffer.from(huge), signed(huge)), refused('webhook.invalid'));
});

test('while a webhook secret is exchanged, both are accepted and a third is not', async () => {
  const body = JSON.stringify({ id: 'evt_1', type: 'x', data: { object: {} } });
  const rotating = providerAt(simulator.url, 'whsec_old', 'whsec_new');
  for (const live of ['whsec_old', 'whsec_new'])
    assert.equal((await rotating.readNotification(Buffer.from(body), signed(body, live))).eventId, 'evt_1');
  await assert.rejects(
    rotating.readNotification(Buffer.from(body), signed(body, 'whsec_third')),
    refused('webhook.signature'),
  );
  await assert.rejects(
    rotating.readNotification(Buffer.from(body), signed(body, 'whsec_new', 1_700_000_000)),
    refused('webhook.stale'),
  );
  assert.throws(() => providerAt(simulator.url));
  assert.throws(() => providerAt(simulator.url, 'a', ' '));
});
