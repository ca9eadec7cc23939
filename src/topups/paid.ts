import { parseUuid, type Uuid } from '../base/ids.ts';
import { type Tx, withTx } from '../db/index.ts';
import {
  askRefundsAgain,
  askSoon,
  movePayment,
  type Payment,
  type PaymentFacts,
  type ProviderId,
  paymentsOf,
  type Refund,
  refundsOf,
} from '../payments/index.ts';
import type { Order } from './order.ts';
import { after, nthWait, type OrdersContext, postEvents } from './order_context.ts';
import { paymentEvent } from './order_ledger.ts';
import * as store from './order_store.ts';
import { owe, recordForeignRefund } from './refund.ts';

/**
 * What a provider says of a payment. A notification is believed as far as it agrees with what was asked for; money of another amount or
 * currency is believed only when we have asked ourselves (`enquiry`), and then it is for staff.
 */
export type Observation = { readonly provider: ProviderId; readonly facts: PaymentFacts } & (
  | { readonly source: 'notification' }
  /** `asked`: what was asked about, by the name its provider gave it, whatever the answer calls it. */
  | { readonly source: 'enquiry'; readonly asked: Payment }
);

/** `mismatch`: the facts contradict the order they name, or name none of ours. `orderId` where it is known. */
export type Observed = {
  readonly kind: 'applied' | 'nothing_new' | 'mismatch';
  readonly orderId: Uuid | undefined;
  readonly detail?: string;
};

/**
 * The one place where money that was paid reaches an order, whoever brings the news, how often and in which order. Whatever is older than what we know
 * changes nothing. Runs under the order's lock.
 */
export async function observe(context: OrdersContext, tx: Tx, observation: Observation): Promise<Observed> {
  const { facts, provider } = observation;
  const named = observation.source === 'enquiry' ? observation.asked : parseReference(facts.reference);
  if (!named) return { kind: 'mismatch', orderId: undefined, detail: 'no reference of ours' };
  const order = await store.lockOrder(tx, named.orderId);
  const payment = order && (await paymentsOf(tx, order.id)).find(({ no }) => no === named.no);
  if (!order || payment?.provider !== provider || !isSame(payment, facts))
    return { kind: 'mismatch', orderId: order?.id, detail: 'not a payment of ours' };
  if (!agrees(payment, facts)) return disagree(context, tx, { order, payment, observation });
  const kind = await apply(context, tx, { order, payment, facts, isAsked: observation.source === 'enquiry' });
  return { kind, orderId: order.id };
}

/** What the provider is told to call the payment, and gives back. */
export function referenceFor(payment: Pick<Payment, 'orderId' | 'no'>): string {
  return `${payment.orderId}/${payment.no}`;
}

const REFERENCE = /^([0-9a-f-]{36})\/(\d{1,4})$/;

/** `<order id>/<no>`, see `referenceFor`. */
function parseReference(text: string | undefined): { orderId: Uuid; no: number } | undefined {
  const [, id, no] = REFERENCE.exec(text ?? '') ?? [];
  const orderId = id === undefined ? undefined : parseUuid(id);
  return orderId && { orderId, no: Number(no) };
}

/**
 * Takes in what a provider has answered about this payment. Money that is not what was asked for is staff's.
 */
export async function learn(context: OrdersContext, payment: Payment, facts: PaymentFacts): Promise<void> {
  const { provider } = payment;
  const observed = await withTx(context.db, (tx) =>
    observe(context, tx, { provider, facts, source: 'enquiry', asked: payment }),
  );
  if (observed.kind !== 'mismatch') return;
  const { detail } = observed;
  context.onAlarm({
    kind: 'payment.mismatch',
    provider,
    orderId: payment.orderId,
    ...(detail === undefined ? {} : { detail }),
  });
}

/** Before our own call was answered the provider's name for the payment is not known yet, and the reference alone decides. */
function isSame(payment: Payment, facts: PaymentFacts): boolean {
  return payment.externalId === undefined || payment.externalId === facts.externalId;
}

/** A provider that has forgotten a payment nobody made knows neither its money nor our name for it. */
function agrees(payment: Payment, { reference, money, state }: PaymentFacts): boolean {
  if (reference !== undefined && reference !== referenceFor(payment)) return false;
  if (!money) return state !== 'captured';
  return money.currency === payment.currency && money.amountMinor === payment.amountMinor;
}

type Sight = {
  readonly order: Order;
  readonly payment: Payment;
  readonly facts: PaymentFacts;
  /** By us, and not told: a notification may leave something out. */
  readonly isAsked: boolean;
};

/** Is this the payment the order waits for? */
function isAwaited({ order, payment }: Pick<Sight, 'order' | 'payment'>): boolean {
  return order.state === 'awaiting_payment' && payment.no === order.payments;
}

async function apply(context: OrdersContext, tx: Tx, sight: Sight): Promise<'applied' | 'nothing_new'> {
  const { order, payment, facts } = sight;
  if (payment.state === 'captured') return noticeRefunds(context, tx, sight);
  if (payment.state === 'mismatch') return 'nothing_new';
  switch (facts.state) {
    case 'open':
      return 'nothing_new';
    case 'approved':
      if (payment.state === 'approved' || payment.state === 'expired' || payment.state === 'refused')
        return 'nothing_new';
      movePayment(tx, { payment, to: 'approved', externalId: facts.externalId });
      // Taken by a worker at once.
      if (isAwaited(sight)) store.schedule(tx, order, { nextAt: context.clock.now(), tried: 0 });
      return 'applied';
    case 'pending':
      if (payment.state === 'pending') return 'nothing_new';
      movePayment(tx, { payment, to: 'pending', externalId: facts.externalId });
      // Asked for until it has come to an end, also when its order has gone on without it.
      hint(tx, sight, afterPolls(context));
      return 'applied';
    case 'refused':
      if (payment.state === 'refused') return 'nothing_new';
      movePayment(tx, { payment, to: 'refused', externalId: facts.externalId });
      return 'applied';
    case 'expired':
      if (payment.state === 'expired') return 'nothing_new';
      movePayment(tx, { payment, to: 'expired', externalId: facts.externalId });
      if (isAwaited(sight)) lapse(context, tx, order);
      return 'applied';
    case 'captured':
      await takeIn(context, tx, sight);
      return 'applied';
  }
}

