import { setTimeout as delay } from 'node:timers/promises';
import type { Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { withTx } from '../db/index.ts';
import {
  claimPayments,
  claimRefunds,
  type Payment,
  type PaymentFacts,
  ProviderUnavailable,
  paymentsOf,
  setAsked,
} from '../payments/index.ts';
import { type Contact, claimContacts } from './contact_store.ts';
import type { Order } from './order.ts';
import { after, failed, lock, nthWait, type OrdersContext, providerOf } from './order_context.ts';
import { workContact } from './order_mail.ts';
import * as store from './order_store.ts';
import { afterPolls, lapse, learn, referenceFor } from './paid.ts';
import { lapsePayment } from './place.ts';
import { giveBack, workRefund } from './refund.ts';
import { enquire, send } from './send.ts';

/**
 * Takes the orders, refunds, payments and letters that are due, a few of each, and begins to do for each what it asks for. The order is the job: its row says when
 * it must be looked at again, so whatever a crash cuts off is found later, here or in another process.
 */
async function begin(context: OrdersContext): Promise<Promise<void>[]> {
  const now = context.clock.now();
  const claim = { now, until: after(now, context.patience.claimMs), limit: limits.ordersClaimedMax };
  const noLetters: Contact[] = [];
  const [orders, refunds, payments, contacts] = await withTx(context.db, (tx) =>
    Promise.all([
      store.claimDue(tx, claim),
      claimRefunds(tx, claim),
      claimPayments(tx, claim),
      context.mail ? claimContacts(tx, claim) : noLetters,
    ]),
  );
  const begun = (id: Uuid, work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => failed(context, id, error));
  return [
    ...orders.map((order) => begun(order.id, workOne(context, order))),
    ...refunds.map((refund) => begun(refund.orderId, workRefund(context, refund))),
    ...contacts.map((contact) => begun(contact.orderId, workContact(context, contact, claim.until))),
    ...payments.map((payment) => begun(payment.orderId, askSooner(context, payment, claim.until))),
  ];
}

/** One round, to its end. Answers how many were due. */
export async function workOnce(context: OrdersContext): Promise<number> {
  const works = await begin(context);
  await Promise.all(works);
  return works.length;
}

/** Asks what became of a payment of which somebody has hinted at news, whatever its order is busy with. */
async function askSooner(context: OrdersContext, payment: Payment, until: Date): Promise<void> {
  // After a silence it is asked again when the claim is over.
  if (!(await inspect(context, payment))) return;
  await withTx(context.db, async (tx) => setAsked(tx, payment, { until, nextAt: afterPolls(context) }));
  context.changed(payment.orderId);
}

async function workOne(context: OrdersContext, order: Order): Promise<void> {
  switch (order.state) {
    case 'awaiting_payment':
      return awaitPayment(context, order);
    case 'expired':
      return lookForLateMoney(context, order);
    case 'paid':
      return send(context, order.id);
    case 'sending':
    case 'unknown':
      return enquire(context, order, 'operator');
    case 'refused':
      return giveUpWaiting(context, order.id);
    case 'draft':
    case 'quoted':
    case 'delivered':
    case 'refunding':
    case 'refunded':
    case 'case':
      return lookOnce(context, order);
  }
}

/** Takes what was approved, asks what became of the rest, and ends what nobody has paid in time. */
async function awaitPayment(context: OrdersContext, order: Order): Promise<void> {
  const at = context.clock.now();
  const isLate = order.deadlineAt !== undefined && order.deadlineAt <= at;
  const payment = await latestPayment(context, order.id);
  // Revised and placed anew since it was claimed: another payment, with a deadline of its own.
  if (payment?.no !== order.payments) return;
  if (isLate && payment?.state !== 'pending') await lapsePayment(context, order.id).catch(ignoreSilence);
  else if (payment && payment.state !== 'approved') await inspect(context, payment);
  if (!isLate) await captureApproved(context, order.id);
  await withTx(context.db, async (tx) => {
    const current = await lock(tx, order.id);
    if (current.state !== 'awaiting_payment') return;
    const now = (await paymentsOf(tx, order.id)).at(-1);
    // Money under way ends one way or the other at the provider; until it has, the order waits.
    const mayLapse = isLate && now?.state !== 'pending' && (!isSilent(now) || isLong(context, current));
    if (mayLapse) lapse(context, tx, current);
    // Where somebody has hinted at news meanwhile, it is due already.
    else if (current.nextAt?.getTime() === order.nextAt?.getTime()) {
      const wait = nthWait(context.patience.paymentPollsMs, current.tries);
      const deadline =
        current.deadlineAt && current.deadlineAt > at ? current.deadlineAt.getTime() : Number.POSITIVE_INFINITY;
      const nextAt = new Date(Math.min(after(at, wait).getTime(), deadline));
      store.schedule(tx, current, { nextAt, tried: 1 });
    }
  });
  context.changed(order.id);
}

/** Where the payer's word and the money are two things, the money is taken here. */
async function captureApproved(context: OrdersContext, id: Uuid): Promise<void> {
  const payment = await latestPayment(context, id);
  if (payment?.state !== 'approved') return;
  const provider = providerOf(context, payment.provider);
  await take(context, payment, (externalId) => provider.capture(externalId, referenceFor(payment)));
}

/** The provider was to end it and has not said that it has. */
function isSilent(payment: Payment | undefined): boolean {
  return payment?.externalId !== undefined && (payment.state === 'open' || payment.state === 'approved');
}

/** A provider that is away for long does not keep an order open for ever: money that lands then is late, and goes back. */
function isLong({ clock, patience }: OrdersContext, order: Order): boolean {
  const deadline = order.deadlineAt?.getTime() ?? 0;
  return clock.now().getTime() - deadline > patience.quoteMs;
}

function ignoreSilence(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'payment.unavailable')) throw error;
}

