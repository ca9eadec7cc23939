import { eventId } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Unit } from '../base/money.ts';
import type { Tx } from '../db/index.ts';
import {
  type AccountId,
  accountsOf,
  bucketAccount,
  mainAccount,
  type PartyId,
  systemAccount,
  unitOf,
} from './account.ts';
import { settle } from './post.ts';
import * as store from './store.ts';

/** A credit that ends. Each opens a bucket of its own (rule `new`), so that what ends first can be spent first. */
export type NewBucket = { readonly party: PartyId; readonly unit: Unit; readonly expiresAt: Date };

/**
 * Accounts for credits that end, one each, in order. Slots are counted from what the party has; two processes that choose the
 * same slot meet on the bucket's primary key and the loser runs again.
 */
export async function openBuckets(tx: Tx, wanted: readonly NewBucket[]): Promise<AccountId[]> {
  if (wanted.length === 0) return [];
  const parties = [...new Set(wanted.map((one) => one.party))];
  const used = await store.lastSlots(
    tx,
    parties.map((party) => accountsOf(party)),
  );
  const slots = new Map(used.map((row) => [row.main, row.slot]));
  const accounts = wanted.map((one) => {
    const main = mainAccount(one.party, one.unit);
    const slot = (slots.get(main) ?? 0) + 1;
    slots.set(main, slot);
    return bucketAccount(one, slot);
  });
  store.openAccounts(
    tx,
    accounts.map((id) => ({ id, kind: 'subscriber', floor: 0n })),
  );
  store.insertBuckets(
    tx,
    accounts.map((account, index) => ({ account, expiresAt: wanted[index]?.expiresAt ?? new Date(0) })),
  );
  return accounts;
}

/**
 * Ends buckets whose time has come: what is left in them moves to the system account of expired credit, once, under an id of the
 * bucket's own. A bucket with an open hold waits until the hold has ended. Answers how many ended; fewer than the limit
 * means that none is left.
 */
export async function endBuckets(tx: Tx, at: Date): Promise<number> {
  const due = await store.lockDueBuckets(tx, at, limits.bucketsEndedMax);
  const events = due.flatMap(({ id, balance }) => {
    const leg = { debit: id, credit: systemAccount('expired_credit', unitOf(id), 0), amount: balance };
    return balance === 0n
      ? []
      : [
          {
            id: eventId('credit_expiry', String(id)),
            code: 'credit_expiry' as const,
            kind: 'posted' as const,
            legs: [leg],
          },
        ];
  });
  const accounts = new Map(
    due.map(({ id, balance }) => [id, { id, kind: 'subscriber', floor: 0n, available: balance }]),
  );
  settle(tx, { sight: { known: new Map(), accounts }, events, at });
  store.closeBuckets(
    tx,
    due.map((bucket) => bucket.id),
    at,
  );
  return due.length;
}
