import { limits } from '../base/limits.ts';
import { type Db, type Load, pgArray, pgTextArray, type Row, read, type Statement, type Tx } from '../db/index.ts';
import { unitByNo, unitNumber } from '../ledger/index.ts';
import type { Batch, BatchState, Draft } from './batch.ts';
import type { Manifest } from './manifest.ts';
import type { Stretch } from './stretch.ts';
import type { EndKind, RangeState } from './voucher.ts';

const lockSerialsStatement: Statement = {
  name: 'batches_lock_serials',
  text: `select pg_advisory_xact_lock(hashtext('sapar voucher serials'))`,
};

/** One at a time: the serials claimed are in a row, and the count of codes in use includes what others are claiming. */
export async function lockSerials(tx: Tx): Promise<void> {
  await tx.rows(lockSerialsStatement);
}

const inUseStatement: Statement = {
  name: 'batches_in_use',
  // A draft that nobody approved in time never becomes cards.
  text: `select coalesce(sum(count), 0)::bigint as count from voucher_batch
    where digits = $1 and expires_at > $2 and state <> 'closed' and (state <> 'draft' or created_at > $3)`,
};
const endedInUseStatement: Statement = {
  name: 'batches_ended_in_use',
  text: `select count(*) as count from voucher_end join voucher_batch on voucher_batch.id = voucher_end.batch
    where digits = $1 and expires_at > $2 and state <> 'closed'`,
};

/** Cards with codes of this many digits that exist or may come to exist. */
export async function countInUse(tx: Tx, digits: number, now: Date): Promise<bigint> {
  const draftedAfter = new Date(now.getTime() - limits.approvalMs);
  const [row] = await tx.rows<{ count: bigint }>(inUseStatement, [digits, now, draftedAfter]);
  return row?.count ?? 0n;
}

/** Those of them that have ended. Reads them all, so it is asked only where the answer matters. */
export async function countEndedInUse(tx: Tx, digits: number, now: Date): Promise<bigint> {
  const [row] = await tx.rows<{ count: bigint }>(endedInUseStatement, [digits, now]);
  return row?.count ?? 0n;
}

const claimStatement: Statement = {
  name: 'batches_claim_serials',
  text: `select setval('voucher_serial', nextval('voucher_serial') + $1::bigint - 1) - $1::bigint + 1 as first`,
};
const insertStatement: Statement = {
  name: 'batches_insert',
  text: `insert into voucher_batch (operator, note, count, digits, first_serial, last_serial, expires_at, recipients, maker, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id`,
};
const insertValuesStatement: Statement = {
  name: 'batches_insert_values',
  text: `insert into voucher_value (batch, leg, unit, amount, valid_days)
    select $1, leg, unit, amount, valid_days
    from unnest($2::smallint[], $3::smallint[], $4::bigint[], $5::int[]) as row (leg, unit, amount, valid_days)`,
};

/** Under `lockSerials`: takes the next serials in a row. Those of a transaction that fails are not used again. */
export async function claimSerials(tx: Tx, count: number): Promise<bigint | undefined> {
  const [row] = await tx.rows<{ first: bigint }>(claimStatement, [count]);
  return row?.first;
}

export async function insertBatch(
  tx: Tx,
  draft: Required<Draft>,
  claimed: { first: bigint; at: Date },
): Promise<bigint | undefined> {
  const { first, at } = claimed;
  const { operator, note, count, digits, expiresAt, recipients, maker, values } = draft;
  const last = first + BigInt(count) - 1n;
  const row = [operator, note, count, digits, first, last, expiresAt, pgTextArray(recipients), maker, at];
  const [inserted] = await tx.rows<{ id: bigint }>(insertStatement, row);
  tx.send(insertValuesStatement, [
    inserted?.id,
    pgArray(values.map((_, leg) => leg)),
    pgArray(values.map((value) => unitNumber(value.unit))),
    pgArray(values.map((value) => value.amount)),
    pgArray(values.map((value) => value.validDays ?? null)),
  ]);
  return inserted?.id;
}

