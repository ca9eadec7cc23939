import { createHash } from 'node:crypto';
import { Refusal } from '../base/refusal.ts';
import { withTx } from '../db/index.ts';
import { findByReference } from '../delivery/index.ts';
import {
  type DisputeFacts,
  findPayment,
  insertEvent,
  type Notification,
  type Payment,
  type ProviderId,
  upsertDispute,
} from '../payments/index.ts';
import { lock, type OrdersContext, postEvents, providerOf } from './order_context.ts';
import { disputeEvents } from './order_ledger.ts';
import * as store from './order_store.ts';
import { hint, type Observed, observe } from './paid.ts';

/** What a provider has sent to our address, as it came. */
export type Delivered = {
  readonly provider: ProviderId;
  readonly body: Buffer;
  /** With lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
};

/**
 * Takes in a provider's notification: checked, recorded once, and applied in the transaction that records it. A repeat changes nothing. What is refused (forged,
 * stale, or at odds with the order it names) is recorded and alarmed, and answered as refused.
 */
export async function notify(context: OrdersContext, delivered: Delivered): Promise<void> {
  const notification = await readChecked(context, delivered);
  const about = await findAbout(context, delivered.provider, notification);
  const observed = await withTx(context.db, async (tx) => {
    const at = context.clock.now();
    const seen: Observed = await takeIn(tx);
    const { eventId, kind } = notification;
    const outcome = seen.kind === 'mismatch' ? 'webhook.mismatch' : seen.kind === 'applied' ? 'applied' : 'ignored';
    const details = seen.detail === undefined ? {} : { detail: seen.detail };
    const isNew = await insertEvent(tx, {
      provider: delivered.provider,
      eventId,
      kind,
      orderId: seen.orderId,
      outcome,
      at,
      details,
    });
    return { ...seen, isNew };
  });
  if (observed.orderId) context.changed(observed.orderId);
  if (observed.isNew && observed.kind === 'applied' && notification.about === 'dispute')
    alarm(context, delivered.provider, { kind: `dispute.${notification.facts.state}`, observed });
  if (observed.kind !== 'mismatch') return;
  if (observed.isNew) alarm(context, delivered.provider, { kind: 'webhook.mismatch', observed });
  throw new Refusal('webhook.mismatch');

  async function takeIn(tx: Parameters<typeof observe>[1]): Promise<Observed> {
    switch (notification.about) {
      case 'payment':
        return observe(context, tx, {
          provider: delivered.provider,
          facts: notification.facts,
          source: 'notification',
        });
      case 'hint':
        return takeHint(context, tx, about);
      case 'dispute':
        return dispute(context, tx, { provider: delivered.provider, facts: notification.facts, payment: about });
      case 'nothing':
        return { kind: 'nothing_new', orderId: undefined };
    }
  }
}

async function readChecked(context: OrdersContext, { provider, body, headers }: Delivered): Promise<Notification> {
  try {
    return await providerOf(context, provider).readNotification(body, headers);
  } catch (error) {
    if (error instanceof Refusal) await recordRefused(context, { provider, body, headers }, error);
    throw error;
  }
}

/** Named by its content, since nothing else about it can be believed: the same forgery again is no new row and no new alarm. */
async function recordRefused(context: OrdersContext, { provider, body }: Delivered, { code }: Refusal): Promise<void> {
  // Anybody can send forgeries, so only so many a minute cost a row.
  if (!context.refused.take(context.clock.now())) return;
  const eventId = `refused:${createHash('sha256').update(code).update(body).digest('hex')}`;
  const at = context.clock.now();
  const isNew = await withTx(context.db, (tx) =>
    insertEvent(tx, { provider, eventId, kind: 'refused', orderId: undefined, outcome: code, at }),
  );
  if (isNew) context.onAlarm({ kind: code, provider });
}

async function findAbout(
  { db }: OrdersContext,
  provider: ProviderId,
  notification: Notification,
): Promise<Payment | undefined> {
  switch (notification.about) {
    case 'hint':
      return findPayment(db, provider, notification);
    case 'dispute':
      return findPayment(db, provider, { externalId: undefined, captureId: notification.facts.captureId });
    case 'payment':
    case 'nothing':
      return undefined;
  }
}

type Tx = Parameters<typeof observe>[1];

async function takeHint(context: OrdersContext, tx: Tx, payment: Payment | undefined): Promise<Observed> {
  if (!payment) return { kind: 'nothing_new', orderId: undefined, detail: 'not a payment of ours' };
  const order = await lock(tx, payment.orderId);
  hint(tx, { order, payment }, context.clock.now());
  return { kind: 'applied', orderId: order.id };
}

/** An operator's unsigned word that something has happened to a delivery: a reason to ask now, and nothing more. */
export async function deliveryHint(context: OrdersContext, reference: string): Promise<void> {
  const attempt = await findByReference(context.db, reference);
  if (!attempt) return;
  await withTx(context.db, async (tx) => {
    const order = await lock(tx, attempt.orderId);
    if (order.state === 'unknown') store.schedule(tx, order, { nextAt: context.clock.now(), tried: 0 });
  });
  context.changed(attempt.orderId);
}

async function dispute(
  context: OrdersContext,
  tx: Tx,
  { provider, facts, payment }: { provider: ProviderId; facts: DisputeFacts; payment: Payment | undefined },
): Promise<Observed> {
  if (!payment) return { kind: 'mismatch', orderId: undefined, detail: 'a dispute about no payment of ours' };
  const order = await lock(tx, payment.orderId);
  const { currency, amountMinor } = facts.money;
  // A bank takes back what was taken, or a part of it.
  if (currency !== payment.currency || amountMinor > payment.capturedMinor)
    return { kind: 'mismatch', orderId: order.id, detail: `a dispute over ${amountMinor} ${currency}` };
  const at = context.clock.now();
  const money = await upsertDispute(tx, { provider, facts, orderId: order.id, payment: payment.no, at });
  await postEvents(tx, disputeEvents(provider, { facts: { ...facts, money }, orderId: order.id }), at);
  return { kind: 'applied', orderId: order.id };
}

function alarm(
  context: OrdersContext,
  provider: ProviderId,
  { kind, observed }: { kind: string; observed: Observed },
): void {
  const { orderId, detail } = observed;
  context.onAlarm({
    kind,
    provider,
    ...(orderId === undefined ? {} : { orderId }),
    ...(detail === undefined ? {} : { detail }),
  });
}