/** When it is asked again what becomes of money under way. */
export function afterPolls({ clock, patience }: OrdersContext): Date {
  return after(clock.now(), nthWait(patience.paymentPollsMs, patience.paymentPollsMs.length));
}

/** Nobody has paid in time. Looked at again later: money may land whose notification gets lost. */
export function lapse({ clock, patience }: OrdersContext, tx: Tx, order: Order): void {
  const at = clock.now();
  const nextAt = after(at, nthWait(patience.latePollsMs, 0));
  store.moveOrder(tx, { order, move: 'lapse', at, actor: 'system', reason: 'payment.expired', nextAt });
}

/** The money is ours: into the books, and on to the order that waits for it; otherwise it goes back. */
async function takeIn(context: OrdersContext, tx: Tx, { order, payment, facts }: Sight): Promise<void> {
  const at = context.clock.now();
  movePayment(tx, {
    payment,
    to: 'captured',
    externalId: facts.externalId,
    captureId: facts.captureId,
    capturedMinor: payment.amountMinor,
    capturedAt: at,
  });
  await postEvents(tx, [paymentEvent(payment)], at);
  if (isAwaited({ order, payment })) {
    store.moveOrder(tx, {
      order,
      move: 'capture',
      at,
      actor: 'provider',
      paidBy: payment.no,
      nextAt: at,
      deadlineAt: after(at, context.patience.unsentMs),
    });
    return;
  }
  // Too late, or paid twice in two ways: either way it is not this order's money any more.
  const captured = { ...payment, state: 'captured' as const, capturedMinor: payment.amountMinor };
  await owe(context, tx, {
    order,
    payment: captured,
    amountMinor: payment.amountMinor,
    reason: order.paidBy === undefined ? 'payment.late' : 'payment.duplicate',
    actor: 'system',
  });
  if (order.state === 'expired')
    store.moveOrder(tx, { order, move: 'late', at, actor: 'system', reason: 'payment.late' });
}

/** Money that was given back at the provider itself, past us, is taken into the books as what it is; where it says less than we know, we look again. */
async function noticeRefunds(
  context: OrdersContext,
  tx: Tx,
  { order, payment, facts, isAsked }: Sight,
): Promise<'applied' | 'nothing_new'> {
  const ours = (await refundsOf(tx, order.id)).filter((one) => one.payment === payment.no && one.state !== 'failed');
  const sumOf = (refunds: readonly Refund[]): bigint => refunds.reduce((sum, one) => sum + one.amountMinor, 0n);
  if (isAsked && facts.refundedMinor < sumOf(ours.filter(({ state }) => state === 'done')))
    askRefundsAgain(tx, payment, context.clock.now());
  const known = sumOf(ours);
  if (facts.refundedMinor <= known) return 'nothing_new';
  await recordForeignRefund(context, tx, { order, payment, amountMinor: facts.refundedMinor - known });
  return 'applied';
}

async function disagree(
  context: OrdersContext,
  tx: Tx,
  { order, payment, observation }: { order: Order; payment: Payment; observation: Observation },
): Promise<Observed> {
  const { source, facts } = observation;
  const isOurs = facts.reference === undefined || facts.reference === referenceFor(payment);
  const said = `${facts.money ? `${facts.money.amountMinor} ${facts.money.currency}` : 'no amount'}${isOurs ? '' : ' under another name'}`;
  const detail = `${said} instead of ${payment.amountMinor} ${payment.currency}`;
  // Known, and with staff.
  if (source === 'enquiry' && payment.state === 'mismatch') return { kind: 'nothing_new', orderId: order.id };
  if (source === 'enquiry' && facts.state === 'captured' && payment.state !== 'captured') {
    const at = context.clock.now();
    movePayment(tx, { payment, to: 'mismatch', externalId: facts.externalId, captureId: facts.captureId });
    if (isAwaited({ order, payment }) || order.state === 'expired')
      store.moveOrder(tx, {
        order,
        move: 'mismatch',
        at,
        actor: 'system',
        reason: 'payment.mismatch',
        details: { said },
      });
  } else if (source === 'notification') {
    // Whoever says so may be wrong: a worker asks.
    hint(tx, { order, payment }, context.clock.now());
  } else if (facts.state === 'pending' && !isAwaited({ order, payment })) {
    askSoon(tx, payment, afterPolls(context));
  }
  return { kind: 'mismatch', orderId: order.id, detail };
}

/** Something may have happened to it; a worker asks what. The order's own time to be looked at is brought forward only where it waits for that payment. */
export function hint(tx: Tx, { order, payment }: Pick<Sight, 'order' | 'payment'>, at: Date): void {
  if (isAwaited({ order, payment })) store.schedule(tx, order, { nextAt: at, tried: 0 });
  else askSoon(tx, payment, at);
}
