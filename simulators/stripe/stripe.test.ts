import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import Stripe from 'stripe';
import { type Server, startServer } from '../wire/server.ts';
import { type StripeSimulator, startStripe } from './index.ts';

// The official SDK is the independent client: what it sends must be understood and what it is sent must be what it expects.

const secret = 'whsec_first';
let simulator: StripeSimulator;
let receiver: Server;
let stripe: Stripe;
const heard: { body: Buffer; signature: string }[] = [];

function clientOf(url: string): Stripe {
  const { hostname, port } = new URL(url);
  return new Stripe('sk_test_1', { host: hostname, port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 });
}

async function control(path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${simulator.url}/_control${path}`, { method: 'POST', body: JSON.stringify(body) });
  assert.equal(response.status, 200, `${path}: ${await response.clone().text()}`);
  return response.json();
}

function sessionOf(more: Stripe.Checkout.SessionCreateParams = {}): Stripe.Checkout.SessionCreateParams {
  return {
    mode: 'payment',
    line_items: [
      { quantity: 1, price_data: { currency: 'kzt', unit_amount: 100_000, product_data: { name: 'Top-up <1000>' } } },
    ],
    client_reference_id: 'order/1',
    metadata: { order: '7KQ4-M2XD-9RTB' },
    success_url: 'http://shop.example/done?session={CHECKOUT_SESSION_ID}',
    cancel_url: 'http://shop.example/back',
    ...more,
  };
}

async function onPage(session: Stripe.Checkout.Session, form: Record<string, string>): Promise<Response> {
  return fetch(session.url ?? '', { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
}

async function paid(): Promise<Stripe.Checkout.Session> {
  const session = await stripe.checkout.sessions.create(sessionOf());
  await onPage(session, { outcome: 'pay' });
  return stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent.latest_charge'] });
}

async function events(): Promise<Stripe.Event[]> {
  await simulator.quiet();
  return heard.splice(0).map(({ body, signature }) => stripe.webhooks.constructEvent(body, signature, secret));
}

const kinds = async (): Promise<string[]> => (await events()).map(({ type }) => type).sort();

before(async () => {
  receiver = await startServer({
    routes: {
      'POST /hook': ({ body, headers }) => {
        heard.push({ body, signature: String(headers['stripe-signature']) });
        return { status: 200 };
      },
    },
  });
  simulator = await startStripe({
    webhooks: [{ url: `${receiver.url}/hook`, secrets: [secret, 'whsec_second'] }],
    retriesMs: [],
  });
  stripe = clientOf(simulator.url);
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

test('a session is opened, paid on its page and seen with its money', async () => {
  const session = await stripe.checkout.sessions.create(sessionOf());
  assert.equal(session.object, 'checkout.session');
  assert.equal(session.status, 'open');
  assert.equal(session.payment_status, 'unpaid');
  assert.equal(session.amount_total, 100_000);
  assert.equal(session.payment_intent, null);
  assert.match(session.lastResponse.requestId, /^req_/);
  const page = await (await fetch(session.url ?? '', { headers: { 'accept-language': 'zh-CN,zh' } })).text();
  assert.match(page, /Top-up &lt;1000&gt;/);
  assert.match(page, /<html lang="zh">/);
  assert.match(page, /不会产生真实扣款/);
  assert.doesNotMatch(page, /<script/);
  const back = await onPage(session, { outcome: 'pay' });
  assert.equal(back.status, 303);
  assert.equal(back.headers.get('location'), `http://shop.example/done?session=${session.id}`);
  const seen = await stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent.latest_charge'] });
  assert.equal(seen.status, 'complete');
  assert.equal(seen.payment_status, 'paid');
  const intent = seen.payment_intent as Stripe.PaymentIntent;
  assert.equal(intent.status, 'succeeded');
  assert.equal(intent.amount_received, 100_000);
  assert.equal((intent.latest_charge as Stripe.Charge).amount_refunded, 0);
  assert.deepEqual(await kinds(), ['charge.succeeded', 'checkout.session.completed', 'payment_intent.succeeded']);
  const again = await stripe.checkout.sessions.list({ payment_intent: intent.id });
  assert.deepEqual(
    again.data.map(({ id }) => id),
    [session.id],
  );
});

test('a declined card leaves the session open, and leaving goes back', async () => {
  const session = await stripe.checkout.sessions.create(sessionOf({ locale: 'ru' }));
  const declined = await onPage(session, { outcome: 'decline' });
  assert.equal(declined.status, 200);
  assert.match(await declined.text(), /role="alert">Карта отклонена/);
  assert.equal((await stripe.checkout.sessions.retrieve(session.id)).status, 'open');
  assert.deepEqual(await kinds(), ['charge.failed', 'payment_intent.payment_failed']);
  const left = await onPage(session, { outcome: 'leave' });
  assert.equal(left.headers.get('location'), 'http://shop.example/back');
  assert.equal((await onPage(session, { outcome: 'pay' })).status, 303, 'another card pays');
});

