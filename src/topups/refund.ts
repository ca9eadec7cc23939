import { assert } from '../base/assert.ts';
import { dayOf } from '../base/day.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { type Tx, withTx } from '../db/index.ts';
import { attemptsOf } from '../delivery/index.ts';
import {
  addRefunded,
  insertRefund,
  moveRefund,
  type Payment,
  type PaymentFacts,
  ProviderUnavailable,
  paymentsOf,
  type Refund,
  type RefundOutcome,
  type RefundState,
  refundsOf,
  takeRefunded,
} from '../payments/index.ts';
import { type Order, type OrderState, worthRefunded } from './order.ts';
import { after, lock, nthWait, type OrdersContext, postEvents, providerOf } from './order_context.ts';
import { expensedWorth, recoveryEvent, refundEvent, returnedEvent } from './order_ledger.ts';
import * as store from './order_store.ts';

type Owing = {
  readonly order: Order;
  readonly payment: Payment;
  readonly amountMinor: bigint;
  readonly reason: string;
  readonly actor: string;
};

/**
 * Owes the payer money: from here on it is given back without a person. The row is the promise, its number the provider's key, so it cannot be given
 * back twice.
 */
export async function owe(context: OrdersContext, tx: Tx, owing: Owing): Promise<void> {
  await insert(context, tx, { owing, state: 'owed' });
}

/** The same, given back already at the provider itself. */
export async function recordForeignRefund(
  context: OrdersContext,
  tx: Tx,
  { order, payment, amountMinor }: Pick<Owing, 'order' | 'payment' | 'amountMinor'>,
): Promise<void> {
  const reason = 'refund.elsewhere';
  const owing = { order, payment, amountMinor, reason, actor: 'provider' };
  const refund = await insert(context, tx, { owing, state: 'done' });
  await settleInBooks(context, tx, { order, payment, refund });
  context.onAlarm({ kind: reason, provider: payment.provider, orderId: order.id });
  await endRefunding(context, tx, order);
  if (order.paidBy !== payment.no) return;
  // Not to be delivered any more: the rest follows.
  if (order.state === 'paid') await giveBack(context, tx, { order, move: 'cancel', reason, actor: 'provider' });
  if (order.state === 'refused') await giveBack(context, tx, { order, move: 'refund', reason, actor: 'provider' });
}

async function insert(
  context: OrdersContext,
  tx: Tx,
  { owing, state }: { owing: Owing; state: 'owed' | 'done' },
): Promise<Refund> {
  const { order, payment, amountMinor, reason, actor } = owing;
  const before = await refundsOf(tx, order.id);
  const standing = before.filter((one) => one.payment === payment.no && one.state !== 'failed');
  const givenBack = standing.reduce((sum, one) => sum + one.amountMinor, 0n);
  assert(
    amountMinor > 0n && givenBack + amountMinor <= payment.amountMinor,
    'a refund gives back part of what was paid',
  );
  const at = context.clock.now();
  // What is worth together what was paid stays so whichever of them fails: the last one takes what rounding has left.
  const rest =
    worthRefunded(payment, givenBack + amountMinor) - standing.reduce((sum, one) => sum + one.worthMinor, 0n);
  const refund = {
    orderId: order.id,
    no: before.length + 1,
    payment: payment.no,
    currency: payment.currency,
    amountMinor,
    worthMinor: rest > 0n ? rest : 0n,
    state,
    reason,
    actor,
    externalId: undefined,
    promisedBy: context.catalogue.workingDayAfter(dayOf(at), context.catalogue.refundDays(payment.provider)),
    createdAt: at,
    endedAt: state === 'done' ? at : undefined,
    nextAt: state === 'done' ? undefined : at,
  };
  insertRefund(tx, refund);
  return { ...refund, tries: 0 };
}

/** Gives back all that is left of what paid the order. Moves it to `refunding` in the same transaction. */
export async function giveBack(
  context: OrdersContext,
  tx: Tx,
  {
    order,
    move,
    reason,
    actor,
  }: { order: Order; move: 'refund' | 'cancel' | 'give_up'; reason: string; actor: string },
): Promise<void> {
  const at = context.clock.now();
  const payment = (await paymentsOf(tx, order.id)).find(({ no }) => no === order.paidBy);
  assert(payment !== undefined, 'an order that gives money back was paid');
  const standing = (await refundsOf(tx, order.id)).filter(
    (one) => one.payment === payment.no && one.state !== 'failed',
  );
  const left = payment.amountMinor - standing.reduce((sum, one) => sum + one.amountMinor, 0n);
  const state = store.moveOrder(tx, { order, move, at, actor, reason });
  if (left > 0n) await owe(context, tx, { order, payment, amountMinor: left, reason, actor });
  else await endRefunding(context, tx, { ...order, state });
}

