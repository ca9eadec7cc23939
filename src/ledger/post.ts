import { assert } from '../base/assert.ts';
import type { Uuid } from '../base/ids.ts';
import { Refusal } from '../base/refusal.ts';
import type { Tx } from '../db/index.ts';
import { type AccountId, isFloat, lockRank } from './account.ts';
import type { AccountRow, Delta, ExistingRow, TransferRow } from './store.ts';
import * as store from './store.ts';

/** What a transfer is for; kept on the row, never interpreted by the ledger. */
export type TransferCode =
  | 'topup'
  | 'agent_topup'
  | 'voucher'
  | 'voucher_issue'
  | 'voucher_void'
  | 'voucher_expiry'
  | 'float_fund'
  | 'float_withdraw'
  | 'credit_expiry'
  | 'order_payment'
  | 'order_delivery'
  | 'order_refund'
  | 'order_dispute'
  | 'transfer';

/** One debit, one credit, one positive amount in minor units of the unit both accounts share. */
export type Leg = { readonly debit: AccountId; readonly credit: AccountId; readonly amount: bigint };

/**
 * Legs that are applied together or not at all. `id` is derived from the caller's key and never expires: the same id with the
 * same legs is the same event, with other legs it is refused (`key.reused`).
 */
export type LedgerEvent = {
  readonly id: Uuid;
  readonly code: TransferCode;
  readonly kind: 'posted' | 'pending';
  readonly legs: readonly Leg[];
};

export type Posting = 'posted' | 'replayed';

/** What a list needs to know before it is settled: which ids were posted before, and what the debited accounts have. */
export type Sight = {
  readonly known: ReadonlyMap<Uuid, readonly ExistingRow[]>;
  readonly accounts: ReadonlyMap<AccountId, AccountRow>;
};

/** What became of each event, and the balances of the accounts touched, to be asked for after the commit. */
export type Settled = { readonly answers: readonly (Posting | Refusal)[]; balances(): Promise<Map<AccountId, bigint>> };

/**
 * Posts a list of events. First sees which are repeats, then decides the rest in order against floors, then writes: the
 * transfers in one statement, each account once. Costs two round trips, the second shared with the COMMIT.
 */
export async function post(
  tx: Tx,
  events: readonly LedgerEvent[],
  turn: { careful: boolean; at: Date },
): Promise<(Posting | Refusal)[]> {
  const ids = events.map((event) => event.id);
  const sight = await look(tx, { events: ids, debits: debitedBy(events), credits: creditedBy(events) }, turn.careful);
  return [...settle(tx, { sight, events, at: turn.at }).answers];
}

/**
 * Reads what `settle` decides by. Unlocked at first: keys and floors guard the rare race. `careful` then locks every account that
 * will be written, those credited too: who locked only what it debits would meet the other locks in another order.
 */
export async function look(
  tx: Tx,
  what: { events: readonly Uuid[]; debits: readonly AccountId[]; credits: readonly AccountId[] },
  careful: boolean,
): Promise<Sight> {
  const wanted = new Set(careful ? [...what.debits, ...what.credits] : what.debits);
  // Locks first: what was posted while we waited for them is then seen.
  const [accounts, existing] = await Promise.all([
    readAvailable(tx, [...wanted], careful),
    store.existingTransfers(tx, what.events),
  ]);
  return { known: groupByEvent(existing), accounts };
}

/**
 * Decides a list in order, as if each event came alone, and writes what is accepted, to accounts that exist. Nothing is awaited, so
 * the statements and the COMMIT are one round trip; a lost race (23505, 23514) fails the COMMIT and the list is run again.
 */
