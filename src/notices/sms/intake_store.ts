import { pgTextArray, type Statement, type Tx } from '../../db/index.ts';

export type Intake = {
  readonly seenTo: bigint;
  readonly settledTo: bigint;
  readonly markTo: bigint | undefined;
  /** Whether all who were writing when the mark was set have ended. */
  readonly isMarkSettled: boolean;
};

const lockStatement: Statement = {
  name: 'sms_intake_lock',
  // Another process that is reading on is not waited for: it does what this one would.
  text: `select seen_to, settled_to, mark_to, coalesce(mark_xid <= pg_snapshot_xmin(pg_current_snapshot()), false) as is_mark_settled
    from sms_intake for update skip locked`,
};

/** Undefined while another process has it. */
export async function lockIntake(tx: Tx): Promise<Intake | undefined> {
  type Row = { seen_to: bigint; settled_to: bigint; mark_to: bigint | null; is_mark_settled: boolean };
  const [row] = await tx.rows<Row>(lockStatement);
  return (
    row && {
      seenTo: row.seen_to,
      settledTo: row.settled_to,
      markTo: row.mark_to ?? undefined,
      isMarkSettled: row.is_mark_settled,
    }
  );
}

const takeStatement: Statement = {
  name: 'sms_intake_take',
  // What is older than a message may be is news no more; who has stopped notices, and whose operator has no route, is passed over for good.
  text: `with chunk as (
      select id, subscriber, event, kind, owed_at from notice where id > $1 and id <= $2 order by id limit $3
    ), taken as (
      insert into sms (kind, event, subscriber, number_index, operator, state_since, next_at, expires_at, created_at)
      select chunk.kind, chunk.event, chunk.subscriber, subject.number_index, subject.operator, $5, $5, chunk.owed_at + $6 * interval '1 ms', chunk.owed_at
      from chunk join subject on subject.subscriber = chunk.subscriber
      where chunk.kind in ('topup_credited', 'voucher_credited') and chunk.owed_at + $6 * interval '1 ms' > $5
        and subject.operator = any($4::text[]) and subject.status = 'active'
        and not exists (select from sms_contact where sms_contact.number_index = subject.number_index and stopped_at is not null)
      order by chunk.id
      on conflict (event) do nothing returning id
    )
    select count(*)::int as read, max(id) as last, (select count(*)::int from taken) as taken from chunk`,
};

export type Chunk = { readonly read: number; readonly last: bigint | null; readonly taken: number };

export type Taking = {
  readonly after: bigint;
  readonly upTo: bigint;
  readonly limit: number;
  readonly operators: readonly string[];
  readonly at: Date;
  readonly validMs: number;
};

/** Moves what is owed between two ids into the queue; what is there already stays as it is. */
export async function takeNotices(tx: Tx, taking: Taking): Promise<Chunk> {
  const { after, upTo, limit, operators, at, validMs } = taking;
  const values = [after, upTo, limit, pgTextArray(operators), at, validMs];
  const [row] = await tx.rows<Chunk>(takeStatement, values);
  return row ?? { read: 0, last: null, taken: 0 };
}

const seenStatement: Statement = {
  name: 'sms_intake_seen',
  text: 'update sms_intake set seen_to = $1',
};

export function setSeen(tx: Tx, seenTo: bigint): void {
  tx.send(seenStatement, [seenTo]);
}

const markStatement: Statement = {
  name: 'sms_intake_mark',
  // Read by rounds before this one, so whoever has an id up to there has had a transaction's number since, and a lower one than this.
  text: 'update sms_intake set mark_to = $1, mark_xid = pg_current_xact_id() where mark_to is null and settled_to < $1',
};

/** From now on it is watched when everybody who may still add a notice up to there has ended. */
export function setMark(tx: Tx, seenTo: bigint): void {
  tx.send(markStatement, [seenTo]);
}

const settleStatement: Statement = {
  name: 'sms_intake_settle',
  text: `update sms_intake set settled_to = $1, mark_to = case when $1 < mark_to then mark_to end, mark_xid = case when $1 < mark_to then mark_xid end`,
};

/** Nothing can appear up to here any more, and all of it has been read since that is so. */
export function setSettled(tx: Tx, settledTo: bigint): void {
  tx.send(settleStatement, [settledTo]);
}