/** The payer takes the money back: nothing was sent yet, or it came back. */
export async function refundByPayer(context: OrdersContext, id: Order['id']): Promise<void> {
  await withTx(context.db, async (tx) => {
    const order = await lock(tx, id);
    // A second click finds it under way.
    if (order.state === 'refunding' || order.state === 'refunded') return;
    if (order.state !== 'paid' && order.state !== 'refused') throw new Refusal('order.wrong_state');
    const move = order.state === 'paid' ? 'cancel' : 'refund';
    await giveBack(context, tx, { order, move, reason: 'payer.asked', actor: 'payer' });
  });
  context.changed(id);
}

/** Asks the provider for a refund that is due. */
export async function workRefund(context: OrdersContext, refund: Refund): Promise<void> {
  const payment = (await withTx(context.db, (tx) => paymentsOf(tx, refund.orderId))).find(
    ({ no }) => no === refund.payment,
  );
  assert(
    payment?.externalId !== undefined && payment.captureId !== undefined,
    'captured money has a name at its provider',
  );
  const { externalId, captureId } = payment;
  const reference = `${refund.orderId}/refund/${refund.no}`;
  const money = { currency: refund.currency, amountMinor: refund.amountMinor };
  const provider = providerOf(context, payment.provider);
  const answer = await ask(async () => {
    const outcome = await provider.refund({ reference, externalId, captureId, money });
    // A no may be the echo of what staff have given back at the provider itself.
    return { outcome, facts: outcome.kind === 'refused' ? await provider.inspect(externalId) : undefined };
  });
  await withTx(context.db, (tx) => take(context, tx, { refund, payment, ...answer }));
  context.changed(refund.orderId);
}

type Answer = {
  readonly outcome: RefundOutcome;
  /** Of the payment, where the outcome is a no. */
  readonly facts: PaymentFacts | undefined;
};

async function ask(call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ProviderUnavailable)) throw error;
    return { outcome: { kind: 'unknown', reason: 'no answer' }, facts: undefined };
  }
}

const states: Readonly<Record<RefundOutcome['kind'], RefundState>> = {
  done: 'done',
  pending: 'pending',
  refused: 'failed',
  unknown: 'owed',
};

async function take(
  context: OrdersContext,
  tx: Tx,
  { refund: asked, payment, outcome, facts }: Answer & { refund: Refund; payment: Payment },
): Promise<void> {
  const order = await lock(tx, asked.orderId);
  const refunds = await refundsOf(tx, order.id);
  const refund = refunds.find(({ no }) => no === asked.no);
  // Two workers may have asked, if the first was slow: the provider knows one refund by that key, and so do we.
  if (!refund || refund.state === 'failed') return;
  if (refund.state === 'done') return takeAgain(context, tx, { order, payment, refund, outcome });
  const at = context.clock.now();
  const externalId = 'externalId' in outcome ? outcome.externalId : undefined;
  // What is pending stays so through a silence.
  const to = outcome.kind === 'unknown' ? refund.state : states[outcome.kind];
  const isOver = to === 'done' || to === 'failed';
  const nextAt = isOver ? undefined : after(at, nthWait(context.patience.refundRetriesMs, refund.tries));
  moveRefund(tx, { refund, to, externalId, endedAt: isOver ? at : undefined, nextAt });
  if (to === 'done') {
    await settleInBooks(context, tx, { order, payment, refund });
    await endRefunding(context, tx, order);
  }
  // Not known is not refused: it stays owed and is asked again, and a person hears of it once.
  if (outcome.kind === 'unknown' && refund.tries === limits.refundTriesMax)
    context.onAlarm({
      kind: 'refund.unanswered',
      provider: payment.provider,
      orderId: order.id,
      detail: outcome.reason,
    });
  if (outcome.kind !== 'refused') return;
  const others = refunds.filter((one) => one.payment === payment.no && one.no !== refund.no && one.state !== 'failed');
  const elsewhere = (facts?.refundedMinor ?? 0n) - others.reduce((sum, one) => sum + one.amountMinor, 0n);
  if (elsewhere > 0n) await makeUp(context, tx, { order, payment, refund, elsewhere });
  else await escalate(context, tx, { order, payment, said: outcome.reason });
}

/** It was made, and asked about once more: either it stands, or it has come back since, and is staff's. */
async function takeAgain(
  context: OrdersContext,
  tx: Tx,
  { order, payment, refund, outcome }: { order: Order; payment: Payment; refund: Refund; outcome: RefundOutcome },
): Promise<void> {
  const at = context.clock.now();
  const { endedAt } = refund;
  if (outcome.kind !== 'refused') {
    const nextAt = outcome.kind === 'unknown' ? after(at, nthWait(context.patience.refundRetriesMs, 0)) : undefined;
    moveRefund(tx, { refund, to: 'done', endedAt, nextAt });
    return;
  }
  moveRefund(tx, { refund, to: 'failed', endedAt: at });
  takeRefunded(tx, refund);
  await postEvents(tx, [await returnedEvent(tx, refund)], at);
  const { reason: said } = outcome;
  context.onAlarm({ kind: 'refund.returned', provider: payment.provider, orderId: order.id, detail: said });
  if (order.state !== 'refunded') return;
  store.moveOrder(tx, { order, move: 'returned', at, actor: 'provider', reason: 'refund.refused', details: { said } });
}