type BatchRow = {
  id: bigint;
  operator: string;
  note: string;
  count: number;
  digits: number;
  state: BatchState;
  first_serial: bigint;
  last_serial: bigint;
  expires_at: Date;
  recipients: string[];
  key_id: number | null;
  manifest: Manifest | null;
  maker: string;
  created_at: Date;
  approval: bigint | null;
  values: { unit: number; amount: string; validDays: number | null }[];
};

// Amounts as text: JSON numbers would pass through a float.
const batchColumns = `voucher_batch.id, operator, note, count, digits, state, first_serial, last_serial, expires_at, recipients, key_id, manifest, maker,
    created_at, approval,
    (select jsonb_agg(jsonb_build_object('unit', unit, 'amount', amount::text, 'validDays', valid_days) order by leg)
      from voucher_value where voucher_value.batch = voucher_batch.id) as values`;

function batchOf(row: BatchRow): Batch {
  return {
    id: row.id,
    operator: row.operator,
    note: row.note,
    count: row.count,
    digits: row.digits,
    state: row.state,
    firstSerial: row.first_serial,
    lastSerial: row.last_serial,
    expiresAt: row.expires_at,
    recipients: row.recipients,
    keyId: row.key_id ?? undefined,
    manifest: row.manifest ?? undefined,
    maker: row.maker,
    createdAt: row.created_at,
    approval: row.approval ?? undefined,
    values: row.values.map((value) => ({
      unit: unitByNo(value.unit),
      amount: BigInt(value.amount),
      validDays: value.validDays ?? undefined,
    })),
  };
}

const findStatement: Statement = {
  name: 'batches_find',
  text: `select ${batchColumns} from voucher_batch where id = $1`,
};
const lockStatement: Statement = {
  name: 'batches_lock',
  // Whoever changes the stretches of a batch holds its row.
  text: `select ${batchColumns} from voucher_batch where id = $1 for no key update`,
};
const claimBatchStatement: Statement = {
  name: 'batches_lock_nowait',
  text: `select ${batchColumns} from voucher_batch where id = $1 for no key update nowait`,
};
const lockOverlappingStatement: Statement = {
  name: 'batches_lock_overlapping',
  // In id order, so that two changes over the same batches cannot wait for each other.
  text: `select ${batchColumns} from voucher_batch where first_serial <= $2 and last_serial >= $1 order by id for no key update`,
};

export async function readBatch(db: Db, id: bigint): Promise<Batch | undefined> {
  const [row] = await read<BatchRow>(db, findStatement, [id]);
  return row && batchOf(row);
}

export async function findBatch(tx: Tx, id: bigint): Promise<Batch | undefined> {
  const [row] = await tx.rows<BatchRow>(findStatement, [id]);
  return row && batchOf(row);
}

export async function lockBatch(tx: Tx, id: bigint): Promise<Batch | undefined> {
  const [row] = await tx.rows<BatchRow>(lockStatement, [id]);
  return row && batchOf(row);
}

/** Fails with 55P03 where somebody else holds it. */
export async function lockBatchNow(tx: Tx, id: bigint): Promise<Batch | undefined> {
  const [row] = await tx.rows<BatchRow>(claimBatchStatement, [id]);
  return row && batchOf(row);
}

/** The batches that any serial of the range belongs to. */
export async function lockOverlapping(tx: Tx, range: { first: bigint; last: bigint }): Promise<Batch[]> {
  return (await tx.rows<BatchRow>(lockOverlappingStatement, [range.first, range.last])).map(batchOf);
}

const listStatement: Statement = {
  name: 'batches_list',
  text: `select ${batchColumns} from voucher_batch order by id desc limit $1`,
};
const holderStatement: Statement = {
  name: 'batches_of_serial',
  text: `select ${batchColumns} from voucher_batch where first_serial <= $1 and last_serial >= $1`,
};

/** Newest first. */
export async function readBatches(db: Db, limit: number): Promise<Batch[]> {
  return (await read<BatchRow>(db, listStatement, [limit])).map(batchOf);
}

export async function readBatchOfSerial(db: Db, serial: bigint): Promise<Batch | undefined> {
  const [row] = await read<BatchRow>(db, holderStatement, [serial]);
  return row && batchOf(row);
}

