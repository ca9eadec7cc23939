import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { eventId, referenceOf, type Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { formatAmount } from '../base/money.ts';
import type { Msisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import type { Answer, Db, Turn, Tx } from '../db/index.ts';
import {
  floatAccount,
  type LedgerEvent,
  type Leg,
  look,
  mainAccount,
  type PartyId,
  partyOf,
  readTransfers,
  settle,
} from '../ledger/index.ts';
import * as notices from '../notices/index.ts';
import type { Holder, NumberRef, Subscribers } from '../parties/index.ts';

/** A partner credits a number from its float. `key` is the partner's own and never expires. Tenge only, in tiyn. */
export type Credit = {
  readonly partner: PartyId;
  readonly key: string;
  readonly msisdn: Msisdn;
  readonly amountMinor: bigint;
  /** A guess from the prefix, kept with a number seen for the first time. */
  readonly operator: string | undefined;
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
  if (amountMinor < limits.topupMinorMin)
    throw new Refusal('amount.too_small', { min: formatAmount(limits.topupMinorMin, 'KZT') });
  if (amountMinor > limits.topupMinorMax)
    throw new Refusal('amount.too_large', { max: formatAmount(limits.topupMinorMax, 'KZT') });
}

/** The order's id: the same partner and key always name the same order. */
export function orderId(partner: PartyId, key: string): Uuid {
  return eventId('topup', String(partner), key);
}

type Item = Credit & { readonly id: Uuid; readonly number: NumberRef };

/**
 * One batch of credits, one transaction, two round trips: see who is who and what was asked before; then transfers, balances
 * and notices together with the COMMIT. The transfer is the receipt: its event is the order's id, its accounts say who paid and who was
 * credited, its time is when.
 */
export function creditBatch(deps: { subscribers: Subscribers; clock: Clock }) {
  return async (tx: Tx, items: readonly Item[], turn: Turn): Promise<() => Answer<Topup>[]> => {
    const at = deps.clock.now();
    const events = items.map((item) => item.id);
    const debits = items.map((item) => floatAccount(item.partner, 'KZT'));
    const [seen, known] = await Promise.all([
      look(tx, { events, debits: turn.careful ? [] : debits, credits: [] }, false),
      deps.subscribers.find(tx, [...new Set(items.map((item) => item.number.index))]),
    ]);
    // A repeat opens nobody: its number is compared with the one first asked for.
    const newcomers = items.filter((item) => !known.has(item.number.index) && !seen.known.has(item.id));
    const opened = await deps.subscribers.register(
      tx,
      newcomers.map((item) => ({ ...item.number, operator: item.operator })),
    );
    const holders = items.map((item) => known.get(item.number.index) ?? opened.get(item.number.index));
    const credits = holders.flatMap((holder) => (holder ? [mainAccount(holder.id, 'KZT')] : []));
    // After the newcomers: floats are locked last, whether they are only written or, in a careful turn, read under lock.
    const sight = turn.careful ? await look(tx, { events, debits, credits }, true) : seen;
    const refused = holders.map((holder, index) => refusalOf(holder, sight.known.has(items[index]?.id as Uuid)));
    const asked = items.flatMap((item, index) =>
      refused[index] ? [] : [{ item, event: eventOf(item, present(holders[index], 'checked above').id) }],
    );
    const { answers } = settle(tx, { sight, events: asked.map(({ event }) => event), at });
    notices.owe(
      tx,
      asked.flatMap(({ event }, index) =>
        answers[index] === 'posted'
          ? [{ subscriber: partyOf(event.legs[0].credit), event: event.id, kind: 'topup_credited' }]
          : [],
      ),
    );
    const now = at.toISOString();
    let next = 0;
    return () =>
      items.map((item, index) => {
        const answer = refused[index] ?? present(answers[next++], 'each event asked is answered');
        if (answer instanceof Refusal) return answer;
        const createdAt = sight.known.get(item.id)?.[0]?.recorded_at.toISOString() ?? now;
        return topupOf({ id: item.id, amountMinor: item.amountMinor, createdAt }, answer === 'posted');
      });
  };
}

/** A key used before for a number that is not known now is another body; a closed number takes no new credit, but its old answers stand. */
function refusalOf(holder: Holder | undefined, repeated: boolean): Refusal | undefined {
  if (!holder) return new Refusal('key.reused');
  return holder.status === 'closed' && !repeated ? new Refusal('subscriber.closed') : undefined;
}

function eventOf(item: Item, subscriber: PartyId): LedgerEvent & { readonly legs: readonly [Leg] } {
  const leg = {
    debit: floatAccount(item.partner, 'KZT'),
    credit: mainAccount(subscriber, 'KZT'),
    amount: item.amountMinor,
  };
  return { id: item.id, code: 'topup', kind: 'posted', legs: [leg] };
}

export function topupOf(order: { id: Uuid; amountMinor: bigint; createdAt: string }, fresh: boolean): Topup {
  return {
    id: order.id,
    reference: referenceOf(order.id),
    status: 'delivered',
    amount: formatAmount(order.amountMinor, 'KZT'),
    currency: 'KZT',
    createdAt: order.createdAt,
    fresh,
  };
}

/** The top-up of this id, if it is this partner's; another partner's does not exist for it. */
export async function findTopup(db: Db, partner: PartyId, id: Uuid): Promise<Topup> {
  const [transfer] = await readTransfers(db, id);
  if (transfer?.code !== 'topup' || partyOf(transfer.debit) !== partner) throw new Refusal('topup.not_found');
  return topupOf({ id, amountMinor: transfer.amount, createdAt: transfer.recorded_at.toISOString() }, false);
}
