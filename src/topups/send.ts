import { assert } from '../base/assert.ts';
import type { Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { type Tx, withTx } from '../db/index.ts';
import type { Attempt, DeliveryRefusal, DeliveryRequest, Outcome, RouteId } from '../delivery/index.ts';
import * as delivery from '../delivery/index.ts';
import { endHolds } from '../ledger/index.ts';
import * as notices from '../notices/index.ts';
import { refundsOf } from '../payments/index.ts';
import type { Order } from './order.ts';
import { after, lock, nthWait, type OrdersContext, postEvents } from './order_context.ts';
import { deliveryEvent, deliveryEventId } from './order_ledger.ts';
import * as store from './order_store.ts';
import { giveBack, recoverExpense } from './refund.ts';

/**
 * A paid order goes to whoever credits its number. Decide (a hold on the customer's funds, under a reference that is stored first), act (the network, outside any
 * transaction), record. A worker that dies in between leaves an order that is `sending`; the next one asks what became of it.
 */
export async function send(context: OrdersContext, id: Uuid): Promise<void> {
  const begun = await withTx(context.db, (tx) => begin(context, tx, id));
  context.changed(id);
  if (!begun) return;
  const outcome = await context.delivery.deliver(begun.route, { ...begun.request, isFirst: true });
  await settle(context, id, { ...begun, outcome, actor: 'operator' });
}

type Begun = {
  readonly attempt: number;
  /** Until when it is this worker's. */
  readonly claim: Date;
  readonly route: Exclude<RouteId, 'hosted'>;
  readonly request: DeliveryRequest;
};

async function begin(context: OrdersContext, tx: Tx, id: Uuid): Promise<Begun | undefined> {
  const order = await lock(tx, id);
  if (order.state !== 'paid') return undefined;
  const at = context.clock.now();
  const route = context.routes.get(order.operator) ?? 'hosted';
  const found = await context.subscribers.revealIn(tx, order.subscriber);
  if (route === 'hosted') {
    await deliverHere(context, tx, { order, isOpen: found?.status === 'active' });
    return undefined;
  }
  if (order.deadlineAt && order.deadlineAt <= at) {
    await giveBack(context, tx, { order, move: 'give_up', reason: 'operator.unavailable', actor: 'system' });
    return undefined;
  }
  if (!found) {
    await giveBack(context, tx, { order, move: 'cancel', reason: 'subscriber.erased', actor: 'system' });
    return undefined;
  }
  if (context.delivery.isOpen(route, order.operator)) {
    store.schedule(tx, order, { nextAt: after(at, context.patience.unsentRetryMs), tried: 1 });
    return undefined;
  }
  const attempt = order.deliveries + 1;
  const reference = delivery.referenceOf(id, attempt);
  await startAttempt(tx, { order, attempt, route, at, kind: 'pending' });
  // Until then it is this worker's; afterwards whoever finds it asks the operator.
  const claim = after(at, context.patience.claimMs);
  store.moveOrder(tx, { order, move: 'send', at, actor: 'system', deliveries: 1, nextAt: claim });
  const { operator, quote } = order;
  return {
    attempt,
    claim,
    route,
    request: { reference, msisdn: found.msisdn, operator, amountMinor: quote?.faceMinor ?? 0n, beganAt: at },
  };
}

async function startAttempt(
  tx: Tx,
  {
    order,
    attempt,
    route,
    at,
    kind,
  }: { order: Order; attempt: number; route: RouteId; at: Date; kind: 'posted' | 'pending' },
): Promise<void> {
  const reference = delivery.referenceOf(order.id, attempt);
  delivery.begin(tx, { orderId: order.id, attempt, route, operator: order.operator, reference, at });
  await postEvents(tx, [deliveryEvent(order, { attempt, route, kind })], at);
}

/** Our own ledger is the balance: sent and delivered in one transaction, with nothing in between to go wrong. */
async function deliverHere(
  context: OrdersContext,
  tx: Tx,
  { order, isOpen }: { order: Order; isOpen: boolean },
): Promise<void> {
  const at = context.clock.now();
  const attempt = order.deliveries + 1;
  if (!isOpen) {
    delivery.begin(tx, {
      orderId: order.id,
      attempt,
      route: 'hosted',
      operator: order.operator,
      reference: delivery.referenceOf(order.id, attempt),
      at,
    });
    const outcome = { kind: 'refused', reason: 'number.barred', detail: 'closed' } as const;
    await delivery.settle(tx, { orderId: order.id, attempt, from: 'sending', outcome, at });
    const state = store.moveOrder(tx, { order, move: 'send', at, actor: 'system', deliveries: 1 });
    await reject(context, tx, {
      order: { ...order, state, deliveries: attempt },
      reason: outcome.reason,
      actor: 'system',
    });
    return;
  }
  await startAttempt(tx, { order, attempt, route: 'hosted', at, kind: 'posted' });
  const outcome = { kind: 'delivered', operatorReference: deliveryEventId(order.id, attempt) } as const;
  await delivery.settle(tx, { orderId: order.id, attempt, from: 'sending', outcome, at });
  const state = store.moveOrder(tx, { order, move: 'send', at, actor: 'system', deliveries: 1 });
  store.moveOrder(tx, { order: { id: order.id, state }, move: 'confirm', at, actor: 'system' });
  oweNotice(tx, order, attempt);
}

function oweNotice(tx: Tx, order: Order, attempt: number): void {
  const event = deliveryEventId(order.id, attempt);
  notices.owe(tx, [{ subscriber: order.subscriber, event, kind: 'topup_credited' }]);
}

type Settlement = {
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly actor: string;
  readonly reason?: string;
  /** Until when whoever asked had the order to themselves. */
  readonly claim?: Date | undefined;
};

/**
 * Records what the operator, or staff in its place, has said of an attempt. Whoever comes second finds it settled and changes nothing, and an answer that
 * took its time says nothing of a later attempt.
 */
export async function settle(
  context: OrdersContext,
  id: Uuid,
  { attempt, outcome, actor, reason, claim }: Settlement,
): Promise<void> {
  await withTx(context.db, async (tx) => {
    const order = await lock(tx, id);
    if (order.state !== 'sending' && order.state !== 'unknown' && order.state !== 'case') return;
    // Somebody has taken it over since and may be asking for the credit at this moment: a no from before is not the last word any more.
    if (outcome.kind === 'refused' && claim && claim.getTime() !== order.nextAt?.getTime()) return;
    const at = context.clock.now();
    const [before] = (await delivery.attemptsOf(tx, id)).filter((one) => one.attempt === attempt);
    if (!before || before.state === 'delivered' || before.state === 'refused') return;
    if (outcome.kind === 'unknown') {
      await stayUnknown(context, tx, { order, outcome, before });
      return;
    }
    await delivery.settle(tx, { orderId: id, attempt, from: before.state, outcome, at });
    const end = outcome.kind === 'delivered' ? 'capture' : 'release';
    const [ended] = await endHolds(tx, [{ event: deliveryEventId(id, attempt), end }], at);
    assert(ended === 'posted', 'the hold of an open attempt is open');
    if (outcome.kind === 'delivered') {
      store.moveOrder(tx, { order, move: 'confirm', at, actor, reason });
      oweNotice(tx, order, attempt);
    } else {
      await recoverExpense(context, tx, { order, attempt });
      await reject(context, tx, { order, reason: outcome.reason, actor });
    }
  });
  context.changed(id);
}

/** Not known is not failed: it is asked again at growing intervals, and becomes a case for staff when the day is over. */
async function stayUnknown(
  { clock, patience }: OrdersContext,
  tx: Tx,
  { order, outcome, before }: { order: Order; outcome: Extract<Outcome, { kind: 'unknown' }>; before: Attempt },
): Promise<void> {
  const at = clock.now();
  if (order.state === 'sending') {
    await delivery.settle(tx, { orderId: order.id, attempt: before.attempt, from: 'sending', outcome, at });
    store.moveOrder(tx, {
      order,
      move: 'lose',
      at,
      actor: 'system',
      reason: outcome.isUnderWay ? 'operator.under_way' : 'operator.no_answer',
      details: { said: outcome.detail },
      // Who is at work on it is as a rule done in a moment, and its own word that it is may be lost or have come already.
      nextAt: after(at, outcome.isUnderWay ? limits.underWayMs : nthWait(patience.enquiriesMs, 0)),
      deadlineAt: after(at, patience.unknownCaseMs),
    });
    return;
  }
  delivery.asked(tx, { orderId: order.id, attempt: before.attempt });
  if (order.state === 'unknown' && order.deadlineAt && order.deadlineAt <= at)
    store.moveOrder(tx, {
      order,
      move: 'escalate',
      at,
      actor: 'system',
      reason: 'delivery.unknown',
      details: { said: outcome.detail },
    });
  else if (order.state === 'unknown')
    store.schedule(tx, order, { nextAt: after(at, nthWait(patience.enquiriesMs, order.tries + 1)), tried: 1 });
}

/**
 * The operator has said no. What the payer can put right waits for them a while; an operator that is down is tried again a few times; all else, and they
 * too in the end, is given back without a person.
 */
async function reject(
  context: OrdersContext,
  tx: Tx,
  { order, reason, actor }: { order: Order; reason: DeliveryRefusal; actor: string },
): Promise<void> {
  const at = context.clock.now();
  const refunds = await refundsOf(tx, order.id);
  // Whoever has had some of the money back elsewhere is not waiting for the credit: the rest follows.
  const isWanted = refunds.every((one) => one.payment !== order.paidBy || one.state === 'failed');
  const canCorrect = isWanted && delivery.correctable.has(reason);
  const nextAt = canCorrect ? after(at, context.patience.correctionMs) : undefined;
  const state = store.moveOrder(tx, { order, move: 'reject', at, actor, reason, nextAt, deadlineAt: nextAt });
  if (canCorrect) return;
  const refused: Order = { ...order, state };
  if (isWanted && reason === 'operator.unavailable' && order.deliveries < limits.deliveryAttemptsMax)
    store.moveOrder(tx, {
      order: refused,
      move: 'retry',
      at,
      actor: 'system',
      nextAt: after(at, context.patience.unsentRetryMs),
      deadlineAt: after(at, context.patience.unsentMs),
    });
  else await giveBack(context, tx, { order: refused, move: 'refund', reason, actor: 'system' });
}

/**
 * What became of it? An operator that has never heard of the reference, long after, gets the same request once more, under the same reference. `order` is
 * claimed: its `nextAt` says until when.
 */
export async function enquire(context: OrdersContext, order: Order, actor: string): Promise<void> {
  const attempt = (await delivery.find(context.db, order.id)).find((one) => one.attempt === order.deliveries);
  const found = await context.subscribers.reveal(order.subscriber);
  // Never once it has ended: to ask may be to ask for it (OSMP), and the money may have gone back.
  if (!attempt || attempt.route === 'hosted' || attempt.endedAt) return;
  if (!found) {
    const outcome = { kind: 'unknown', detail: 'number erased' } as const;
    await settle(context, order.id, { attempt: attempt.attempt, outcome, actor });
    return;
  }
  const request: DeliveryRequest = {
    reference: attempt.reference,
    msisdn: found.msisdn,
    operator: attempt.operator,
    amountMinor: order.quote?.faceMinor ?? 0n,
    beganAt: attempt.beganAt,
  };
  const answer = await context.delivery.enquire(attempt.route, request);
  const outcome = answer.kind === 'absent' ? await sendAgain(context, { attempt, request }) : answer;
  await settle(context, order.id, { attempt: attempt.attempt, outcome, actor, claim: order.nextAt });
}

async function sendAgain(
  context: OrdersContext,
  { attempt, request }: { attempt: Attempt; request: DeliveryRequest },
): Promise<Outcome> {
  const age = context.clock.now().getTime() - attempt.beganAt.getTime();
  // A request that was only slow would otherwise overtake this one.
  if (age < context.patience.absentMs || attempt.route === 'hosted')
    return { kind: 'unknown', detail: 'not known there yet' };
  return context.delivery.deliver(attempt.route, request);
}
