import type { Uuid } from '../base/ids.ts';
import { pgArray, pgTextArray, type Statement, type Tx } from '../db/index.ts';
import { unitByNo } from '../ledger/index.ts';
import type { Added, GuessRow, Who } from './guess.ts';
import type { EndKind, RangeState, Value, Voucher } from './voucher.ts';

type VoucherRow = {
  mac: Uuid;
  serial: bigint;
  batch: bigint;
  operator: string;
  range_state: RangeState | null;
  batch_state: string;
  expires_at: Date;
  end_kind: EndKind | null;
  end_subscriber: bigint | null;
  end_event: Uuid | null;
  ended_at: Date | null;
};

const voucherColumns = `voucher.mac, voucher.serial, voucher.batch, voucher_batch.operator, stretch.state as range_state, voucher_batch.state as batch_state,
    voucher_batch.expires_at, voucher_end.kind as end_kind, voucher_end.subscriber as end_subscriber, voucher_end.event as end_event, voucher_end.ended_at`;
const voucherJoins = `join voucher_batch on voucher_batch.id = voucher.batch
    left join lateral (
      select state from voucher_range
      where voucher_range.batch = voucher.batch and voucher_range.first_serial <= voucher.serial and voucher_range.last_serial >= voucher.serial
      order by voucher_range.first_serial desc limit 1
    ) as stretch on true
    left join voucher_end on voucher_end.mac = voucher.mac`;

const findByMacStatement: Statement = {
  name: 'vouchers_find_by_mac',
  text: `select ${voucherColumns} from unnest($1::uuid[]) as wanted (mac) join voucher on voucher.mac = wanted.mac ${voucherJoins}`,
};
const findBySerialStatement: Statement = {
  name: 'vouchers_find_by_serial',
  text: `select ${voucherColumns} from unnest($1::bigint[]) as wanted (serial) join voucher on voucher.serial = wanted.serial ${voucherJoins}`,
};

/** No row is locked: the one terminal fact of a voucher is decided by the primary key of voucher_end. */
export async function findByMac(tx: Tx, macs: readonly Uuid[]): Promise<Voucher[]> {
  if (macs.length === 0) return [];
  return (await tx.rows<VoucherRow>(findByMacStatement, [pgArray(macs)])).map(voucherOf);
}

export async function findBySerial(tx: Tx, serials: readonly bigint[]): Promise<Voucher[]> {
  if (serials.length === 0) return [];
  return (await tx.rows<VoucherRow>(findBySerialStatement, [pgArray(serials)])).map(voucherOf);
}

function voucherOf(row: VoucherRow): Voucher {
  return {
    mac: row.mac,
    serial: row.serial,
    batch: row.batch,
    operator: row.operator,
    rangeState: row.range_state ?? 'created',
    closed: row.batch_state === 'closed',
    expiresAt: row.expires_at,
    end: row.end_kind
      ? {
          kind: row.end_kind,
          subscriber: row.end_subscriber ?? undefined,
          event: row.end_event ?? undefined,
          at: row.ended_at ?? row.expires_at,
        }
      : undefined,
  };
}

const valuesStatement: Statement = {
  name: 'vouchers_values',
  text: 'select batch, unit, amount, valid_days from voucher_value where batch = any($1::bigint[]) order by batch, leg',
};

type ValueRow = { batch: bigint; unit: number; amount: bigint; valid_days: number | null };

function readValue(row: ValueRow): Value {
  return { unit: unitByNo(row.unit), amount: row.amount, validDays: row.valid_days ?? undefined };
}

/** What cards of these batches are worth; written once with the batch and never changed. */
export async function findValues(tx: Tx, batches: readonly bigint[]): Promise<Map<bigint, Value[]>> {
  const rows = await tx.rows<ValueRow>(valuesStatement, [pgArray(batches)]);
  const values = new Map<bigint, Value[]>(batches.map((batch) => [batch, []]));
  for (const row of rows) values.get(row.batch)?.push(readValue(row));
  return values;
}

const guessesStatement: Statement = {
  name: 'vouchers_guesses',
  text: `select voucher_guess.scope, voucher_guess.id, window_from, wrong, barred_until
    from unnest($1::text[], $2::text[]) as wanted (scope, id) join voucher_guess on voucher_guess.scope = wanted.scope and voucher_guess.id = wanted.id`,
};

export function findGuesses(tx: Tx, whos: readonly Who[]): Promise<GuessRow[]> {
  return tx.rows<GuessRow>(guessesStatement, [
    pgArray(whos.map((who) => who.scope)),
    pgArray(whos.map((who) => who.id)),
  ]);
}

const addGuessesStatement: Statement = {
  name: 'vouchers_add_guesses',
  // A window that has passed starts again (one that a rival began a moment ago is the same one); otherwise counts add up, whoever
  // else is adding. A step that only the sum passes brings its bar too. Rows are taken in key order.
  text: `insert into voucher_guess as guess (scope, id, window_from, wrong, barred_until)
    select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::int[], $5::timestamptz[])
    on conflict (scope, id) do update set
      wrong = case when guess.window_from < excluded.window_from - interval '1 minute' then excluded.wrong else guess.wrong + excluded.wrong end,
      window_from = case when guess.window_from < excluded.window_from - interval '1 minute' then excluded.window_from else guess.window_from end,
      barred_until = greatest(guess.barred_until, excluded.barred_until, (
        select max(until) from unnest($6::int[], $7::timestamptz[]) as step (wrong, until)
        where excluded.scope <> 'key' and guess.window_from >= excluded.window_from - interval '1 minute'
          and step.wrong > guess.wrong and step.wrong <= guess.wrong + excluded.wrong))`,
};

