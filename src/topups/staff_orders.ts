import * as audit from '../audit/index.ts';
import { idsOfReference, parseUuid, type Uuid } from '../base/ids.ts';
import { formatAmount } from '../base/money.ts';
import { parseMsisdn } from '../base/msisdn.ts';
import { orRefusal, Refusal } from '../base/refusal.ts';
import { type Tx, withTx } from '../db/index.ts';
import {
  type Attempt,
  attemptsOf,
  type DeliveryRefusal,
  find as findAttempts,
  type RouteStatus,
} from '../delivery/index.ts';
import { paymentsOf, refundsOf } from '../payments/index.ts';
import type { Order, OrderState } from './order.ts';
import { after, lock, type OrdersContext } from './order_context.ts';
import * as store from './order_store.ts';
import { type OrderFile, readOrderFile } from './order_view.ts';
import { giveBack, owe } from './refund.ts';
import { enquire, settle } from './send.ts';
import { askPayments } from './worker.ts';

/** Who does something, and why. Both are kept in the audit trail. */
export type Acting = { readonly actor: string; readonly reason: string };

const FOUND_MAX = 50;

export type StaffOrders = ReturnType<typeof createStaffOrders>;

/** What staff do with orders. Each verb checks the state it needs, leaves its trace, and can be repeated without doing harm. */
export function createStaffOrders(context: OrdersContext) {
  return {
    /** By reference, id, or number; with a state alone, the newest in it. Newest first. */
    find: (search: { text?: string; state?: OrderState }): Promise<Order[]> => findOrders(context, search),
    show: (id: Uuid): Promise<OrderFile> => readOrderFile(context, id),
    /** Routes as this process has met them. */
    routes: (): readonly RouteStatus[] => context.delivery.status(),
    /** Asks providers and operator now, instead of when it is due. */
    async requery(id: Uuid, acting: Acting): Promise<void> {
      await noted(context, id, { action: 'order.requery', acting });
      const claimed = await claim(context, id);
      if (claimed) await enquire(context, claimed, acting.actor);
      await askPayments(context, id);
      context.changed(id);
    },
    retry: (id: Uuid, acting: Acting): Promise<void> =>
      change(context, id, {
        action: 'order.retry',
        acting,
        async work(tx, order) {
          if (order.state !== 'refused') throw new Refusal('order.wrong_state');
          const at = context.clock.now();
          const deadlineAt = after(at, context.patience.unsentMs);
          store.moveOrder(tx, { order, move: 'retry', at, ...acting, nextAt: at, deadlineAt });
        },
      }),
    /**
     * Gives money back: all that is left, or of a delivered order a part. What is with the operator is not given back before it is known what became of
     * it.
     */
    refund: (id: Uuid, acting: Acting & { amountMinor?: bigint | undefined }): Promise<void> =>
      change(context, id, {
        action: 'order.refund',
        acting,
        work: (tx, order) => refundByStaff(context, tx, { order, acting }),
      }),
    /** What staff have learned from the operator by other means than asking: it settles the order like the operator's own word. */
    decide: (id: Uuid, acting: Acting & { outcome: Decision }): Promise<void> => decide(context, id, acting),
    /** A case that holds no money of ours: nothing was taken in, and staff have dealt with what was. */
    close: (id: Uuid, acting: Acting): Promise<void> =>
      change(context, id, {
        action: 'order.close',
        acting,
        async work(tx, order) {
          if (order.state !== 'case' || order.paidBy !== undefined) throw new Refusal('order.wrong_state');
          store.moveOrder(tx, { order, move: 'close', at: context.clock.now(), ...acting });
        },
      }),
  };
}

export type Decision =
  | { readonly kind: 'delivered'; readonly operatorReference: string }
  | { readonly kind: 'refused'; readonly reason: DeliveryRefusal };