export function settle(
  tx: Tx,
  input: { sight: Sight; events: readonly LedgerEvent[]; at: Date; read?: boolean },
): Settled {
  const { sight, events, at } = input;
  const accepted = new Map<Uuid, LedgerEvent>();
  const spent = new Map<AccountId, bigint>();
  const answers = events.map((event): Posting | Refusal => {
    const rows = sight.known.get(event.id);
    if (rows) return sameAsRows(event, rows) ? 'replayed' : new Refusal('key.reused');
    const twin = accepted.get(event.id);
    if (twin) return sameEvent(event, twin) ? 'replayed' : new Refusal('key.reused');
    const refusal = spend(sight.accounts, spent, event);
    if (refusal) return refusal;
    accepted.set(event.id, event);
    return 'posted';
  });
  let rows: Promise<store.Balance[]> = Promise.resolve([]);
  if (accepted.size > 0) {
    // In the order of their ids, so that two lists with the same keys cannot wait for each other.
    const fresh = [...accepted.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    store.insertTransfers(tx, fresh.flatMap(rowsOf), at);
    const deltas = deltasOf(fresh);
    if (input.read === true) rows = store.applyDeltasReturning(tx, deltas);
    else store.applyDeltas(tx, deltas);
  }
  return { answers, balances: async () => new Map((await rows).map((row) => [row.id, row.balance])) };
}

/** The accounts with a floor that the events debit. */
function debitedBy(events: readonly LedgerEvent[]): AccountId[] {
  return events.flatMap((event) => event.legs.flatMap((leg) => (leg.debit > 0n ? [leg.debit] : [])));
}

/** All the other accounts they write, system accounts too. */
function creditedBy(events: readonly LedgerEvent[]): AccountId[] {
  return events.flatMap((event) =>
    event.legs.flatMap((leg) => (leg.debit > 0n ? [leg.credit] : [leg.debit, leg.credit])),
  );
}

/** What accounts have to spend. */
export async function readAvailable(tx: Tx, ids: AccountId[], careful: boolean): Promise<Map<AccountId, AccountRow>> {
  if (ids.length === 0) return new Map();
  const rows = await store.readAccounts(tx, inLockOrder(ids), careful);
  return new Map(rows.map((row) => [row.id, row]));
}

/** Takes what the event debits off what its accounts have left, or says why it cannot be taken. */
function spend(
  accounts: ReadonlyMap<AccountId, AccountRow>,
  spent: Map<AccountId, bigint>,
  event: LedgerEvent,
): Refusal | undefined {
  for (const leg of event.legs) {
    if (leg.debit < 0n) continue;
    const account = accounts.get(leg.debit);
    if (!account) return new Refusal('account.not_found');
    const left = account.available - (spent.get(leg.debit) ?? 0n) - legsTotal(event, leg.debit);
    if (account.floor !== null && left < account.floor)
      return new Refusal(isFloat(leg.debit) ? 'float.too_low' : 'account.too_low');
  }
  for (const leg of event.legs) if (leg.debit > 0n) spent.set(leg.debit, (spent.get(leg.debit) ?? 0n) + leg.amount);
  return undefined;
}

function legsTotal(event: LedgerEvent, debit: AccountId): bigint {
  return event.legs.reduce((sum, leg) => (leg.debit === debit ? sum + leg.amount : sum), 0n);
}

function rowsOf(event: LedgerEvent): TransferRow[] {
  return event.legs.map((leg, index) => {
    assert(leg.amount > 0n && leg.debit !== leg.credit, 'a leg moves a positive amount between two accounts');
    return {
      event: event.id,
      leg: index,
      phase: 0,
      kind: event.kind,
      code: event.code,
      debit: leg.debit,
      credit: leg.credit,
      amount: leg.amount,
    };
  });
}

function deltasOf(events: readonly LedgerEvent[]): Delta[] {
  const sums = new DeltaSums();
  for (const event of events) {
    const pending = event.kind === 'pending';
    for (const leg of event.legs) {
      const debit = sums.of(leg.debit);
      const credit = sums.of(leg.credit);
      if (pending) {
        debit.debitsPending += leg.amount;
        credit.creditsPending += leg.amount;
      } else {
        debit.debits += leg.amount;
        credit.credits += leg.amount;
      }
    }
  }
  return sums.inLockOrder();
}

/** Gathers what a list adds to each account, so that an account is updated once a batch however often it is named. */
export class DeltaSums {
  readonly #sums = new Map<AccountId, Delta>();

  of(account: AccountId): Delta {
    const known = this.#sums.get(account);
    if (known) return known;
    const delta: Delta = { account, debits: 0n, credits: 0n, debitsPending: 0n, creditsPending: 0n };
    this.#sums.set(account, delta);
    return delta;
  }

  inLockOrder(): Delta[] {
    return [...this.#sums.values()].sort((a, b) => compareLockOrder(a.account, b.account));
  }
}

function inLockOrder(ids: AccountId[]): AccountId[] {
  return ids.sort(compareLockOrder);
}

function compareLockOrder(a: AccountId, b: AccountId): number {
  const rank = lockRank(a) - lockRank(b);
  if (rank !== 0) return rank;
  return a < b ? -1 : a > b ? 1 : 0;
}

export function groupByEvent(rows: readonly ExistingRow[]): Map<Uuid, ExistingRow[]> {
  const groups = new Map<Uuid, ExistingRow[]>();
  for (const row of rows) {
    const group = groups.get(row.event);
    if (group) group.push(row);
    else groups.set(row.event, [row]);
  }
  return groups;
}

/** System stripes differ from run to run and are not part of what the caller asked for, so they compare by kind and unit. */
function sameAccount(a: AccountId, b: AccountId): boolean {
  return a > 0n || b > 0n ? a === b : -a >> 16n === -b >> 16n;
}

function sameLegs(a: readonly Leg[], b: readonly Leg[]): boolean {
  return (
    a.length === b.length &&
    a.every((leg, index) => {
      const other = b[index];
      return (
        other !== undefined &&
        leg.amount === other.amount &&
        sameAccount(leg.debit, other.debit) &&
        sameAccount(leg.credit, other.credit)
      );
    })
  );
}

function sameEvent(a: LedgerEvent, b: LedgerEvent): boolean {
  return a.kind === b.kind && a.code === b.code && sameLegs(a.legs, b.legs);
}

function sameAsRows(event: LedgerEvent, rows: readonly ExistingRow[]): boolean {
  const opening = rows.filter((row) => row.phase === 0);
  return opening.every((row) => row.kind === event.kind && row.code === event.code) && sameLegs(event.legs, opening);
}
