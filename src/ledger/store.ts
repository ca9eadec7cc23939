import type { Uuid } from '../base/ids.ts';
import { type Db, pgArray, read, type Statement, type Tx } from '../db/index.ts';
import type { AccountId } from './account.ts';

/** One row to insert. `phase` 1 ends the hold of the same event and leg. */
export type TransferRow = {
  readonly event: Uuid;
  readonly leg: number;
  readonly phase: 0 | 1;
  readonly kind: 'posted' | 'pending' | 'captured' | 'released';
  readonly code: string;
  readonly debit: AccountId;
  readonly credit: AccountId;
  readonly amount: bigint;
};

export type AccountRow = { id: AccountId; kind: string; floor: bigint | null; available: bigint };

/** Counters to add to one account, in minor units; negative only for the pending pair, when a hold ends. */
export type Delta = {
  account: AccountId;
  debits: bigint;
  credits: bigint;
  debitsPending: bigint;
  creditsPending: bigint;
};

export type Balance = { id: AccountId; balance: bigint };

const insertTransfersStatement: Statement = {
  name: 'ledger_insert_transfers',
  text: `insert into transfer (event, leg, phase, kind, code, debit, credit, amount, unit, effective_at, recorded_at)
    select event, leg, phase, kind, code, debit, credit, amount, unit_of_account(debit), $9, $9
    from unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])
      as row (event, leg, phase, kind, code, debit, credit, amount)`,
};

/** A key already taken fails the whole batch: it is then run again and finds the first answer. */
export function insertTransfers(tx: Tx, rows: readonly TransferRow[], at: Date): void {
  tx.send(insertTransfersStatement, [
    pgArray(rows.map((row) => row.event)),
    pgArray(rows.map((row) => row.leg)),
    pgArray(rows.map((row) => row.phase)),
    pgArray(rows.map((row) => row.kind)),
    pgArray(rows.map((row) => row.code)),
    pgArray(rows.map((row) => row.debit)),
    pgArray(rows.map((row) => row.credit)),
    pgArray(rows.map((row) => row.amount)),
    at,
  ]);
}

// The count makes a posting to an account that is not there fail, instead of losing the amount.
const applyText = (returning: string): string => `with applied as (
    update account set
      debits_posted = account.debits_posted + delta.debits,
      credits_posted = account.credits_posted + delta.credits,
      debits_pending = account.debits_pending + delta.debits_pending,
      credits_pending = account.credits_pending + delta.credits_pending
    from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
      as delta (id, debits, credits, debits_pending, credits_pending)
    where account.id = delta.id
    returning account.id, account.credits_posted - account.debits_posted - account.debits_pending as balance
  ) select ${returning} where expect_rows((select count(*) from applied), $6)`;

const applyStatement: Statement = { name: 'ledger_apply', text: applyText('') };
const applyReturningStatement: Statement = {
  name: 'ledger_apply_returning',
  text: applyText('id, balance from applied'),
};

/**
 * Adds to accounts, each once, locked in the order given (lanes pin a nested loop, see db/lanes). The floor is a CHECK: below it
 * the batch fails and is decided again under lock.
 */
export function applyDeltas(tx: Tx, deltas: readonly Delta[]): void {
  tx.send(applyStatement, deltaColumns(deltas));
}

/** The same, answering each account's balance afterwards. */
export function applyDeltasReturning(tx: Tx, deltas: readonly Delta[]): Promise<Balance[]> {
  return tx.rows<Balance>(applyReturningStatement, deltaColumns(deltas));
}

function deltaColumns(deltas: readonly Delta[]): unknown[] {
  return [
    pgArray(deltas.map((delta) => delta.account)),
    pgArray(deltas.map((delta) => delta.debits)),
    pgArray(deltas.map((delta) => delta.credits)),
    pgArray(deltas.map((delta) => delta.debitsPending)),
    pgArray(deltas.map((delta) => delta.creditsPending)),
    deltas.length,
  ];
}

const openStatement: Statement = {
  name: 'ledger_open',
  text: `insert into account (id, kind, floor) select id, kind, floor from unnest($1::bigint[], $2::text[], $3::bigint[]) as row (id, kind, floor)
    on conflict (id) do nothing`,
};