async function findOrders(
  { db, subscribers }: OrdersContext,
  { text, state }: { text?: string; state?: OrderState },
): Promise<Order[]> {
  if (text === undefined) return store.findOrders(db, { state, limit: FOUND_MAX });
  const id = parseUuid(text);
  const ids = id ? { from: id, to: id } : idsOfReference(text);
  if (ids) return store.findOrders(db, { ids, state, limit: FOUND_MAX });
  const msisdn = orRefusal(() => parseMsisdn(text));
  const subscriber = msisdn instanceof Refusal ? undefined : await subscribers.read(msisdn);
  return subscriber ? store.findOrders(db, { subscriber: subscriber.id, state, limit: FOUND_MAX }) : [];
}

type Noted = { readonly action: string; readonly acting: Acting };

function note(tx: Tx, id: Uuid, { action, acting }: Noted): void {
  const details = { reason: audit.parseReason(acting.reason) };
  audit.record(tx, { actor: acting.actor, action, subject: `order:${id}`, details });
}

async function noted(context: OrdersContext, id: Uuid, what: Noted): Promise<Order> {
  return withTx(context.db, async (tx) => {
    const order = await lock(tx, id);
    note(tx, id, what);
    return order;
  });
}

/** Whoever asks an operator has the order to themselves meanwhile. Undefined where there is nothing to ask. */
async function claim({ db, clock, patience }: OrdersContext, id: Uuid): Promise<Order | undefined> {
  return withTx(db, async (tx) => {
    const order = await lock(tx, id);
    if (order.state !== 'sending' && order.state !== 'unknown' && order.state !== 'case') return undefined;
    const nextAt = after(clock.now(), patience.claimMs);
    store.schedule(tx, order, { nextAt, tried: 0 });
    return { ...order, nextAt };
  });
}

async function change(
  context: OrdersContext,
  id: Uuid,
  what: Noted & { work: (tx: Tx, order: Order) => Promise<void> },
): Promise<void> {
  await withTx(context.db, async (tx) => {
    const order = await lock(tx, id);
    await what.work(tx, order);
    note(tx, id, what);
  });
  context.changed(id);
}

async function refundByStaff(
  context: OrdersContext,
  tx: Tx,
  { order, acting }: { order: Order; acting: Acting & { amountMinor?: bigint | undefined } },
): Promise<void> {
  const { actor, reason, amountMinor } = acting;
  switch (order.state) {
    case 'paid':
      return giveBack(context, tx, { order, move: 'cancel', reason, actor });
    case 'refused':
      return giveBack(context, tx, { order, move: 'refund', reason, actor });
    case 'case':
      // The provider has refused to give it back before; what is still with the operator has an open attempt.
      if (!isWithOperator(await attemptsOf(tx, order.id)))
        return giveBack(context, tx, { order, move: 'refund', reason, actor });
      throw new Refusal('order.wrong_state');
    case 'delivered': {
      const payment = (await paymentsOf(tx, order.id)).find(({ no }) => no === order.paidBy);
      if (!payment) throw new Refusal('order.wrong_state');
      const given = (await refundsOf(tx, order.id)).filter(
        (one) => one.payment === payment.no && one.state !== 'failed',
      );
      const left = payment.amountMinor - given.reduce((sum, one) => sum + one.amountMinor, 0n);
      const wanted = amountMinor ?? left;
      if (wanted <= 0n || wanted > left)
        throw new Refusal('refund.too_large', { max: `${formatAmount(left, payment.currency)} ${payment.currency}` });
      return owe(context, tx, { order, payment, amountMinor: wanted, reason, actor });
    }
    default:
      throw new Refusal('order.wrong_state');
  }
}

function isWithOperator(attempts: readonly Attempt[]): boolean {
  return attempts.some(({ state }) => state === 'sending' || state === 'unknown');
}

async function decide(context: OrdersContext, id: Uuid, acting: Acting & { outcome: Decision }): Promise<void> {
  const order = await noted(context, id, { action: `order.decide_${acting.outcome.kind}`, acting });
  if (order.state !== 'case' && order.state !== 'unknown') throw new Refusal('order.wrong_state');
  if (!isWithOperator(await findAttempts(context.db, id))) throw new Refusal('order.wrong_state');
  const outcome = acting.outcome.kind === 'refused' ? { ...acting.outcome, detail: 'told by staff' } : acting.outcome;
  await settle(context, id, { attempt: order.deliveries, outcome, actor: acting.actor, reason: acting.reason });
}
