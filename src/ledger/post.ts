import { assert } from '../base/assert.ts';
import type { Uuid } from '../base/ids.ts';
import { Refusal } from '../base/refusal.ts';
import type { Tx } from '../db/index.ts';
import { type AccountId, isFloat, lockRank, unitOf } from './account.ts';
import type { AccountRow, Delta, ExistingRow, TransferRow } from './store.ts';
import * as store from './store.ts';

/** What a transfer is for; kept on the row, never interpreted by the ledger. */
export type TransferCode =
  | 'topup'
  | 'voucher'
  | 'voucher_issue'
  | 'voucher_void'
  | 'voucher_expiry'
  | 'float_fund'
  | 'float_withdraw'
  | 'credit_expiry'
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
  const sight = await look(tx, { events: ids, debits: debitedBy(events) }, turn.careful);
  return [...settle(tx, { sight, events, at: turn.at }).answers];
}

/** Reads what `settle` decides by. Unlocked at first: keys and floors guard the rare race, and `careful` then locks. */
export async function look(
  tx: Tx,
  what: { events: readonly Uuid[]; debits: readonly AccountId[] },
  careful: boolean,
): Promise<Sight> {
  const [existing, accounts] = await Promise.all([
    store.existingTransfers(tx, what.events),
    readAvailable(tx, [...new Set(what.debits)], careful),
  ]);
  return { known: groupByEvent(existing), accounts };
}

/**
 * Decides a list and writes what is accepted, to accounts that exist. Nothing is awaited, so the statements and the COMMIT are one
 * round trip; a lost race (23505, 23514) fails the COMMIT and the list is run again.
 */
export function settle(
  tx: Tx,
  input: { sight: Sight; events: readonly LedgerEvent[]; at: Date; read?: boolean },
): Settled {
  const { sight, events, at } = input;
  const seen = new Map<Uuid, LedgerEvent>();
  const fresh: LedgerEvent[] = [];
  const answers: (Posting | Refusal | undefined)[] = events.map((event) => {
    const rows = sight.known.get(event.id);
    if (rows) return sameAsRows(event, rows) ? 'replayed' : new Refusal('key.reused');
    const twin = seen.get(event.id);
    if (twin)
      return sameLegs(event.legs, twin.legs) && event.code === twin.code ? 'replayed' : new Refusal('key.reused');
    seen.set(event.id, event);
    fresh.push(event);
    return undefined;
  });
  const decided = decide(sight.accounts, fresh);
  const verdicts = new Map(fresh.map((event, index) => [event.id, decided[index]]));
  const accepted = fresh.filter((_, index) => decided[index] === 'posted');
  let rows: Promise<store.Balance[]> = Promise.resolve([]);
  if (accepted.length > 0) {
    store.insertTransfers(tx, accepted.flatMap(rowsOf), at);
    const deltas = deltasOf(accepted);
    if (input.read === true) rows = store.applyDeltasReturning(tx, deltas);
    else store.applyDeltas(tx, deltas);
  }
  return {
    // A twin inside the list shares the fate of the first: a repeat of what was refused is refused.
    answers: answers.map((answer, index) => answerOf(answer, verdicts.get(events[index]?.id as Uuid))),
    balances: async () => new Map((await rows).map((row) => [row.id, row.balance])),
  };
}

function answerOf(answer: Posting | Refusal | undefined, verdict: Posting | Refusal | undefined): Posting | Refusal {
  if (answer instanceof Refusal || verdict === undefined) return answer ?? new Refusal('system.error');
  return verdict instanceof Refusal ? verdict : (answer ?? verdict);
}

/** The accounts with a floor that the events debit. */
function debitedBy(events: readonly LedgerEvent[]): AccountId[] {
  const ids = new Set<AccountId>();
  for (const event of events) for (const leg of event.legs) if (leg.debit > 0n) ids.add(leg.debit);
  return [...ids];
}

/** What accounts have to spend. */
export async function readAvailable(tx: Tx, ids: AccountId[], careful: boolean): Promise<Map<AccountId, AccountRow>> {
  if (ids.length === 0) return new Map();
  const rows = await store.readAccounts(tx, inLockOrder(ids), careful);
  return new Map(rows.map((row) => [row.id, row]));
}

/** Accepts or refuses each event in turn, by a running sum over the accounts it debits. Pure; `accounts` is not changed. */
function decide(accounts: ReadonlyMap<AccountId, AccountRow>, events: readonly LedgerEvent[]): ('posted' | Refusal)[] {
  const spent = new Map<AccountId, bigint>();
  return events.map((event) => {
    for (const leg of event.legs) {
      if (leg.debit < 0n) continue;
      const account = accounts.get(leg.debit);
      if (!account) return new Refusal('account.not_found');
      const wanted = legsTotal(event, leg.debit);
      const left = account.available - (spent.get(leg.debit) ?? 0n) - wanted;
      if (account.floor !== null && left < account.floor)
        return new Refusal(isFloat(leg.debit) ? 'float.too_low' : 'account.too_low');
    }
    for (const leg of event.legs) if (leg.debit > 0n) spent.set(leg.debit, (spent.get(leg.debit) ?? 0n) + leg.amount);
    return 'posted';
  });
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

function groupByEvent(rows: readonly ExistingRow[]): Map<Uuid, ExistingRow[]> {
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

function sameAsRows(event: LedgerEvent, rows: readonly ExistingRow[]): boolean {
  const opening = rows.filter((row) => row.phase === 0);
  return opening.every((row) => row.kind === event.kind && row.code === event.code) && sameLegs(event.legs, opening);
}

/** For callers that build legs: both sides of a leg count the same thing. The database checks it again. */
export function assertOneUnit(leg: Leg): void {
  assert(unitOf(leg.debit) === unitOf(leg.credit), 'a transfer stays in one unit');
}