export function openAccounts(
  tx: Tx,
  accounts: readonly { id: AccountId; kind: 'subscriber' | 'partner_float'; floor: bigint }[],
): void {
  tx.send(openStatement, [
    pgArray(accounts.map((account) => account.id)),
    pgArray(accounts.map((account) => account.kind)),
    pgArray(accounts.map((account) => account.floor)),
  ]);
}

const accountColumns = 'id, kind, floor, credits_posted - debits_posted - debits_pending as available';

const readAccountsStatement: Statement = {
  name: 'ledger_read_accounts',
  text: `select ${accountColumns} from account where id = any($1::bigint[])`,
};

const lockAccountsStatement: Statement = {
  name: 'ledger_lock_accounts',
  // One order for everybody, so that two batches over the same accounts cannot wait for each other.
  text: `select ${accountColumns} from unnest($1::bigint[]) with ordinality as wanted (id, nth)
    join account using (id) order by nth for no key update of account`,
};

export function readAccounts(tx: Tx, ids: readonly AccountId[], lock: boolean): Promise<AccountRow[]> {
  return tx.rows<AccountRow>(lock ? lockAccountsStatement : readAccountsStatement, [pgArray(ids)]);
}

const existingStatement: Statement = {
  name: 'ledger_existing',
  text: `select event, leg, phase, kind, code, debit, credit, amount, recorded_at from transfer where event = any($1::uuid[]) order by event, leg, phase`,
};

export type ExistingRow = TransferRow & { readonly recorded_at: Date; [column: string]: unknown };

export function existingTransfers(tx: Tx, events: readonly Uuid[]): Promise<ExistingRow[]> {
  return tx.rows<ExistingRow>(existingStatement, [pgArray(events)]);
}

const lastSlotsStatement: Statement = {
  name: 'ledger_last_slots',
  // Clearing the low 16 bits of an account id gives the main account of the same party and unit; 65535 is the float.
  text: `select (account.id >> 16) << 16 as main, max(account.id & 65535)::int as slot
    from unnest($1::bigint[], $2::bigint[]) as party (low, high) join account on account.id between party.low and party.high
    where account.id & 65535 <> 65535 group by 1`,
};

/** The highest bucket slot in use for each main account of these parties. */
export function lastSlots(
  tx: Tx,
  ranges: readonly { from: AccountId; to: AccountId }[],
): Promise<{ main: AccountId; slot: number }[]> {
  return tx.rows(lastSlotsStatement, [
    pgArray(ranges.map((range) => range.from)),
    pgArray(ranges.map((range) => range.to)),
  ]);
}

const insertBucketsStatement: Statement = {
  name: 'ledger_insert_buckets',
  text: `insert into bucket (account, expires_at, rule) select account, expires_at, 'new' from unnest($1::bigint[], $2::timestamptz[]) as row (account, expires_at)`,
};

export function insertBuckets(tx: Tx, buckets: readonly { account: AccountId; expiresAt: Date }[]): void {
  tx.send(insertBucketsStatement, [
    pgArray(buckets.map((bucket) => bucket.account)),
    pgArray(buckets.map((bucket) => `"${bucket.expiresAt.toISOString()}"`)),
  ]);
}

export function readTransfers(db: Db, event: Uuid): Promise<ExistingRow[]> {
  return read<ExistingRow>(db, existingStatement, [pgArray([event])]);
}

const lockDueBucketsStatement: Statement = {
  name: 'ledger_lock_due_buckets',
  // Account order, as everywhere; another process that ends the same buckets is not waited for.
  text: `select account.id, credits_posted - debits_posted as balance from bucket join account on account.id = bucket.account
    where bucket.closed_at is null and bucket.expires_at <= $1 and debits_pending = 0
    order by account.id limit $2 for no key update of account skip locked`,
};

export function lockDueBuckets(tx: Tx, at: Date, limit: number): Promise<Balance[]> {
  return tx.rows<Balance>(lockDueBucketsStatement, [at, limit]);
}

const closeBucketsStatement: Statement = {
  name: 'ledger_close_buckets',
  text: 'update bucket set closed_at = $2 where account = any($1::bigint[])',
};

export function closeBuckets(tx: Tx, accounts: readonly AccountId[], at: Date): void {
  tx.send(closeBucketsStatement, [pgArray(accounts), at]);
}
