import { hash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { formatAmount } from '../../base/money.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Secret } from '../../base/secret.ts';
import type { Language } from '../../i18n/index.ts';
import {
  type OpenedPayment,
  type OpenPayment,
  type PaymentFacts,
  type PaymentProvider,
  ProviderUnavailable,
  type RefundOutcome,
  type RefundRequest,
} from '../provider.ts';
import {
  createPaypalApi,
  issuesOf,
  type PaypalAnswer,
  type PaypalApi,
  type PaypalRequest,
  unusable,
} from './paypal_api.ts';
import { readEvent } from './paypal_events.ts';
import { factsOf, goneFacts, type PaypalOrder, type PaypalRefund, parseOrder, parseRefund } from './paypal_facts.ts';
import { createPaypalSignatures } from './paypal_signature.ts';

export type PaypalSettings = {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** PayPal's id of our webhook: part of what it signs. */
  readonly webhookId: string;
  readonly apiUrl?: string;
  /** Where the simulator's certificates live; unset, PayPal's own hosts. */
  readonly certOrigin?: string;
  readonly clock: Clock;
};

/**
 * PayPal by its Orders v2: an order is made, the payer approves it on PayPal's page, and we capture it. Tenge is not among PayPal's currencies,
 * and yuan only inside China.
 */
export function createPaypal(settings: PaypalSettings): PaymentProvider {
  const apiUrl = new URL(settings.apiUrl ?? 'https://api-m.paypal.com').origin;
  const api = createPaypalApi({ ...settings, apiUrl });
  const signatures = createPaypalSignatures({ ...settings, apiUrl, certOrigin: settings.certOrigin });
  const pageOrigin = pageOriginOf(apiUrl);
  const deadline = (): AbortSignal => AbortSignal.timeout(limits.paymentCallMs);
  return {
    id: 'paypal',
    currencies: ['USD', 'EUR', 'GBP'],
    pageOrigins: [pageOrigin],
    open: (payment) => open({ api, pageOrigin }, payment, deadline()),
    inspect: (externalId) => look(api, externalId, deadline()).then((order) => order.facts),
    capture: (externalId, reference) => capture({ api, clock: settings.clock }, { externalId, reference }, deadline()),
    expire: (externalId) => look(api, externalId, deadline()).then((order) => lapsed(order.facts)),
    refund: (request) => refund(api, request, deadline()),
    async readNotification(body, headers) {
      if (body.length > limits.webhookBytesMax) throw new Refusal('webhook.invalid');
      await signatures.check(body, headers);
      return readEvent(body);
    },
  };
}

/** Where the payer is sent: PayPal's site, or the simulator itself. */
function pageOriginOf(apiUrl: string): string {
  const pages = new Map([
    ['https://api-m.paypal.com', 'https://www.paypal.com'],
    ['https://api-m.sandbox.paypal.com', 'https://www.sandbox.paypal.com'],
  ]);
  return pages.get(apiUrl) ?? apiUrl;
}

/** PayPal takes at most 108 characters; a hash fits whatever a reference is, and says nothing. */
function requestId(purpose: 'open' | 'capture' | 'refund', ...parts: readonly string[]): string {
  return `${purpose}-${hash('sha256', parts.join('\n'), 'hex')}`;
}

const orderPath = (externalId: string): string => `/v2/checkout/orders/${encodeURIComponent(externalId)}`;

async function open(
  { api, pageOrigin }: { api: PaypalApi; pageOrigin: string },
  payment: OpenPayment,
  deadline: AbortSignal,
): Promise<OpenedPayment> {
  const request: PaypalRequest = {
    method: 'POST',
    path: '/v2/checkout/orders',
    requestId: requestId('open', payment.reference),
    body: orderBody(payment),
  };
  const answer = await api.ask(request, deadline);
  const order = answer.ok ? parseOrder(answer.body) : undefined;
  const url = order?.links?.find(({ rel }) => rel === 'payer-action' || rel === 'approve')?.href;
  // The payer's browser is sent there, so it is held to be PayPal's.
  if (order === undefined || url === undefined || URL.parse(url)?.origin !== pageOrigin)
    throw unusable(request, answer);
  return { externalId: order.id, url };
}

/** PayPal has no Kazakh pages; Russian is the other language of the country. */
const locales: Readonly<Record<Language, string>> = { zh: 'zh-CN', en: 'en-US', ru: 'ru-RU', kk: 'ru-RU' };

function orderBody(payment: OpenPayment): unknown {
  const { money } = payment;
  return {
    intent: 'CAPTURE',
    purchase_units: [
      {
        // PayPal gives it back with the order and with the capture.
        custom_id: payment.reference,
        // Shown to the payer. Unique for each attempt, because accounts can be set to take a number once.
        invoice_id: `${payment.orderReference}-${payment.reference.split('/').at(-1)}`,
        description: cut(payment.description),
        amount: { currency_code: money.currency, value: formatAmount(money.amountMinor, money.currency) },
      },
    ],
    payment_source: {
      paypal: {
        experience_context: {
          return_url: payment.returnUrl,
          cancel_url: payment.cancelUrl,
          user_action: 'PAY_NOW',
          shipping_preference: 'NO_SHIPPING',
          locale: locales[payment.language],
          // No eCheck, which would be pending for days while the payer waits for credit.
          payment_method_preference: 'IMMEDIATE_PAYMENT_REQUIRED',
        },
      },
    },
  };
}

/** PayPal counts 127 characters "as ASCII", so bytes are counted, and no character is cut in two. */
function cut(text: string): string {
  let kept = '';
  for (const character of text) {
    if (Buffer.byteLength(kept + character) > 127) break;
    kept += character;
  }
  return kept;
}

type Looked = { readonly facts: PaymentFacts; readonly order: PaypalOrder | undefined };

async function look(api: PaypalApi, externalId: string, deadline: AbortSignal): Promise<Looked> {
  const request: PaypalRequest = { method: 'GET', path: orderPath(externalId) };
  return lookedAt(externalId, request, await api.ask(request, deadline));
}

function lookedAt(externalId: string, request: PaypalRequest, answer: PaypalAnswer): Looked {
  // An order nobody paid is forgotten after some hours. One that we have captured is known by its capture and is not asked for so late.
  if (answer.status === 404) return { facts: goneFacts(externalId), order: undefined };
  const order = answer.ok ? parseOrder(answer.body) : undefined;
  if (order?.id !== externalId) throw unusable(request, answer);
  return { facts: factsOf(order), order };
}

/** The payer can choose another way to pay on the same page of PayPal: nothing is over. */
const payAgain: ReadonlySet<string> = new Set([
  'INSTRUMENT_DECLINED',
  'REDIRECT_PAYER_FOR_ALTERNATE_FUNDING',
  'PAYER_ACTION_REQUIRED',
  'ORDER_NOT_APPROVED',
]);

/** PayPal will not take this payment from this payer. */
const over: ReadonlySet<string> = new Set([
  'COMPLIANCE_VIOLATION',
  'DUPLICATE_INVOICE_ID',
  'MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED',
  'PAYEE_BLOCKED_TRANSACTION',
  'PAYER_ACCOUNT_LOCKED_OR_CLOSED',
  'PAYER_ACCOUNT_RESTRICTED',
  'PAYER_CANNOT_PAY',
  'PAYMENT_DENIED',
  'TRANSACTION_BLOCKED_BY_PAYEE',
  'TRANSACTION_LIMIT_EXCEEDED',
  'TRANSACTION_REFUSED',
]);

/**
 * Looks before it takes, so that a lost answer is found and not repeated. PayPal captures an order once whatever the request is called
 * (ORDER_ALREADY_CAPTURED); the name must change with each approval, or PayPal would repeat its no to the payer's first card
 * after they have chosen another.
 */
async function capture(
  { api, clock }: { api: PaypalApi; clock: Clock },
  { externalId, reference }: { externalId: string; reference: string },
  deadline: AbortSignal,
): Promise<PaymentFacts> {
  const { facts, order } = await look(api, externalId, deadline);
  if (facts.state !== 'approved') return facts;
  const approval = order?.update_time ?? clock.now().toISOString();
  const request: PaypalRequest = {
    method: 'POST',
    path: `${orderPath(externalId)}/capture`,
    requestId: requestId('capture', reference, approval),
    body: {},
  };
  const answer = await api.ask(request, deadline);
  const issues = issuesOf(answer.body);
  if (!answer.ok && issues.some((issue) => payAgain.has(issue))) return { ...facts, state: 'open' };
  if (!answer.ok && issues.some((issue) => over.has(issue))) return { ...facts, state: 'refused' };
  const taken = answer.ok ? lookedAt(externalId, request, answer) : await look(api, externalId, deadline);
  // Neither taken nor refused in words we know.
  if (taken.facts.state === 'approved') throw unusable(request, answer);
  return taken.facts;
}

/**
 * PayPal has no call that makes an order of intent CAPTURE unpayable, and needs none: only our capture takes the money, and a lapsed payment
 * is not captured. What a payer still approves there is let go by PayPal after some hours. So an order of which nothing was taken has
 * expired because we say so; anything else is told as it is.
 */
function lapsed(facts: PaymentFacts): PaymentFacts {
  return facts.state === 'open' || facts.state === 'approved' ? { ...facts, state: 'expired' } : facts;
}

/** What will be the same tomorrow. Other reasons (our balance there is too low, a pending capture) are asked again. */
const notRefundable: ReadonlySet<string> = new Set([
  'CAPTURE_FULLY_REFUNDED',
  'CURRENCY_MISMATCH',
  'MAX_NUMBER_OF_REFUNDS_EXCEEDED',
  'PARTIAL_REFUND_NOT_ALLOWED',
  'PAYER_ACCOUNT_LOCKED_OR_CLOSED',
  'REFUND_AMOUNT_EXCEEDED',
  'REFUND_AMOUNT_TOO_LOW',
  'REFUND_CAPTURE_CURRENCY_MISMATCH',
  'REFUND_IS_RESTRICTED',
  'REFUND_NOT_ALLOWED',
  'REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK',
  'REFUND_TIME_LIMIT_EXCEEDED',
  'TRANSACTION_DISPUTED',
]);

/**
 * PayPal keeps the names of refund requests for 45 days, longer than a refund is tried. The name is also written into the refund itself:
 * a no that may come from our own earlier refund is checked against those that stand there.
 */
async function refund(api: PaypalApi, wanted: RefundRequest, deadline: AbortSignal): Promise<RefundOutcome> {
  const { money } = wanted;
  const name = requestId('refund', wanted.reference);
  const request: PaypalRequest = {
    method: 'POST',
    path: `/v2/payments/captures/${encodeURIComponent(wanted.captureId)}/refund`,
    requestId: name,
    body: {
      amount: { currency_code: money.currency, value: formatAmount(money.amountMinor, money.currency) },
      custom_id: name,
    },
  };
  try {
    const answer = await api.ask(request, deadline);
    if (answer.ok) {
      const done = parseRefund(answer.body);
      return done === undefined ? unknown(unusable(request, answer)) : outcomeOf(done);
    }
    const final = issuesOf(answer.body).find((issue) => notRefundable.has(issue));
    if (final === undefined) return unknown(unusable(request, answer));
    const earlier = await findRefund(api, { externalId: wanted.externalId, name }, deadline);
    return earlier === undefined ? { kind: 'refused', reason: final } : outcomeOf(earlier);
  } catch (error) {
    if (error instanceof ProviderUnavailable) return unknown(error);
    throw error;
  }
}

async function findRefund(
  api: PaypalApi,
  { externalId, name }: { externalId: string; name: string },
  deadline: AbortSignal,
): Promise<PaypalRefund | undefined> {
  const { order } = await look(api, externalId, deadline);
  const refunds = order?.purchase_units?.[0]?.payments?.refunds ?? [];
  return refunds.find((one) => one.custom_id === name);
}

function unknown(error: ProviderUnavailable): RefundOutcome {
  return { kind: 'unknown', reason: error.cause instanceof Error ? error.cause.message : error.message };
}

function outcomeOf({ id, status }: PaypalRefund): RefundOutcome {
  switch (status) {
    case 'COMPLETED':
      return { kind: 'done', externalId: id };
    case 'FAILED':
    case 'CANCELLED':
      return { kind: 'refused', reason: status };
    default:
      // PENDING, and any word we do not know: under way.
      return { kind: 'pending', externalId: id };
  }
}
