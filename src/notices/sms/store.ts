import type { Uuid } from '../../base/ids.ts';
import { type Db, pgArray, pgTextArray, read, type Statement, type Tx } from '../../db/index.ts';
import type { Sms, SmsKind, SmsState } from './sms.ts';

type SmsRow = {
  id: bigint;
  kind: SmsKind;
  event: Uuid | null;
  subscriber: bigint | null;
  number_index: Uuid;
  number_sealed: Buffer | null;
  operator: string;
  text: string | null;
  parts: number | null;
  state: SmsState;
  reason: string | null;
  is_doubtful: boolean;
  copies: number;
  tries: number;
  next_at: Date | null;
  expires_at: Date;
  created_at: Date;
};

const names = [
  'id',
  'kind',
  'event',
  'subscriber',
  'number_index',
  'number_sealed',
  'operator',
  'text',
  'parts',
  'state',
  'reason',
  'is_doubtful',
  'copies',
  'tries',
  'next_at',
  'expires_at',
  'created_at',
];
const columns = names.map((name) => `sms.${name}`).join(', ');

function smsOf(row: SmsRow): Sms {
  return {
    id: row.id,
    kind: row.kind,
    event: row.event ?? undefined,
    subscriber: row.subscriber ?? undefined,
    numberIndex: row.number_index,
    numberSealed: row.number_sealed ?? undefined,
    operator: row.operator,
    text: row.text ?? undefined,
    parts: row.parts ?? undefined,
    state: row.state,
    reason: row.reason ?? undefined,
    isDoubtful: row.is_doubtful,
    copies: row.copies,
    tries: row.tries,
    nextAt: row.next_at ?? undefined,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
  };
}

const insertAnswerStatement: Statement = {
  name: 'sms_insert_answer',
  // News of the same credit that was first says it all.
  text: `insert into sms (kind, event, subscriber, number_index, number_sealed, operator, text, state_since, next_at, expires_at, created_at)
    values ('answer', $1, $2, $3, $4, $5, $6, $7, $7, $8, $7) on conflict (event) do nothing`,
};

export type NewAnswer = {
  readonly event: Uuid | undefined;
  readonly subscriber: bigint | undefined;
  readonly numberIndex: Uuid;
  readonly numberSealed: Buffer | undefined;
  readonly operator: string;
  readonly text: string;
  readonly at: Date;
  readonly expiresAt: Date;
};

export function insertAnswer(tx: Tx, answer: NewAnswer): void {
  tx.send(insertAnswerStatement, [
    answer.event ?? null,
    answer.subscriber ?? null,
    answer.numberIndex,
    answer.numberSealed ?? null,
    answer.operator,
    answer.text,
    answer.at,
    answer.expiresAt,
  ]);
}

const claimStatement: Statement = {
  name: 'sms_claim',
  // Taken for a while: a worker that dies leaves them to the next. What was in another worker's hands, or is not known, may have arrived.
  text: `with due as (
      select id, state from sms where operator = $1 and next_at <= $2 order by next_at limit $4 for no key update skip locked
    )
    update sms set state = 'sending', state_since = $2, next_at = $3, is_doubtful = is_doubtful or due.state in ('sending', 'unknown', 'sent')
    from due where sms.id = due.id returning ${columns}, due.state as was`,
};

export type Claimed = Sms & { readonly was: SmsState };

export async function claimDue(
  tx: Tx,
  claim: { operator: string; now: Date; until: Date; limit: number },
): Promise<Claimed[]> {
  const { operator, now, until, limit } = claim;
  const rows = await tx.rows<SmsRow & { was: SmsState }>(claimStatement, [operator, now, until, limit]);
  return rows.map((row) => ({ ...smsOf(row), was: row.was }));
}

const expireStatement: Statement = {
  name: 'sms_expire',
  // What the SMS centre still has is waited for a little longer: its last word may be on its way.
  text: `update sms set state = 'expired', state_since = $2, next_at = null, text = null, number_sealed = null where id in (
      select id from sms where operator = $1 and next_at <= $2 and case state when 'sent' then expires_at <= $3 else expires_at <= $2 end
      order by next_at limit $4 for no key update skip locked
    ) returning id`,
};

/** Ends what is past its time. Answers how many. */
export async function expireDue(
  tx: Tx,
  expiry: { operator: string; now: Date; sentBefore: Date; limit: number },
): Promise<number> {
  const { operator, now, sentBefore, limit } = expiry;
  return (await tx.rows(expireStatement, [operator, now, sentBefore, limit])).length;
}

const lockStatement: Statement = {
  name: 'sms_lock',
  // One order for everybody, so that two who book receipts of the same messages cannot wait for each other.
  text: `select ${columns} from unnest($1::bigint[]) as wanted (id) join sms on sms.id = wanted.id order by sms.id for no key update of sms`,
};

