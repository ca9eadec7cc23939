import { eventId, type Uuid } from '../base/ids.ts';
import type { Tx } from '../db/index.ts';
import type { RouteId } from '../delivery/index.ts';
import { type LedgerEvent, type Leg, look, mainAccount, type SystemKind, systemAccount } from '../ledger/index.ts';
import type { DisputeFacts, Payment, ProviderId, Refund } from '../payments/index.ts';
import type { Order } from './order.ts';

// What an order does to the books, and nothing else. Charged money comes into the provider's clearing account and through the exchange into
// `customer_funds`, where it is the customer's until it is spent on the order or given back.

const clearing: Readonly<Record<ProviderId, SystemKind>> = {
  stripe: 'stripe_clearing',
  paypal: 'paypal_clearing',
  sandbox: 'sandbox_clearing',
};

const payable: Readonly<Record<Exclude<RouteId, 'hosted'>, SystemKind>> = {
  osmp: 'osmp_payable',
  dtone: 'dtone_payable',
  reloadly: 'reloadly_payable',
};

const STRIPES = 16;

/** All events of an order fall on one stripe, so a hold ends on the accounts it was made on. */
function stripeOf(orderId: Uuid): number {
  return Number.parseInt(orderId.slice(0, 2), 16) % STRIPES;
}

export function deliveryEventId(orderId: Uuid, attempt: number): Uuid {
  return eventId('order_delivery', orderId, String(attempt));
}

/** Money that a provider has taken. In tenge it goes straight to the customer's funds; other money is exchanged at the quote's rate. */
export function paymentEvent(payment: Payment): LedgerEvent {
  const { orderId, no, provider, currency, amountMinor, worthMinor } = payment;
  return {
    id: eventId('order_payment', orderId, String(no)),
    code: 'order_payment',
    kind: 'posted',
    legs: exchanged(orderId, {
      from: { kind: clearing[provider], currency, amount: amountMinor },
      to: { kind: 'customer_funds', worth: worthMinor },
    }),
  };
}

type Side = { kind: SystemKind; currency: Payment['currency']; amount: bigint };

function exchanged(orderId: Uuid, { from, to }: { from: Side; to: { kind: SystemKind; worth: bigint } }): Leg[] {
  const stripe = stripeOf(orderId);
  const source = systemAccount(from.kind, from.currency, stripe);
  const target = systemAccount(to.kind, 'KZT', stripe);
  if (from.currency === 'KZT') return [{ debit: source, credit: target, amount: from.amount }];
  return [
    { debit: source, credit: systemAccount('exchange', from.currency, stripe), amount: from.amount },
    { debit: systemAccount('exchange', 'KZT', stripe), credit: target, amount: to.worth },
  ];
}

/** The customer's funds are spent: the face value to the number or to whoever credits it, the rest is what we earned. */
export function deliveryEvent(
  order: Pick<Order, 'id' | 'subscriber' | 'quote'>,
  delivery: { attempt: number; route: RouteId; kind: 'posted' | 'pending' },
): LedgerEvent {
  const stripe = stripeOf(order.id);
  const funds = systemAccount('customer_funds', 'KZT', stripe);
  const recipient =
    delivery.route === 'hosted'
      ? mainAccount(order.subscriber, 'KZT')
      : systemAccount(payable[delivery.route], 'KZT', stripe);
  const legs = [
    { debit: funds, credit: recipient, amount: order.quote?.faceMinor ?? 0n },
    { debit: funds, credit: systemAccount('fee_income', 'KZT', stripe), amount: order.quote?.feeMinor ?? 0n },
    { debit: funds, credit: systemAccount('margin_income', 'KZT', stripe), amount: order.quote?.marginMinor ?? 0n },
  ];
  return {
    id: deliveryEventId(order.id, delivery.attempt),
    code: 'order_delivery',
    kind: delivery.kind,
    legs: legs.filter((leg) => leg.amount > 0n),
  };
}

/** Money given back: out of the customer's funds, or at our expense where it was spent on the order already. */
export function refundEvent(
  refund: Refund,
  { provider, isSpent }: { provider: ProviderId; isSpent: boolean },
): LedgerEvent {
  const { orderId, currency, amountMinor, worthMinor } = refund;
  const legs = exchanged(orderId, {
    from: { kind: clearing[provider], currency, amount: amountMinor },
    to: { kind: isSpent ? 'refund_expense' : 'customer_funds', worth: worthMinor },
  });
  return {
    id: refundEventId(refund),
    code: 'order_refund',
    kind: 'posted',
    legs: legs.filter((leg) => leg.amount > 0n).map(reversed),
  };
}

export function refundEventId(refund: Pick<Refund, 'orderId' | 'no'>): Uuid {
  return eventId('order_refund', refund.orderId, String(refund.no));
}

/** A refund has come back: what it did to the books is undone, leg by leg. */
export async function returnedEvent(tx: Tx, refund: Pick<Refund, 'orderId' | 'no'>): Promise<LedgerEvent> {
  const made = refundEventId(refund);
  const { known } = await look(tx, { events: [made], debits: [], credits: [] }, false);
  const legs = [...(known.get(made) ?? [])].sort((a, b) => a.leg - b.leg);
  return {
    id: eventId('order_refund_returned', refund.orderId, String(refund.no)),
    code: 'order_refund',
    kind: 'posted',
    legs: legs.map(reversed),
  };
}

/** Of these refunds, the part that was given back at our expense and is not recovered yet. */
export async function expensedWorth(tx: Tx, orderId: Uuid, refunds: readonly Refund[]): Promise<bigint> {
  const expense = systemAccount('refund_expense', 'KZT', stripeOf(orderId));
  const events = refunds.map(refundEventId);
  const { known } = await look(tx, { events, debits: [], credits: [] }, false);
  return [...known.values()].flat().reduce((sum, leg) => (leg.debit === expense ? sum + leg.amount : sum), 0n);
}

/** What was given back at our expense, while the order was with the operator, comes out of the customer's funds after all. */
export function recoveryEvent(orderId: Uuid, { attempt, worth }: { attempt: number; worth: bigint }): LedgerEvent {
  const stripe = stripeOf(orderId);
  return {
    id: eventId('order_recovery', orderId, String(attempt)),
    code: 'order_refund',
    kind: 'posted',
    legs: [
      {
        debit: systemAccount('customer_funds', 'KZT', stripe),
        credit: systemAccount('refund_expense', 'KZT', stripe),
        amount: worth,
      },
    ],
  };
}

/** A bank has taken the money out of the clearing account, and gives it back when the dispute is won. */
export function disputeEvents(
  provider: ProviderId,
  { facts, orderId }: { facts: DisputeFacts; orderId: Uuid },
): LedgerEvent[] {
  const stripe = stripeOf(orderId);
  const { currency, amountMinor } = facts.money;
  const taken = {
    debit: systemAccount('dispute_loss', currency, stripe),
    credit: systemAccount(clearing[provider], currency, stripe),
    amount: amountMinor,
  };
  const eventOf = (step: 'open' | 'won', leg: Leg): LedgerEvent => ({
    id: eventId('order_dispute', provider, facts.externalId, step),
    code: 'order_dispute',
    kind: 'posted',
    legs: [leg],
  });
  const opened = eventOf('open', taken);
  return facts.state === 'won' ? [opened, eventOf('won', reversed(taken))] : [opened];
}

function reversed({ debit, credit, amount }: Leg): Leg {
  return { debit: credit, credit: debit, amount };
}