const approveStatement: Statement = {
  name: 'batches_approve',
  text: `update voucher_batch set state = 'approved', approval = $2 where id = $1 and state = 'draft' returning id`,
};
const moveStatement: Statement = {
  name: 'batches_move',
  text: 'update voucher_batch set state = $3 where id = $1 and state = $2 returning id',
};
const generatedStatement: Statement = {
  name: 'batches_generated',
  text: `update voucher_batch set state = 'generated', key_id = $2, manifest = $3 where id = $1 and state = 'approved' returning id`,
};

/** Whether it was a draft until now. */
export async function approveBatch(tx: Tx, id: bigint, approval: bigint): Promise<boolean> {
  return (await tx.rows(approveStatement, [id, approval])).length === 1;
}

/** Whether it was in `from` until now. */
export async function moveBatch(tx: Tx, id: bigint, move: { from: BatchState; to: BatchState }): Promise<boolean> {
  return (await tx.rows(moveStatement, [id, move.from, move.to])).length === 1;
}

export async function finishBatch(tx: Tx, id: bigint, manifest: Manifest): Promise<boolean> {
  return (await tx.rows(generatedStatement, [id, manifest.keyId, JSON.stringify(manifest)])).length === 1;
}

/** Binary rows of (mac, batch, serial), see print.ts. */
export function copyVouchers(load: Load): ReturnType<Load['copyIn']> {
  return load.copyIn('copy voucher (mac, batch, serial) from stdin with (format binary)');
}

const anyMacStatement: Statement = {
  name: 'batches_any_mac',
  text: 'select 1 from voucher where mac = any($1::uuid[]) limit 1',
};

export async function hasAnyMac(db: Db, macs: readonly string[]): Promise<boolean> {
  return (await read(db, anyMacStatement, [pgArray(macs)])).length > 0;
}

type StretchRow = {
  batch: bigint;
  first_serial: bigint;
  last_serial: bigint;
  state: RangeState;
  issued: boolean;
  approval: bigint | null;
  changed_at: Date;
};

function stretchOf(row: StretchRow): Stretch {
  return {
    first: row.first_serial,
    last: row.last_serial,
    state: row.state,
    issued: row.issued,
    approval: row.approval ?? undefined,
    changedAt: row.changed_at,
  };
}

const stretchColumns = 'batch, first_serial, last_serial, state, issued, approval, changed_at';

const stretchesStatement: Statement = {
  name: 'batches_stretches',
  text: `select ${stretchColumns} from voucher_range where batch = $1 and first_serial <= $3 and last_serial >= $2 order by first_serial`,
};

/** Those that touch the range; under the lock of the batch. */
export async function findStretches(tx: Tx, batch: bigint, range: { first: bigint; last: bigint }): Promise<Stretch[]> {
  return (await tx.rows<StretchRow>(stretchesStatement, [batch, range.first, range.last])).map(stretchOf);
}

const deleteStretchesStatement: Statement = {
  name: 'batches_delete_stretches',
  text: 'delete from voucher_range where batch = $1 and first_serial = any($2::bigint[])',
};
const insertStretchesStatement: Statement = {
  name: 'batches_insert_stretches',
  text: `insert into voucher_range (${stretchColumns})
    select $1, * from unnest($2::bigint[], $3::bigint[], $4::text[], $5::boolean[], $6::bigint[], $7::timestamptz[])`,
};

/** Under the lock of the batch: these stretches instead of those. */
export async function replaceStretches(
  tx: Tx,
  batch: bigint,
  change: { before: readonly Stretch[]; after: readonly Stretch[] },
): Promise<void> {
  if (change.before.length > 0) {
    await tx.rows(deleteStretchesStatement, [batch, pgArray(change.before.map((stretch) => stretch.first))]);
  }
  const rows = change.after;
  if (rows.length === 0) return;
  await tx.rows(insertStretchesStatement, [
    batch,
    pgArray(rows.map((row) => row.first)),
    pgArray(rows.map((row) => row.last)),
    pgArray(rows.map((row) => row.state)),
    pgArray(rows.map((row) => String(row.issued))),
    pgArray(rows.map((row) => row.approval ?? null)),
    pgTextArray(rows.map((row) => row.changedAt.toISOString())),
  ]);
}

export type EndedRow = { part: number; kind: EndKind; count: bigint; first: bigint; last: bigint };