export async function lockMany(tx: Tx, ids: readonly bigint[]): Promise<Sms[]> {
  return (await tx.rows<SmsRow>(lockStatement, [pgArray(ids)])).map(smsOf);
}

const saveStatement: Statement = {
  name: 'sms_save',
  text: `update sms set state = row.state, state_since = case when sms.state = row.state then sms.state_since else $10 end, reason = row.reason,
      copies = row.copies, tries = row.tries, next_at = row.next_at, is_doubtful = row.is_doubtful, text = row.text, parts = row.parts,
      number_sealed = case when row.next_at is null then null else sms.number_sealed end
    from unnest($1::bigint[], $2::text[], $3::text[], $4::smallint[], $5::smallint[], $6::timestamptz[], $7::boolean[], $8::text[], $9::smallint[])
      as row (id, state, reason, copies, tries, next_at, is_doubtful, text, parts)
    where sms.id = row.id`,
};

/** Of rows that are locked. Whoever has ended is forgotten but for the fact. */
export function saveMany(tx: Tx, rows: readonly Sms[], at: Date): void {
  if (rows.length === 0) return;
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));
  tx.send(saveStatement, [
    pgArray(sorted.map((row) => row.id)),
    pgArray(sorted.map((row) => row.state)),
    pgTextArray(sorted.map((row) => row.reason ?? null)),
    pgArray(sorted.map((row) => row.copies)),
    pgArray(sorted.map((row) => row.tries)),
    pgTextArray(sorted.map((row) => row.nextAt?.toISOString() ?? null)),
    pgArray(sorted.map((row) => String(row.isDoubtful))),
    pgTextArray(sorted.map((row) => (row.nextAt ? (row.text ?? null) : null))),
    pgArray(sorted.map((row) => row.parts ?? null)),
    at,
  ]);
}

const unknownOfStatement: Statement = {
  name: 'sms_unknown_of',
  text: `select sms.id, sms.number_index from unnest($1::uuid[]) as wanted (number_index) join sms on sms.number_index = wanted.number_index
    where sms.state in ('sending', 'unknown') and sms.parts = 1`,
};

/** Messages of one part to these numbers of which no answer has come: a receipt may be about one of them. */
export function unknownOf(tx: Tx, indexes: readonly Uuid[]): Promise<{ id: bigint; number_index: Uuid }[]> {
  return tx.rows(unknownOfStatement, [pgArray(indexes)]);
}

const countStatement: Statement = {
  name: 'sms_count',
  text: `select operator, state, count(*) as count, min(created_at) as oldest from sms where next_at is not null group by operator, state`,
};

export type SmsWaiting = { operator: string; state: SmsState; count: bigint; oldest: Date };

export function countWaiting(db: Db): Promise<SmsWaiting[]> {
  return read<SmsWaiting>(db, countStatement);
}

const ofNumberStatement: Statement = {
  name: 'sms_of_number',
  text: `select ${columns} from sms where number_index = $1 order by id desc limit $2`,
};

export async function readOfNumber(db: Db, index: Uuid, limit: number): Promise<Sms[]> {
  return (await read<SmsRow>(db, ofNumberStatement, [index, limit])).map(smsOf);
}

const retryStatement: Statement = {
  name: 'sms_retry',
  text: `update sms set state = 'owed', state_since = $2, reason = null, tries = 0, next_at = $2, expires_at = $3
    where id = $1 and state in ('undelivered', 'expired', 'failed') and kind <> 'answer' returning id`,
};

/** What has ended without arriving is owed again. Answers are not: who asked has long asked again. */
export async function owedAgain(tx: Tx, id: bigint, until: { at: Date; expiresAt: Date }): Promise<boolean> {
  return (await tx.rows(retryStatement, [id, until.at, until.expiresAt])).length > 0;
}

const expireAllStatement: Statement = {
  name: 'sms_expire_all',
  text: `update sms set state = 'expired', state_since = $1, next_at = null, text = null, number_sealed = null where id in (
      select id from sms where next_at <= $1 and expires_at <= $2 limit $3 for no key update skip locked
    )`,
};

/** Ends what no route has looked after: its operator has none any more. */
export function expireAll(tx: Tx, expiry: { now: Date; before: Date; limit: number }): void {
  tx.send(expireAllStatement, [expiry.now, expiry.before, expiry.limit]);
}

const sweepStatement: Statement = {
  name: 'sms_sweep',
  text: `with old as (
      delete from sms where id in (select id from sms where next_at is null and state_since < $1 order by state_since limit $2) returning id
    ), parts as (delete from sms_part using old where sms_part.sms = old.id)
    select id from old`,
};

/** Forgets what ended before that. Answers how many. */
export async function sweepEnded(tx: Tx, before: Date, limit: number): Promise<number> {
  return (await tx.rows(sweepStatement, [before, limit])).length;
}
