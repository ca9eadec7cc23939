import { referenceOf, type Uuid } from '../base/ids.ts';
import { type Currency, formatAmount, type LedgerUnit } from '../base/money.ts';
import { formatMsisdn, maskMsisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import type { Attempt } from '../delivery/index.ts';
import * as delivery from '../delivery/index.ts';
import { type EventRow, type Payment, type Refund, readEvents, readPayments, readRefunds } from '../payments/index.ts';
import { needsConfirmation } from './choose.ts';
import { maskedContact } from './contact.ts';
import { correctableStates, type Order, type OrderState } from './order.ts';
import type { OrdersContext } from './order_context.ts';
import * as store from './order_store.ts';
import { statementLine } from './order_text.ts';

/** An amount as people and programs outside read it: decimal text. */
export type Amount = { readonly currency: LedgerUnit; readonly amount: string };

/** All that whoever holds an order's address may know of it. Never holds the whole number once it is placed, nor where it came by a link. */
export type OrderView = {
  readonly id: Uuid;
  readonly reference: string;
  readonly state: OrderState;
  readonly stateSince: string;
  readonly createdAt: string;
  readonly operator: string;
  readonly language: Order['language'];
  readonly number: { readonly masked: string; readonly tail: string; readonly grouped?: string };
  readonly amount: string | null;
  readonly currency: 'KZT';
  readonly quote: QuoteView | null;
  readonly needsConfirmation: boolean;
  readonly payment: PaymentView | null;
  readonly delivery: DeliveryView | null;
  readonly refunds: readonly RefundView[];
  readonly can: Readonly<Record<'quote' | 'pay' | 'revise' | 'correct' | 'refund' | 'email', boolean>>;
  readonly isFinal: boolean;
  readonly deadlineAt: string | null;
  readonly case: { readonly reason: string; readonly since: string } | null;
  /** Where letters about it go, masked. */
  readonly contact: string | null;
};

export type QuoteView = {
  readonly price: Amount;
  readonly charge: Amount;
  readonly fee: Amount;
  readonly margin: Amount;
  readonly method: string;
  /** What the payer's statement will say; null where no real money is taken. */
  readonly statement: string | null;
  readonly rates: readonly {
    readonly currency: Currency;
    readonly rate: string;
    readonly day: string;
    readonly source: string;
  }[];
  readonly expiresAt: string;
};

export type PaymentView = {
  readonly no: number;
  readonly provider: string;
  readonly state: Payment['state'];
  readonly url: string | null;
  readonly capturedAt: string | null;
  readonly providerReference: string | null;
};

export type DeliveryView = {
  readonly route: string;
  readonly attempt: number;
  readonly state: string;
  readonly reason: string | null;
  readonly operatorReference: string | null;
  readonly endedAt: string | null;
  readonly nextTryAt: string | null;
  readonly unknownSince: string | null;
  readonly correctUntil: string | null;
};

export type RefundView = {
  readonly no: number;
  readonly reference: string;
  readonly amount: Amount;
  readonly state: Refund['state'];
  readonly promisedBy: string;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly reason: string;
};

const UNFUNDED: ReadonlySet<OrderState> = new Set(['draft', 'quoted']);
const FINAL: ReadonlySet<OrderState> = new Set(['delivered', 'refunded', 'expired', 'case']);

/** All that is known of an order, for whoever has to explain it. */
export type OrderFile = {
  readonly view: OrderView;
  readonly moves: readonly store.MoveRow[];
  readonly payments: readonly Payment[];
  readonly deliveries: readonly Attempt[];
  readonly refunds: readonly Refund[];
  readonly events: readonly EventRow[];
};

export async function readOrderFile(context: OrdersContext, id: Uuid): Promise<OrderFile> {
  const [view, moves, payments, deliveries, refunds, events] = await Promise.all([
    viewOrder(context, id),
    store.readMoves(context.db, id),
    readPayments(context.db, id),
    delivery.find(context.db, id),
    readRefunds(context.db, id),
    readEvents(context.db, id),
  ]);
  return { view, moves, payments, deliveries, refunds, events };
}

/** The order as its page shows it. */
export async function viewOrder(context: OrdersContext, id: Uuid): Promise<OrderView> {
  const order = await store.readOrder(context.db, id);
  if (!order) throw new Refusal('order.not_found');
  const [found, payments, refunds, attempts, unsure, moves, contact] = await Promise.all([
    context.subscribers.reveal(order.subscriber),
    order.payments > 0 ? readPayments(context.db, id) : [],
    order.payments > 0 ? readRefunds(context.db, id) : [],
    order.deliveries > 0 ? delivery.find(context.db, id) : [],
    UNFUNDED.has(order.state) && needsConfirmation(context, order),
    order.state === 'case' ? store.readMoves(context.db, id) : [],
    maskedContact(context, id),
  ]);
  const payment = payments.find(({ no }) => no === (order.paidBy ?? order.payments));
  const { msisdn } = found ?? {};
  return {
    id,
    reference: referenceOf(id),
    state: order.state,
    stateSince: order.stateSince.toISOString(),
    createdAt: order.createdAt.toISOString(),
    operator: order.operator,
    language: order.language,
    number: {
      masked: msisdn === undefined ? '' : maskMsisdn(msisdn),
      tail: msisdn?.slice(-4) ?? '',
      ...(msisdn !== undefined && UNFUNDED.has(order.state) && !order.isByLink
        ? { grouped: formatMsisdn(msisdn) }
        : {}),
    },
    amount: order.faceMinor === undefined ? null : formatAmount(order.faceMinor, 'KZT'),
    currency: 'KZT',
    quote: order.state === 'draft' ? null : quoteView(context, order),
    needsConfirmation: unsure,
    payment: payment ? paymentView(payment) : null,
    delivery: attempts.length > 0 ? deliveryView(order, attempts) : null,
    refunds: refunds.map(refundView),
    can: abilities(context, order),
    isFinal: FINAL.has(order.state),
    deadlineAt: order.deadlineAt?.toISOString() ?? null,
    case: order.state === 'case' ? { reason: moves.at(-1)?.reason ?? '', since: order.stateSince.toISOString() } : null,
    contact: contact ?? null,
  };
}

function abilities({ clock, mail }: OrdersContext, { state, quote }: Order): OrderView['can'] {
  const isHeld = quote !== undefined && quote.expiresAt > clock.now();
  return {
    quote: UNFUNDED.has(state),
    pay: (state === 'quoted' && isHeld) || state === 'awaiting_payment',
    revise: state === 'quoted' || state === 'awaiting_payment' || state === 'expired',
    correct: correctableStates.has(state),
    refund: state === 'paid' || state === 'refused',
    email: mail !== undefined && !FINAL.has(state),
  };
}

const tenge = (minor: bigint): Amount => ({ currency: 'KZT', amount: formatAmount(minor, 'KZT') });

function quoteView({ accountName }: OrdersContext, { id, quote }: Order): QuoteView | null {
  if (!quote) return null;
  const statement = statementLine(quote.method, { reference: referenceOf(id), accountName });
  return {
    price: { currency: quote.currency, amount: formatAmount(quote.priceMinor, quote.currency) },
    charge: { currency: quote.chargeCurrency, amount: formatAmount(quote.chargeMinor, quote.chargeCurrency) },
    fee: tenge(quote.feeMinor),
    margin: tenge(quote.marginMinor),
    method: quote.method,
    statement: statement ?? null,
    rates: quote.rates,
    expiresAt: quote.expiresAt.toISOString(),
  };
}

function paymentView(payment: Payment): PaymentView {
  const isOpen = payment.state === 'opening' || payment.state === 'open';
  return {
    no: payment.no,
    provider: payment.provider,
    state: payment.state,
    // An address that can no longer be paid at leads nobody anywhere.
    url: isOpen ? (payment.url ?? null) : null,
    capturedAt: payment.capturedAt?.toISOString() ?? null,
    providerReference: payment.captureId ?? null,
  };
}

function deliveryView(order: Order, attempts: readonly Attempt[]): DeliveryView | null {
  const last = attempts.at(-1);
  if (!last) return null;
  const isUnknown = order.state === 'unknown' || order.state === 'case';
  return {
    route: last.route,
    attempt: last.attempt,
    state: last.state,
    reason: last.reason ?? null,
    // Where the balance is ours, the operator's reference is our own event, which nobody could quote to anybody.
    operatorReference: last.route === 'hosted' ? null : (last.operatorReference ?? null),
    endedAt: last.endedAt?.toISOString() ?? null,
    nextTryAt: order.state === 'unknown' || order.state === 'paid' ? (order.nextAt?.toISOString() ?? null) : null,
    unknownSince: isUnknown ? last.beganAt.toISOString() : null,
    correctUntil: order.state === 'refused' ? (order.deadlineAt?.toISOString() ?? null) : null,
  };
}

const bySystem: ReadonlySet<string> = new Set(['system', 'payer', 'provider', 'operator']);

function refundView(refund: Refund): RefundView {
  return {
    no: refund.no,
    reference: `${referenceOf(refund.orderId)}-R${refund.no}`,
    amount: { currency: refund.currency, amount: formatAmount(refund.amountMinor, refund.currency) },
    state: refund.state,
    promisedBy: refund.promisedBy,
    createdAt: refund.createdAt.toISOString(),
    endedAt: refund.endedAt?.toISOString() ?? null,
    // What staff write is for staff.
    reason: bySystem.has(refund.actor) ? refund.reason : 'staff',
  };
}
