import { createHmac, timingSafeEqual } from 'node:crypto';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { assert } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { currencyNames, formatAmount, isCurrency, parseAmount } from '../../base/money.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Secret } from '../../base/secret.ts';
import {
  type DisputeFacts,
  type Money,
  type Notification,
  type OpenedPayment,
  type OpenPayment,
  type PaymentFacts,
  type PaymentProvider,
  type PaymentState,
  ProviderUnavailable,
  type RefundOutcome,
  type RefundRequest,
} from '../provider.ts';
import { fetchBounded } from './bounded.ts';

export type SandboxSettings = {
  readonly url: string;
  /** Bearer token of its API and, in base64 with or without `whsec_`, the key that signs its notifications. */
  readonly secret: Secret;
  /** Where its pages live, if not at `url`. */
  readonly pageOrigin?: string;
  readonly clock: Clock;
};

// Its wire, see docs/payments.md.
const WireMoney = Type.Object({ currency: Type.String(), amount: Type.String() });
const WirePayment = Type.Object({
  id: Type.String(),
  reference: Type.String(),
  state: Type.String(),
  money: WireMoney,
  refunded: WireMoney,
  capture: Type.Union([Type.String(), Type.Null()]),
});
const WireRefund = Type.Object({ id: Type.String(), payment: Type.String(), state: Type.String() });
const WireDispute = Type.Object({
  id: Type.String(),
  capture: Type.String(),
  money: WireMoney,
  state: Type.String(),
  reason: Type.String(),
});
const WireOpened = Type.Object({ id: Type.String(), url: Type.String() });
const WireError = Type.Object({ error: Type.Object({ code: Type.String() }) });
const WireEvent = Type.Object({ type: Type.String(), data: Type.Unknown() });

const isPayment = Compile(WirePayment);
const isRefund = Compile(WireRefund);
const isDispute = Compile(WireDispute);
const isOpened = Compile(WireOpened);
const isError = Compile(WireError);
const isEvent = Compile(WireEvent);

const KEY_BYTES_MIN = 16;

/** A provider where no money moves, for development, demonstrations and tests. It charges every currency we know. */
export function createSandbox(settings: SandboxSettings): PaymentProvider {
  assert(URL.canParse(settings.url), 'the address of the sandbox is a URL');
  assert(keyOf(settings.secret).length >= KEY_BYTES_MIN, 'the secret of the sandbox is long enough for a key');
  const inspect = (id: string): Promise<PaymentFacts> =>
    look(settings, { id, path: `/payments/${encodeURIComponent(id)}` });
  return {
    id: 'sandbox',
    currencies: currencyNames,
    pageOrigins: [settings.pageOrigin ?? new URL(settings.url).origin],
    open: (payment) => open(settings, payment),
    inspect,
    capture: inspect,
    expire: (id) => look(settings, { id, path: `/payments/${encodeURIComponent(id)}/expire`, body: {} }),
    refund: (request) => refund(settings, request),
    readNotification: async (body, headers) => {
      if (body.length > limits.webhookBytesMax) throw new Refusal('webhook.invalid');
      return notificationOf(verified(settings, body, headers), body);
    },
  };
}

type Asked = { readonly path: string; readonly body?: unknown };
type Answered = { readonly status: number; readonly value: unknown };