/** It was given back elsewhere, all of it or a part: booked as that, and what is missing then is owed anew. */
async function makeUp(
  context: OrdersContext,
  tx: Tx,
  { order, payment, refund, elsewhere }: { order: Order; payment: Payment; refund: Refund; elsewhere: bigint },
): Promise<void> {
  const missing = refund.amountMinor - elsewhere;
  const { reason, actor } = refund;
  if (missing > 0n) await owe(context, tx, { order, payment, amountMinor: missing, reason, actor });
  await recordForeignRefund(context, tx, { order, payment, amountMinor: elsewhere });
}

async function escalate(
  context: OrdersContext,
  tx: Tx,
  { order, payment, said }: { order: Order; payment: Payment; said: string },
): Promise<void> {
  context.onAlarm({ kind: 'refund.refused', provider: payment.provider, orderId: order.id, detail: said });
  if (order.state !== 'refunding') return;
  const at = context.clock.now();
  store.moveOrder(tx, { order, move: 'escalate', at, actor: 'system', reason: 'refund.refused', details: { said } });
}

/** With the operator, or there already: what is given back meanwhile is at our expense. */
const spendingStates: ReadonlySet<OrderState> = new Set(['sending', 'unknown', 'delivered']);

async function isSpending(tx: Tx, order: Order): Promise<boolean> {
  if (order.state !== 'case') return spendingStates.has(order.state);
  return (await attemptsOf(tx, order.id)).some(({ endedAt }) => endedAt === undefined);
}

/** Out of the customer's funds, unless the payment's worth has been spent on the order or may yet be. */
async function settleInBooks(
  context: OrdersContext,
  tx: Tx,
  { order, payment, refund }: { order: Order; payment: Payment; refund: Refund },
): Promise<void> {
  const isSpent = order.paidBy === payment.no && (await isSpending(tx, order));
  await postEvents(tx, [refundEvent(refund, { provider: payment.provider, isSpent })], context.clock.now());
  addRefunded(tx, refund);
}

/** The operator has said no: what was given back at our expense meanwhile comes out of the customer's funds after all. */
export async function recoverExpense(
  context: OrdersContext,
  tx: Tx,
  { order, attempt }: { order: Order; attempt: number },
): Promise<void> {
  const done = (await refundsOf(tx, order.id)).filter((one) => one.payment === order.paidBy && one.state === 'done');
  const worth = await expensedWorth(tx, order.id, done);
  if (worth > 0n) await postEvents(tx, [recoveryEvent(order.id, { attempt, worth })], context.clock.now());
}

/** Everything that was paid has been given back: the order has ended, and a case of a refund that was refused with it. */
async function endRefunding(context: OrdersContext, tx: Tx, order: Order): Promise<void> {
  if (order.state !== 'refunding' && order.state !== 'case') return;
  const taken = (await paymentsOf(tx, order.id)).filter((one) => one.capturedMinor > 0n || one.state === 'mismatch');
  // What is still with the operator, or never was in our books, is staff's.
  const isOver =
    taken.length > 0 && taken.every((one) => one.state === 'captured' && one.refundedMinor === one.capturedMinor);
  if (!isOver) return order.state === 'refunding' ? escalateRest(context, tx, { order, taken }) : undefined;
  if (order.state === 'case' && (await isSpending(tx, order))) return;
  const [at, actor] = [context.clock.now(), 'provider'];
  const state = order.state === 'case' ? store.moveOrder(tx, { order, move: 'refund', at, actor }) : order.state;
  store.moveOrder(tx, { order: { id: order.id, state }, move: 'refunded', at, actor });
}

/** Nothing is under way any more and not all is given back: a refund of other money was refused before, or it is not in our books. */
async function escalateRest(
  { clock }: OrdersContext,
  tx: Tx,
  { order, taken }: { order: Order; taken: readonly Payment[] },
): Promise<void> {
  const refunds = await refundsOf(tx, order.id);
  if (refunds.some(({ state }) => state === 'owed' || state === 'pending')) return;
  const reason = taken.some(({ state }) => state === 'mismatch') ? 'payment.mismatch' : 'refund.refused';
  store.moveOrder(tx, { order, move: 'escalate', at: clock.now(), actor: 'system', reason });
}