const endedStatement: Statement = {
  name: 'batches_ended',
  text: `select (part.nth - 1)::int as part, kind, count(*) as count, min(serial) as first, max(serial) as last
    from unnest($2::bigint[], $3::bigint[]) with ordinality as part (first_serial, last_serial, nth)
    join voucher_end on voucher_end.batch = $1 and serial between part.first_serial and part.last_serial
    group by part.nth, kind order by part.nth, kind`,
};

/** How many vouchers of each part of a batch have ended, and how. `part` counts from 0. */
export function countEnded(
  tx: Tx,
  batch: bigint,
  parts: readonly { first: bigint; last: bigint }[],
): Promise<EndedRow[]> {
  const firsts = pgArray(parts.map((part) => part.first));
  return tx.rows<EndedRow>(endedStatement, [batch, firsts, pgArray(parts.map((part) => part.last))]);
}

const endStatement: Statement = {
  name: 'batches_end',
  // A redemption under way is waited for by its primary key, and then left alone.
  text: `with ended as (
      insert into voucher_end (mac, kind, batch, serial, ended_at)
      select mac, $4, batch, serial, $5 from voucher where serial between $2 and $3 and batch = $1 order by serial
      on conflict (mac) do nothing returning mac
    ) select count(*) as count from ended`,
};

/** Ends the vouchers of these serials that have not ended; answers how many that were. */
export async function endVouchers(
  tx: Tx,
  batch: bigint,
  what: { first: bigint; last: bigint; kind: 'void' | 'expired'; at: Date },
): Promise<bigint> {
  const [row] = await tx.rows<{ count: bigint }>(endStatement, [batch, what.first, what.last, what.kind, what.at]);
  return row?.count ?? 0n;
}

const expiredStatement: Statement = {
  name: 'batches_expired',
  text: `select id from voucher_batch where expires_at <= $1 and state in ('generated', 'printed', 'distributed') order by id limit $2`,
};

/** Past their date and not closed. */
export async function readExpired(db: Db, now: Date, limit: number): Promise<bigint[]> {
  return (await read<{ id: bigint }>(db, expiredStatement, [now, limit])).map((row) => row.id);
}

export type CountRow = { state: RangeState; size: bigint; redeemed: bigint; void: bigint; expired: bigint };

const countsStatement: Statement = {
  name: 'batches_counts',
  text: `select stretch.state, sum(last_serial - first_serial + 1)::bigint as size,
      coalesce(sum(ended.redeemed), 0)::bigint as redeemed, coalesce(sum(ended.void), 0)::bigint as void, coalesce(sum(ended.expired), 0)::bigint as expired
    from voucher_range as stretch
    left join lateral (
      select count(*) filter (where kind = 'redeemed') as redeemed, count(*) filter (where kind = 'void') as void,
        count(*) filter (where kind = 'expired') as expired
      from voucher_end where voucher_end.batch = stretch.batch and serial between stretch.first_serial and stretch.last_serial
    ) as ended on true
    where stretch.batch = $1 group by stretch.state order by stretch.state`,
};

/** Serials of a batch by the state of their stretch, and how many of those have ended. */
export function readCounts(db: Db, batch: bigint): Promise<CountRow[]> {
  return read<CountRow>(db, countsStatement, [batch]);
}

export type SerialRow = Row & {
  state: RangeState | null;
  issued: boolean | null;
  end_kind: EndKind | null;
  ended_at: Date | null;
  subscriber: bigint | null;
  event: string | null;
  channel: string | null;
};

const serialStatement: Statement = {
  name: 'batches_serial',
  text: `select stretch.state, stretch.issued, voucher_end.kind as end_kind, voucher_end.ended_at, voucher_end.subscriber, voucher_end.event, voucher_end.channel
    from voucher
    left join voucher_range as stretch on stretch.batch = voucher.batch and stretch.first_serial <= voucher.serial and stretch.last_serial >= voucher.serial
    left join voucher_end on voucher_end.mac = voucher.mac
    where voucher.serial = $1`,
};

export async function readSerial(db: Db, serial: bigint): Promise<SerialRow | undefined> {
  const [row] = await read<SerialRow>(db, serialStatement, [serial]);
  return row;
}
