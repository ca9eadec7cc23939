import Stripe from 'stripe';
import { assert } from '../../base/assert.ts';
import { limits } from '../../base/limits.ts';
import { type Currency, isCurrency } from '../../base/money.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Secret } from '../../base/secret.ts';
import type { Language } from '../../i18n/index.ts';
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

/**
 * Stripe Checkout by full redirect: a Checkout Session is the payment, its payment intent is the money in it. Stripe's words stop in
 * this file; a word it does not know means that nothing has ended yet.
 */
export type StripeSettings = {
  readonly secretKey: Secret;
  /** Of the webhook endpoint. Two while one is being exchanged for the other: both are accepted. */
  readonly webhookSecrets: readonly Secret[];
  /** Another address of the API, without a path: a simulator's. */
  readonly apiUrl?: string;
  /** Where the pages live, if neither at Stripe nor at `apiUrl`: a Checkout domain of one's own. */
  readonly pageOrigin?: string;
};

/** All have two decimals at Stripe as in ISO 4217, so its amounts are our minor units. */
const currencies: readonly Currency[] = ['USD', 'EUR', 'GBP', 'CNY', 'KZT', 'RUB', 'KGS', 'UZS'];

const locales: Readonly<Record<Language, Stripe.Checkout.SessionCreateParams.Locale>> = {
  zh: 'zh',
  en: 'en',
  ru: 'ru',
  // Checkout has no Kazakh; the browser's next language is likelier right than any we could choose.
  kk: 'auto',
};

const WEBHOOK_SECRETS_MAX = 2;

export function createStripe(settings: StripeSettings): PaymentProvider {
  const { webhookSecrets, apiUrl } = settings;
  assert(
    webhookSecrets.length >= 1 && webhookSecrets.length <= WEBHOOK_SECRETS_MAX,
    'one webhook secret, or two while they are exchanged',
  );
  assert(
    webhookSecrets.every((secret) => secret.reveal().trim() !== ''),
    'a webhook secret is not empty',
  );
  const stripe = clientOf(settings);
  const pageOrigin = settings.pageOrigin ?? (apiUrl ? new URL(apiUrl).origin : 'https://checkout.stripe.com');
  return {
    id: 'stripe',
    currencies,
    pageOrigins: [pageOrigin],
    open: (payment) => open(stripe, payment),
    inspect: (externalId) => inspect(stripe, externalId),
    // The payer's approval takes the money.
    capture: (externalId) => inspect(stripe, externalId),
    expire: (externalId) => expire(stripe, externalId),
    refund: (request) => refund(stripe, request),
    readNotification: async (body, headers) =>
      notificationOf(verified(stripe, webhookSecrets, { body, signature: headers['stripe-signature'] ?? '' })),
  };
}

