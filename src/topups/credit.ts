import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { eventId, referenceOf, type Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { formatAmount } from '../base/money.ts';
import type { Msisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import type { Answer, Tx, Turn } from '../db/index.ts';
import { decide, floatAccount, type LedgerEvent, mainAccount, type PartyId, readAvailable, unitNumber, write } from '../ledger/index.ts';
import * as notices from '../notices/index.ts';
import type { NumberRef, Subscriber, Subscribers } from '../parties/index.ts';
import * as store from './store.ts';

/** A partner credits a number from its float. `key` is the partner's own and never expires. Tenge only, in tiyn. */
export type Credit = {
  readonly partner: PartyId;
  readonly key: string;
  readonly msisdn: Msisdn;
  readonly amountMinor: bigint;
  /** A guess from the prefix, kept with a number seen for the first time. */
  readonly operator: string | undefined;
  readonly channel: 'api';
};

export type Topup = {
  readonly id: Uuid;
  readonly reference: string;
  readonly status: 'delivered';
  readonly amount: string;
  readonly currency: 'KZT';
  readonly createdAt: string;
  /** False when this answer repeats one given before. */
  readonly fresh: boolean;
};

/** Refuses what no balance could change, before anything is queued. */
export function checkAmount(amountMinor: bigint): void {
  if (amountMinor < limits.topupMinorMin) throw new Refusal('amount.too_small', { min: formatAmount(limits.topupMinorMin, 'KZT') });
  if (amountMinor > limits.topupMinorMax) throw new Refusal('amount.too_large', { max: formatAmount(limits.topupMinorMax, 'KZT') });
}

/** The order's id: the same partner and key always name the same order. */
export function orderId(partner: PartyId, key: string): Uuid {
  return eventId('topup', String(partner), key);
}

type Item = Credit & { readonly id: Uuid; readonly number: NumberRef };

/**
 * One batch of credits, one transaction, two round trips: see who is who and what was asked before; then orders, transfers,
 * balances and notices together with the COMMIT.
 */
export function creditBatch(deps: { subscribers: Subscribers; clock: Clock }) {
  return async (tx: Tx, items: readonly Item[], turn: Turn): Promise<() => Answer<Topup>[]> => {
    const [orders, subscribers, floats] = await Promise.all([
      store.findOrders(
        tx,
        items.map((item) => item.id),
      ),
      deps.subscribers.find(tx, [...new Set(items.map((item) => item.number.index))]),
      readAvailable(tx, [...new Set(items.map((item) => floatAccount(item.partner, 'KZT')))], turn.careful),
    ]);
    const known = new Map(orders.map((order) => [order.id, order]));
    const fresh = firstOfEach(items).filter((item) => !known.has(item.id));
    const newcomers = await deps.subscribers.register(
      tx,
      fresh.filter((item) => !subscribers.has(item.number.index)).map((item) => ({ ...item.number, operator: item.operator })),
    );
    const holderOf = (item: Item): Subscriber | undefined => subscribers.get(item.number.index) ?? newcomers.get(item.number.index);
    const verdicts = new Map<Uuid, 'posted' | Refusal>();
    const open = fresh.filter((item) => {
      if (holderOf(item)?.status !== 'closed') return true;
      verdicts.set(item.id, new Refusal('subscriber.closed'));
      return false;
    });
    const events = open.map((item) => eventOf(item, present(holderOf(item), 'a fresh item has a subscriber').id));
    const decided = decide(floats, events);
    const at = deps.clock.now();
    const rows: Omit<store.OrderRow, 'state' | 'created_at'>[] = [];
    open.forEach((item, index) => {
      const verdict = present(decided[index], 'each event is decided');
      verdicts.set(item.id, verdict);
      if (verdict instanceof Refusal) return;
      const subscriber = present(holderOf(item), 'a fresh item has a subscriber').id;
      rows.push({ id: item.id, partner: item.partner, subscriber, unit: unitNumber('KZT'), amount: item.amountMinor, channel: item.channel });
    });
    if (rows.length > 0) {
      store.insertOrders(tx, rows, at);
      notices.owe(
        tx,
        rows.map((row) => ({ subscriber: row.subscriber, event: row.id, kind: 'topup_credited' })),
      );
      write(
        tx,
        events.filter((_, index) => decided[index] === 'posted'),
      );
    }
    const inserted = new Map(rows.map((row) => [row.id, { ...row, state: 'delivered' as const, created_at: at }]));
    const answered = new Set<Uuid>();
    return () =>
      items.map((item) => {
        const verdict = verdicts.get(item.id);
        if (verdict instanceof Refusal) return verdict;
        const order = present(known.get(item.id) ?? inserted.get(item.id), 'an accepted item has an order');
        if (order.subscriber !== holderOf(item)?.id || order.amount !== item.amountMinor) return new Refusal('key.reused');
        const first = inserted.has(item.id) && !answered.has(item.id);
        answered.add(item.id);
        return topupOf(order, first);
      });
  };
}

/** Repeats inside one batch ask once. */
function firstOfEach(items: readonly Item[]): Item[] {
  const seen = new Map<Uuid, Item>();
  for (const item of items) if (!seen.has(item.id)) seen.set(item.id, item);
  return [...seen.values()];
}

function eventOf(item: Item, subscriber: PartyId): LedgerEvent {
  const leg = { debit: floatAccount(item.partner, 'KZT'), credit: mainAccount(subscriber, 'KZT'), amount: item.amountMinor };
  return { id: item.id, code: 'topup', kind: 'posted', legs: [leg] };
}

export function topupOf(order: store.OrderRow, fresh: boolean): Topup {
  return {
    id: order.id,
    reference: referenceOf(order.id),
    status: order.state,
    amount: formatAmount(order.amount, 'KZT'),
    currency: 'KZT',
    createdAt: order.created_at.toISOString(),
    fresh,
  };
}