/** Everything sent may be sent again: what is made is named by our reference, and asked for twice it is the same. */
async function ask({ url, secret }: SandboxSettings, { path, body }: Asked): Promise<Answered> {
  const response = await fetchBounded(new URL(path, url), {
    method: body === undefined ? 'GET' : 'POST',
    // Revealed into the one header that signs in.
    headers: { authorization: `Bearer ${secret.reveal()}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(limits.paymentCallMs),
  });
  return { status: response.status, value: await response.json() };
}

async function open(settings: SandboxSettings, payment: OpenPayment): Promise<OpenedPayment> {
  const { reference, orderReference: order, description, language, returnUrl, cancelUrl, expiresAt } = payment;
  const money = wireMoney(payment.money);
  const body = { reference, order, money, description, language, returnUrl, cancelUrl, expiresAt };
  const { id, url } = await known(settings, { path: '/payments', body }, isOpened);
  return { externalId: id, url };
}

async function look(settings: SandboxSettings, asked: Asked & { readonly id: string }): Promise<PaymentFacts> {
  const payment = await known(settings, asked, isPayment);
  if (payment.id !== asked.id) throw new ProviderUnavailable('sandbox', new Error('it answered about another payment'));
  return factsOf(payment);
}

type Shape<T> = { Check(value: unknown): value is T };

/** The answer where it is a good one of that shape; otherwise nothing is known. */
async function known<T>(settings: SandboxSettings, asked: Asked, shape: Shape<T>): Promise<T> {
  const { status, value } = await ask(settings, asked).catch((cause: unknown) => {
    throw new ProviderUnavailable('sandbox', cause);
  });
  if (status === 200 && shape.Check(value)) return value;
  throw new ProviderUnavailable('sandbox', new Error(`${asked.path}: ${status}`));
}

const states: ReadonlyMap<string, PaymentState> = new Map([
  ['open', 'open'],
  ['captured', 'captured'],
  ['refused', 'refused'],
  ['expired', 'expired'],
]);

function factsOf(payment: Static<typeof WirePayment>): PaymentFacts {
  return {
    externalId: payment.id,
    reference: payment.reference,
    state: states.get(payment.state) ?? 'pending',
    money: moneyOf(payment.money),
    captureId: payment.capture ?? undefined,
    refundedMinor: moneyOf(payment.refunded)?.amountMinor ?? 0n,
  };
}

function wireMoney({ currency, amountMinor }: Money): Static<typeof WireMoney> {
  return { currency, amount: formatAmount(amountMinor, currency) };
}

/** Undefined where it is no money of ours. */
function moneyOf({ currency, amount }: Static<typeof WireMoney>): Money | undefined {
  if (!isCurrency(currency) || !/^\d{1,12}\.\d{2}$/.test(amount)) return undefined;
  return { currency, amountMinor: parseAmount(amount, currency) };
}

/** Final whatever we do: there is nothing left of it, or less than that. */
const refundRefusals: ReadonlySet<string> = new Set(['already_refunded', 'too_much']);

async function refund(settings: SandboxSettings, request: RefundRequest): Promise<RefundOutcome> {
  const { reference, externalId: payment, money } = request;
  const body = { reference, payment, money: wireMoney(money) };
  const answer = await ask(settings, { path: '/refunds', body }).catch(() => undefined);
  if (answer === undefined) return { kind: 'unknown', reason: 'no_answer' };
  if (answer.status === 200 && isRefund.Check(answer.value)) return outcomeOf(answer.value);
  const reason = isError.Check(answer.value) ? answer.value.error.code : 'no_answer';
  return { kind: refundRefusals.has(reason) ? 'refused' : 'unknown', reason };
}

function outcomeOf({ id, state }: Static<typeof WireRefund>): RefundOutcome {
  switch (state) {
    case 'done':
      return { kind: 'done', externalId: id };
    case 'pending':
      return { kind: 'pending', externalId: id };
    case 'failed':
      return { kind: 'refused', reason: 'failed' };
    default:
      return { kind: 'unknown', reason: state };
  }
}

function keyOf(secret: Secret): Buffer {
  // Revealed to compute signatures.
  return Buffer.from(secret.reveal().replace(/^whsec_/, ''), 'base64');
}

/** Checks signature and age by Standard Webhooks (`v1`) and answers the message's id, which is signed with it. */
function verified(
  settings: SandboxSettings,
  body: Buffer,
  headers: Readonly<Record<string, string | undefined>>,
): string {
  const id = headers['webhook-id'] ?? '';
  const timestamp = headers['webhook-timestamp'] ?? '';
  if (id === '' || !/^\d{1,12}$/.test(timestamp)) throw new Refusal('webhook.signature');
  const right = createHmac('sha256', keyOf(settings.secret)).update(`${id}.${timestamp}.`).update(body).digest();
  // While keys are exchanged there are several, with spaces between them.
  const isSigned = (headers['webhook-signature'] ?? '').split(' ').some((signature) => {
    const given = Buffer.from(signature.replace(/^v1,/, ''), 'base64');
    return signature.startsWith('v1,') && given.length === right.length && timingSafeEqual(given, right);
  });
  if (!isSigned) throw new Refusal('webhook.signature');
  const ageMs = settings.clock.now().getTime() - Number(timestamp) * 1_000;
  // Clocks differ in both directions.
  if (Math.abs(ageMs) > limits.webhookAgeMsMax) throw new Refusal('webhook.stale');
  return id;
}

function notificationOf(eventId: string, body: Buffer): Notification {
  const event = parseJson(body);
  if (!isEvent.Check(event)) throw new Refusal('webhook.invalid');
  const { type: kind, data } = event;
  switch (kind) {
    case 'payment':
      if (!isPayment.Check(data)) throw new Refusal('webhook.invalid');
      return { eventId, kind, about: 'payment', facts: factsOf(data) };
    case 'refund':
      if (!isRefund.Check(data)) throw new Refusal('webhook.invalid');
      return { eventId, kind, about: 'hint', externalId: data.payment, captureId: undefined };
    case 'dispute':
      if (!isDispute.Check(data)) throw new Refusal('webhook.invalid');
      return { eventId, kind, about: 'dispute', facts: disputeOf(data) };
    default:
      return { eventId, kind, about: 'nothing' };
  }
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refusal('webhook.invalid');
  }
}

const disputeStates: ReadonlyMap<string, DisputeFacts['state']> = new Map([
  ['won', 'won'],
  ['lost', 'lost'],
]);

function disputeOf({ id, capture, money, state, reason }: Static<typeof WireDispute>): DisputeFacts {
  const taken = moneyOf(money);
  if (!taken) throw new Refusal('webhook.invalid');
  return { externalId: id, captureId: capture, state: disputeStates.get(state) ?? 'open', money: taken, reason };
}