function clientOf({ secretKey, apiUrl }: StripeSettings): Stripe {
  // The SDK is the only place that needs the key itself; it sends it as a bearer token.
  return new Stripe(secretKey.reveal(), {
    ...(apiUrl !== undefined && addressOf(new URL(apiUrl))),
    httpClient: Stripe.createFetchHttpClient(fetchBounded),
    timeout: limits.paymentCallMs,
    // Whoever calls us asks again with the same key, at times of its own choosing.
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

function addressOf(url: URL): { host: string; port: string; protocol: 'http' | 'https' } {
  assert(url.pathname === '/' && url.search === '', 'the address of the API has no path');
  assert(url.protocol === 'http:' || url.protocol === 'https:', 'the API speaks HTTP');
  const protocol = url.protocol === 'http:' ? 'http' : 'https';
  return { host: url.hostname, port: url.port || (protocol === 'http' ? '80' : '443'), protocol };
}

// open

/** What Stripe does not charge, however often it is asked. */
const amountCodes: ReadonlySet<string | undefined> = new Set(['amount_too_small', 'amount_too_large']);

async function open(stripe: Stripe, payment: OpenPayment): Promise<OpenedPayment> {
  try {
    const session = await stripe.checkout.sessions.create(sessionOf(payment), { idempotencyKey: payment.reference });
    assert(session.id.startsWith('cs_') && session.url, 'a new session has a page');
    return { externalId: session.id, url: session.url };
  } catch (error) {
    if (error instanceof Stripe.errors.StripeInvalidRequestError && amountCodes.has(error.code))
      throw new Refusal('method.unsupported');
    throw new ProviderUnavailable('stripe', error);
  }
}

/** The same payment is the same request to the last letter, or Stripe would not take the repeat for one. */
function sessionOf(payment: OpenPayment): Stripe.Checkout.SessionCreateParams {
  const metadata = { reference: payment.reference, order: payment.orderReference };
  const suffix = statementSuffix(payment.orderReference);
  return {
    mode: 'payment',
    line_items: [
      {
        quantity: 1,
        price_data: {
          currency: payment.money.currency.toLowerCase(),
          unit_amount: wireAmount(payment.money.amountMinor),
          product_data: { name: payment.description },
        },
      },
    ],
    client_reference_id: payment.reference,
    metadata,
    payment_intent_data: {
      description: `${payment.orderReference} ${payment.description}`,
      metadata,
      ...(suffix !== undefined && { statement_descriptor_suffix: suffix }),
    },
    // The payer chose the currency on our page and was promised the price in it.
    adaptive_pricing: { enabled: false },
    locale: locales[payment.language],
    success_url: payment.returnUrl,
    cancel_url: payment.cancelUrl,
    // Stripe's least is half an hour from now, also when the same is asked again late; we end the session ourselves long before.
    expires_at: Math.floor((payment.expiresAt.getTime() + limits.paymentPageSpareMs) / 1_000),
  };
}

/** Two groups of the reference: with the account's prefix (2 to 10), `* ` and this, a statement has 22 characters at most. */
const STATEMENT_SUFFIX_LENGTH = 9;

/** `SAPAR* 7KQ4-M2XD` on the payer's statement. Stripe refuses a suffix without a letter; such an order has the account's name alone. */
function statementSuffix(orderReference: string): string | undefined {
  const suffix = orderReference.slice(0, STATEMENT_SUFFIX_LENGTH);
  return /^[A-Z0-9-]*[A-Z][A-Z0-9-]*$/.test(suffix) ? suffix : undefined;
}

function wireAmount(minor: bigint): number {
  assert(minor > 0n && minor <= BigInt(Number.MAX_SAFE_INTEGER), 'an amount fits the wire exactly');
  return Number(minor);
}

// inspect, expire

async function inspect(stripe: Stripe, externalId: string): Promise<PaymentFacts> {
  return asked(externalId, () =>
    stripe.checkout.sessions.retrieve(externalId, { expand: ['payment_intent.latest_charge'] }),
  );
}

async function expire(stripe: Stripe, externalId: string): Promise<PaymentFacts> {
  try {
    return await asked(externalId, () => stripe.checkout.sessions.expire(externalId));
  } catch (error) {
    const cause = error instanceof ProviderUnavailable ? error.cause : undefined;
    // Only an open session can be expired: this one was paid, or had ended before.
    if (cause instanceof Stripe.errors.StripeInvalidRequestError) return inspect(stripe, externalId);
    throw error;
  }
}

async function asked(externalId: string, call: () => Promise<Stripe.Checkout.Session>): Promise<PaymentFacts> {
  try {
    const session = await call();
    assert(session.id === externalId, 'the answer is about what was asked');
    return factsOf(session);
  } catch (error) {
    throw new ProviderUnavailable('stripe', error);
  }
}

/** Of a completed session without money: the slow payment behind it has failed. */
const failedIntents: ReadonlySet<string | undefined> = new Set(['requires_payment_method', 'canceled']);

function stateOf(session: Stripe.Checkout.Session): PaymentState {
  if (session.status === 'open') return 'open';
  if (session.status === 'expired') return 'expired';
  if (session.status === 'complete' && session.payment_status === 'paid') return 'captured';
  return failedIntents.has(intentOf(session)?.status) ? 'refused' : 'pending';
}

function factsOf(session: Stripe.Checkout.Session): PaymentFacts {
  assert(typeof session.id === 'string', 'a session has a name');
  const state = stateOf(session);
  const intent = intentOf(session);
  const charge = objectOf(intent?.latest_charge);
  const asked = moneyOf(session.amount_total, session.currency);
  return {
    externalId: session.id,
    reference: session.client_reference_id ?? undefined,
    state,
    money: state === 'captured' && intent ? moneyOf(intent.amount_received, intent.currency) : asked,
    captureId: idOf(session.payment_intent),
    refundedMinor: state === 'captured' && charge ? BigInt(charge.amount_refunded) : 0n,
  };
}

/** Undefined where it is no money of ours: a currency we know nothing of is not taken for another. */
function moneyOf(amount: number | null, currency: string | null): Money | undefined {
  const name = currency?.toUpperCase() ?? '';
  return isCurrency(name) && Number.isSafeInteger(amount)
    ? { currency: name, amountMinor: BigInt(amount ?? 0) }
    : undefined;
}

function intentOf(session: Stripe.Checkout.Session): Stripe.PaymentIntent | undefined {
  return objectOf(session.payment_intent);
}

/** An expandable field is an id, or the object where it was asked for. */
function objectOf<T extends object>(field: T | string | null | undefined): T | undefined {
  return typeof field === 'object' && field !== null ? field : undefined;
}

function idOf(field: { id: string } | string | null): string | undefined {
  return typeof field === 'string' ? field : field?.id;
}

// refund

const REFUNDS_LISTED_MAX = 100;

/**
 * Stripe forgets an idempotency key after a day and we may ask for longer; so what was made is looked for by our reference before
 * anything is made. The key decides between two who look at the same time.
 */
async function refund(stripe: Stripe, request: RefundRequest): Promise<RefundOutcome> {
  try {
    const made = await stripe.refunds.list({ payment_intent: request.captureId, limit: REFUNDS_LISTED_MAX });
    const ours = made.data.find(({ metadata }) => metadata?.reference === request.reference);
    if (ours) return outcomeOf(ours);
    if (made.has_more) return { kind: 'unknown', reason: 'too_many_refunds' };
    return outcomeOf(
      await stripe.refunds.create(
        {
          payment_intent: request.captureId,
          amount: wireAmount(request.money.amountMinor),
          metadata: { reference: request.reference },
        },
        { idempotencyKey: request.reference },
      ),
    );
  } catch (error) {
    return outcomeOfError(error);
  }
}

function outcomeOf(made: Stripe.Refund): RefundOutcome {
  switch (made.status) {
    case 'succeeded':
      return { kind: 'done', externalId: made.id };
    case 'pending':
    case 'requires_action':
      return { kind: 'pending', externalId: made.id };
    case 'failed':
    case 'canceled':
      return { kind: 'refused', reason: made.failure_reason ?? made.status };
    default:
      return { kind: 'unknown', reason: made.status ?? 'no_status' };
  }
}

/** Final whatever we do: some of the money went back otherwise, or the payer's bank has taken it. */
const refundRefusals: ReadonlySet<string> = new Set(['charge_already_refunded', 'charge_disputed', 'amount_too_large']);

function outcomeOfError(error: unknown): RefundOutcome {
  if (!(error instanceof Stripe.errors.StripeError)) return { kind: 'unknown', reason: 'no_answer' };
  // More than is left comes without a code.
  const isTooLarge = error instanceof Stripe.errors.StripeInvalidRequestError && error.param === 'amount';
  const code = error.code ?? (isTooLarge ? 'amount_too_large' : error.type);
  return { kind: refundRefusals.has(code) ? 'refused' : 'unknown', reason: code };
}

// notifications

type Signed = { readonly body: Buffer; readonly signature: string };

/** The event, once one of the secrets has signed it, and not too long ago. */
function verified(stripe: Stripe, secrets: readonly Secret[], signed: Signed): unknown {
  if (signed.body.length > limits.webhookBytesMax) throw new Refusal('webhook.invalid');
  // Who signed comes before when: an age of 0 leaves the age out.
  const secret = secrets.find((candidate) => isSigned(stripe, signed, { secret: candidate, ageMax: 0 }));
  if (!secret) throw new Refusal('webhook.signature');
  const ageMax = limits.webhookAgeMsMax / 1_000;
  if (!isSigned(stripe, signed, { secret, ageMax })) throw new Refusal('webhook.stale');
  try {
    return stripe.webhooks.constructEvent(signed.body, signed.signature, secret.reveal(), ageMax);
  } catch {
    throw new Refusal('webhook.invalid');
  }
}

/** The secret is revealed to the code that computes the signature. A header that cannot be read proves nothing. */
function isSigned(stripe: Stripe, signed: Signed, { secret, ageMax }: { secret: Secret; ageMax: number }): boolean {
  try {
    return stripe.webhooks.signature?.verifyHeader(signed.body, signed.signature, secret.reveal(), ageMax) ?? false;
  } catch {
    return false;
  }
}

function notificationOf(event: unknown): Notification {
  const { id, type, data } = Object(event);
  if (typeof id !== 'string' || typeof type !== 'string' || typeof data?.object !== 'object')
    throw new Refusal('webhook.invalid');
  try {
    return { eventId: id, kind: type, ...meaningOf(event as Stripe.Event) };
  } catch {
    // Signed, and yet not of the shape its kind has.
    throw new Refusal('webhook.invalid');
  }
}

type Meaning =
  | Pick<Extract<Notification, { about: 'payment' }>, 'about' | 'facts'>
  | Pick<Extract<Notification, { about: 'hint' }>, 'about' | 'externalId' | 'captureId'>
  | Pick<Extract<Notification, { about: 'dispute' }>, 'about' | 'facts'>
  | { readonly about: 'nothing' };

function meaningOf(event: Stripe.Event): Meaning {
  switch (event.type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
    case 'checkout.session.expired':
      return { about: 'payment', facts: factsOf(event.data.object) };
    case 'checkout.session.async_payment_failed':
      // The session in it says `unpaid`, as it did while there was hope.
      return { about: 'payment', facts: { ...factsOf(event.data.object), state: 'refused' } };
    case 'payment_intent.succeeded':
    case 'payment_intent.processing':
    case 'payment_intent.payment_failed':
    case 'payment_intent.canceled':
      return hint(event.data.object.id);
    case 'charge.refunded':
    case 'charge.refund.updated':
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
      return hint(idOf(event.data.object.payment_intent));
    case 'charge.dispute.created':
    case 'charge.dispute.updated':
    case 'charge.dispute.closed':
    case 'charge.dispute.funds_withdrawn':
    case 'charge.dispute.funds_reinstated':
      return disputeOf(event.data.object);
    default:
      return { about: 'nothing' };
  }
}

/** What it means for the payment is asked: an intent or a charge does not name the session. */
function hint(captureId: string | undefined): Meaning {
  return { about: 'hint', externalId: undefined, captureId };
}

const disputeStates: ReadonlyMap<string, DisputeFacts['state']> = new Map([
  ['won', 'won'],
  // A question by the bank that ended without money being taken.
  ['warning_closed', 'won'],
  ['lost', 'lost'],
]);

function disputeOf(dispute: Stripe.Dispute): Meaning {
  assert(typeof dispute.id === 'string', 'a dispute has a name');
  const captureId = idOf(dispute.payment_intent);
  const money = moneyOf(dispute.amount, dispute.currency);
  if (captureId === undefined || money === undefined) return hint(captureId);
  const state = disputeStates.get(dispute.status) ?? 'open';
  return { about: 'dispute', facts: { externalId: dispute.id, captureId, state, money, reason: dispute.reason } };
}