async function latestPayment(context: OrdersContext, id: Uuid): Promise<Payment | undefined> {
  return (await withTx(context.db, (tx) => paymentsOf(tx, id))).at(-1);
}

async function inspect(context: OrdersContext, payment: Payment): Promise<boolean> {
  return take(context, payment, (externalId) => providerOf(context, payment.provider).inspect(externalId));
}

/** Asks, then takes in what was answered. A silence changes nothing; false says that there was one. */
async function take(
  context: OrdersContext,
  payment: Payment,
  ask: (externalId: string) => Promise<PaymentFacts>,
): Promise<boolean> {
  if (payment.externalId === undefined) return true;
  let facts: PaymentFacts;
  try {
    facts = await ask(payment.externalId);
  } catch (error) {
    if (error instanceof ProviderUnavailable) return false;
    throw error;
  }
  await learn(context, payment, facts);
  return true;
}

async function lookForLateMoney(context: OrdersContext, order: Order): Promise<void> {
  const isAnswered = await askPayments(context, order.id);
  const { latePollsMs } = context.patience;
  await withTx(context.db, async (tx) => {
    const current = await lock(tx, order.id);
    if (current.state !== 'expired') return;
    // A provider that does not answer has not said that there is no money.
    const next = isAnswered ? current.tries + 1 : current.tries;
    const nextAt = next < latePollsMs.length ? after(context.clock.now(), nthWait(latePollsMs, next)) : undefined;
    store.schedule(tx, current, { nextAt, tried: isAnswered ? 1 : 0 });
  });
}

/** Asks about all payments of an order; false when somebody did not answer. */
export async function askPayments(context: OrdersContext, id: Uuid): Promise<boolean> {
  const payments = await withTx(context.db, (tx) => paymentsOf(tx, id));
  let isAnswered = true;
  for (const payment of payments) isAnswered = (await inspect(context, payment)) && isAnswered;
  context.changed(id);
  return isAnswered;
}

/** An order that waits for nothing is due because somebody wanted it looked at; afterwards it is not due any more. */
async function lookOnce(context: OrdersContext, order: Order): Promise<void> {
  await askPayments(context, order.id);
  await withTx(context.db, async (tx) => {
    const current = await lock(tx, order.id);
    if (current.state === order.state) store.schedule(tx, current, { nextAt: undefined, tried: 0 });
  });
}

/** The time for correcting the number is over. */
async function giveUpWaiting(context: OrdersContext, id: Uuid): Promise<void> {
  await withTx(context.db, async (tx) => {
    const order = await lock(tx, id);
    if (order.state !== 'refused' || (order.deadlineAt && order.deadlineAt > context.clock.now())) return;
    await giveBack(context, tx, { order, move: 'refund', reason: 'correction.expired', actor: 'system' });
  });
  context.changed(id);
}

export type Worker = {
  /** Something may be due now: looks at once instead of at the next poll. */
  poke(): void;
  /** Ends after what is in hand. */
  stop(): Promise<void>;
};

/**
 * Works until stopped. What is begun is not waited for before more is taken: somebody outside who is slow to answer delays nobody else. It pauses when little
 * was due, until the next poll or until somebody pokes it.
 */
export function startWorker(context: OrdersContext): Worker {
  const inHand = new Set<Promise<void>>();
  let isStopped = false;
  let wake = new AbortController();
  let isPoked = false;
  const take = async (): Promise<number> => {
    if (inHand.size >= limits.ordersInHandMax) return 0;
    const works = await begin(context);
    for (const work of works) {
      inHand.add(work);
      void work.then(() => inHand.delete(work));
    }
    return works.length;
  };
  const run = async (): Promise<void> => {
    while (!isStopped) {
      isPoked = false;
      const taken = await take().catch((error: unknown) => {
        // A database that is away is the doors' news.
        context.onRoundError(error);
        return 0;
      });
      if ((isPoked || taken >= limits.ordersClaimedMax) && inHand.size < limits.ordersInHandMax) continue;
      wake = new AbortController();
      await delay(limits.workerPollMs, undefined, { signal: wake.signal }).catch(() => undefined);
    }
    await Promise.all(inHand);
  };
  const running = run();
  return {
    poke() {
      isPoked = true;
      wake.abort();
    },
    async stop() {
      isStopped = true;
      wake.abort();
      await running;
    },
  };
}