/** `steps`: how many wrong tries bar a caller or target until when. */
export function addGuesses(tx: Tx, added: readonly Added[], steps: readonly { wrong: number; until: Date }[]): void {
  tx.send(addGuessesStatement, [
    pgArray(added.map((one) => one.scope)),
    pgArray(added.map((one) => one.id)),
    pgTextArray(added.map((one) => one.windowFrom.toISOString())),
    pgArray(added.map((one) => one.wrong)),
    pgTextArray(added.map((one) => one.barredUntil?.toISOString() ?? null)),
    pgArray(steps.map((step) => step.wrong)),
    pgTextArray(steps.map((step) => step.until.toISOString())),
  ]);
}

export type BreakerRow = { tripped_at: Date | null; last_dirty_at: Date | null; attempts: number; missing: number };

const breakerStatement: Statement = {
  name: 'vouchers_breaker',
  text: `select tripped_at, last_dirty_at, coalesce(attempts, 0)::float8 as attempts, coalesce(missing, 0)::float8 as missing
    from voucher_breaker, (select sum(attempts) as attempts, sum(missing) as missing from voucher_attempts where minute > $1) as window_sum`,
};

export async function readBreaker(tx: Tx, since: Date): Promise<BreakerRow> {
  const [row] = await tx.rows<BreakerRow>(breakerStatement, [since]);
  return row ?? { tripped_at: null, last_dirty_at: null, attempts: 0, missing: 0 };
}

const addAttemptsStatement: Statement = {
  name: 'vouchers_add_attempts',
  text: `insert into voucher_attempts (minute, stripe, attempts, missing) values (date_trunc('minute', $1::timestamptz), $2, $3, $4)
    on conflict (minute, stripe) do update set attempts = voucher_attempts.attempts + excluded.attempts, missing = voucher_attempts.missing + excluded.missing`,
};

export function addAttempts(tx: Tx, minute: Date, counts: { stripe: number; attempts: number; missing: number }): void {
  tx.send(addAttemptsStatement, [minute, counts.stripe, counts.attempts, counts.missing]);
}

const tripStatement: Statement = {
  name: 'vouchers_trip',
  text: 'update voucher_breaker set tripped_at = case when $2 then $1 else tripped_at end, last_dirty_at = $1',
};

export function markDirty(tx: Tx, at: Date, newlyTripped: boolean): void {
  tx.send(tripStatement, [at, newlyTripped]);
}

const dailyStatement: Statement = {
  name: 'vouchers_daily',
  text: `select subject.number_index as index, count(*)::int as count from unnest($1::uuid[]) as wanted (number_index)
    join subject on subject.number_index = wanted.number_index
    join voucher_end on voucher_end.subscriber = subject.subscriber and voucher_end.ended_at >= $2
    group by subject.number_index`,
};

/** Redemptions since `from`, for numbers that had any. */
export async function countRedemptions(tx: Tx, indexes: readonly Uuid[], from: Date): Promise<Map<Uuid, number>> {
  const rows = await tx.rows<{ index: Uuid; count: number }>(dailyStatement, [pgArray(indexes), from]);
  return new Map(rows.map((row) => [row.index, row.count]));
}

export type EndRow = { voucher: Voucher; subscriber: bigint; event: Uuid; channel: string };

const redeemStatement: Statement = {
  name: 'vouchers_redeem',
  text: `insert into voucher_end (mac, kind, batch, serial, subscriber, event, channel, ended_at)
    select mac, 'redeemed', batch, serial, subscriber, event, channel, $7
    from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::uuid[], $6::text[]) as row (mac, batch, serial, subscriber, event, channel)`,
};

/** A voucher that has just ended elsewhere fails the batch; run again, it is found used. */
export function insertRedemptions(tx: Tx, rows: readonly EndRow[], at: Date): void {
  tx.send(redeemStatement, [
    pgArray(rows.map((row) => row.voucher.mac)),
    pgArray(rows.map((row) => row.voucher.batch)),
    pgArray(rows.map((row) => row.voucher.serial)),
    pgArray(rows.map((row) => row.subscriber)),
    pgArray(rows.map((row) => row.event)),
    pgArray(rows.map((row) => row.channel)),
    at,
  ]);
}

export type RefusalRow = { reason: string; channel: string; caller: string; target: string; serial: bigint | null };

const refusalsStatement: Statement = {
  name: 'vouchers_refusals',
  text: `insert into voucher_refusal (at, reason, channel, caller, target, serial)
    select $6, * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])`,
};

export function insertRefusals(tx: Tx, rows: readonly RefusalRow[], at: Date): void {
  tx.send(refusalsStatement, [
    pgArray(rows.map((row) => row.reason)),
    pgArray(rows.map((row) => row.channel)),
    pgArray(rows.map((row) => row.caller)),
    pgArray(rows.map((row) => row.target)),
    pgArray(rows.map((row) => row.serial)),
    at,
  ]);
}

const staffUnbarStatement: Statement = {
  name: 'vouchers_unbar',
  text: 'delete from voucher_guess where id = $1 returning scope',
};

/** Staff lift every bar on a number (by its blind index) or an API key. */
export async function deleteGuesses(tx: Tx, id: string): Promise<number> {
  return (await tx.rows(staffUnbarStatement, [id])).length;
}