test('an open session expires once, a paid one does not', async () => {
  const session = await stripe.checkout.sessions.create(sessionOf());
  const expired = await stripe.checkout.sessions.expire(session.id);
  assert.equal(expired.status, 'expired');
  assert.equal(expired.url, null);
  await assert.rejects(stripe.checkout.sessions.expire(session.id), (error: unknown) => {
    assert.ok(error instanceof Stripe.errors.StripeInvalidRequestError);
    assert.equal(error.statusCode, 400);
    return true;
  });
  const late = await fetch(`${simulator.url}/c/pay/${session.id}`, { method: 'POST', body: 'outcome=pay' });
  assert.match(await late.text(), /has expired/);
  assert.equal((await stripe.checkout.sessions.retrieve(session.id)).payment_status, 'unpaid');
  await assert.rejects(stripe.checkout.sessions.expire((await paid()).id), Stripe.errors.StripeInvalidRequestError);
});

test('time ends a session', async () => {
  const session = await stripe.checkout.sessions.create(sessionOf());
  await control('', { advanceMs: 24 * 60 * 60_000 });
  assert.equal((await stripe.checkout.sessions.retrieve(session.id)).status, 'expired');
  assert.deepEqual(await kinds(), ['checkout.session.expired']);
});

test('a slow payment is complete before it is paid, and may fail', async () => {
  for (const [outcome, status, last] of [
    ['late', 'paid', 'checkout.session.async_payment_succeeded'],
    ['late_fail', 'unpaid', 'checkout.session.async_payment_failed'],
  ] as const) {
    const session = await stripe.checkout.sessions.create(sessionOf());
    await onPage(session, { outcome, seconds: '600' });
    const seen = await stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] });
    assert.equal(seen.status, 'complete');
    assert.equal(seen.payment_status, 'unpaid');
    assert.equal((seen.payment_intent as Stripe.PaymentIntent).status, 'processing');
    await assert.rejects(stripe.checkout.sessions.expire(session.id), Stripe.errors.StripeInvalidRequestError);
    await events();
    await control('', { advanceMs: 600_000 });
    assert.equal((await stripe.checkout.sessions.retrieve(session.id)).payment_status, status);
    assert.ok((await kinds()).includes(last));
  }
});

test('one idempotency key is one session, and other parameters under it are refused', async () => {
  const first = await stripe.checkout.sessions.create(sessionOf(), { idempotencyKey: 'order/1' });
  assert.equal(first.lastResponse.headers['idempotent-replayed'], undefined);
  const again = await stripe.checkout.sessions.create(sessionOf(), { idempotencyKey: 'order/1' });
  assert.equal(again.id, first.id);
  assert.equal(again.lastResponse.headers['idempotent-replayed'], 'true');
  await assert.rejects(
    stripe.checkout.sessions.create(sessionOf({ locale: 'zh' }), { idempotencyKey: 'order/1' }),
    Stripe.errors.StripeIdempotencyError,
  );
  await control('', { advanceMs: 24 * 60 * 60_000 });
  const forgotten = await stripe.checkout.sessions.create(sessionOf(), { idempotencyKey: 'order/1' });
  assert.notEqual(forgotten.id, first.id, 'a key is kept for a day');
});

test('refunds add up to what was paid and no further', async () => {
  const intent = (await paid()).payment_intent as Stripe.PaymentIntent;
  const part = await stripe.refunds.create({
    payment_intent: intent.id,
    amount: 40_000,
    metadata: { reference: 'r1' },
  });
  assert.equal(part.status, 'succeeded');
  await assert.rejects(
    stripe.refunds.create({ payment_intent: intent.id, amount: 60_001 }),
    Stripe.errors.StripeInvalidRequestError,
  );
  assert.equal((await stripe.refunds.create({ payment_intent: intent.id })).amount, 60_000);
  await assert.rejects(stripe.refunds.create({ payment_intent: intent.id }), { code: 'charge_already_refunded' });
  const charge = await stripe.charges.retrieve(String(part.charge));
  assert.equal(charge.amount_refunded, 100_000);
  assert.equal(charge.refunded, true);
  const listed = await stripe.refunds.list({ payment_intent: intent.id });
  assert.deepEqual(
    listed.data.map(({ amount }) => amount),
    [60_000, 40_000],
  );
  assert.equal(listed.data[1]?.metadata?.reference, 'r1');
  assert.equal((await kinds()).filter((kind) => kind === 'charge.refunded').length, 2);
});

test('a refund may hang and then fail, which gives the money back to be refunded', async () => {
  await control('', { refunds: 'pending' });
  const intent = (await paid()).payment_intent as Stripe.PaymentIntent;
  const refund = await stripe.refunds.create({ payment_intent: intent.id });
  assert.equal(refund.status, 'pending');
  assert.equal((await stripe.charges.retrieve(String(refund.charge))).amount_refunded, 100_000);
  await control(`/refunds/${refund.id}`, { status: 'failed' });
  assert.equal((await stripe.refunds.retrieve(refund.id)).failure_reason, 'lost_or_stolen_card');
  assert.equal((await stripe.charges.retrieve(String(refund.charge))).amount_refunded, 0);
  assert.ok((await kinds()).includes('refund.failed'));
});

test('a dispute is opened and closed', async () => {
  const intent = (await paid()).payment_intent as Stripe.PaymentIntent;
  await events();
  const { id } = (await control(`/payment_intents/${intent.id}/dispute`, { reason: 'fraudulent' })) as { id: string };
  assert.equal((await stripe.disputes.retrieve(id)).status, 'needs_response');
  await control(`/disputes/${id}`, { status: 'won' });
  assert.deepEqual(await kinds(), [
    'charge.dispute.closed',
    'charge.dispute.created',
    'charge.dispute.funds_reinstated',
    'charge.dispute.funds_withdrawn',
  ]);
});

test('what Stripe would refuse is refused: a wrong key, a misspelt name, no amount, an unknown id', async () => {
  const { hostname, port } = new URL(simulator.url);
  const stranger = new Stripe('sk_live_1', { host: hostname, port, protocol: 'http' });
  await assert.rejects(stranger.checkout.sessions.retrieve('cs_1'), Stripe.errors.StripeAuthenticationError);
  await assert.rejects(stripe.checkout.sessions.retrieve('cs_1'), { code: 'resource_missing', statusCode: 404 });
  const create = (more: object): Promise<unknown> => stripe.checkout.sessions.create({ ...sessionOf(), ...more });
  await assert.rejects(create({ sucess_url: 'http://x' }), { code: 'parameter_unknown' });
  await assert.rejects(create({ success_url: 'javascript:1' }), { code: 'url_invalid' });
  await assert.rejects(create({ line_items: [] }), { code: 'parameter_missing' });
  await assert.rejects(create({ expires_at: Math.floor(Date.now() / 1_000) + 900 }), { param: 'expires_at' });
  await assert.rejects(create({ payment_intent_data: { statement_descriptor_suffix: '1234-5678' } }), {
    type: 'StripeInvalidRequestError',
  });
  const cheap = { quantity: 1, price_data: { currency: 'usd', unit_amount: 49, product_data: { name: 'x' } } };
  await assert.rejects(create({ line_items: [cheap] }), { code: 'amount_too_small' });
});

test('webhooks can be subscribed to by the API, carry every live secret, and can be forged or old on demand', async () => {
  const other: string[] = [];
  const second = await startServer({
    routes: {
      'POST /': ({ body, headers }) => ({
        status: other.push(body.toString(), String(headers['stripe-signature'])) && 200,
      }),
    },
  });
  const endpoint = await stripe.webhookEndpoints.create({
    url: `${second.url}/`,
    enabled_events: ['checkout.session.completed'],
  });
  await paid();
  await simulator.quiet();
  assert.equal(other.length, 2, 'only what was subscribed to');
  stripe.webhooks.constructEvent(other[0] ?? '', other[1] ?? '', endpoint.secret ?? '');
  await stripe.webhookEndpoints.del(endpoint.id);
  await second.close();
  const { body, signature } = heard[0] ?? { body: '', signature: '' };
  for (const live of [secret, 'whsec_second']) stripe.webhooks.constructEvent(body, signature, live);
  heard.length = 0;
  await control('', { wrongSignature: true });
  await paid();
  await assert.rejects(events(), Stripe.errors.StripeSignatureVerificationError);
  heard.length = 0;
  await control('', { stale: true });
  await paid();
  await assert.rejects(events(), /tolerance/);
});

test('the signature is the one of the reference', () => {
  const header = `t=1700000000,v1=c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925`;
  assert.equal(
    stripe.webhooks.generateTestHeaderString({
      payload: '{"id":"evt_1"}',
      secret: 'whsec_test',
      timestamp: 1_700_000_000,
    }),
    header,
  );
});

test('the account outlives its process, with its idempotency keys', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sapar-stripe-'));
  const settings = { journal: join(folder, 'stripe.jsonl') };
  const first = await startStripe(settings);
  const opened = await clientOf(first.url).checkout.sessions.create(sessionOf(), { idempotencyKey: 'k' });
  await onPage(opened, { outcome: 'pay' });
  await first.close();
  const second = await startStripe(settings);
  const client = clientOf(second.url);
  assert.equal((await client.checkout.sessions.retrieve(opened.id)).payment_status, 'paid');
  assert.equal((await client.checkout.sessions.create(sessionOf(), { idempotencyKey: 'k' })).id, opened.id);
  await second.close();
  rmSync(folder, { recursive: true });
});
