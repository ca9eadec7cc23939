import type { Uuid } from '../../base/ids.ts';
import { type Db, read, type Statement, type Tx } from '../../db/index.ts';

const stopStatement: Statement = {
  name: 'sms_stop',
  text: `insert into sms_contact (number_index, stopped_at) values ($1, $2)
    on conflict (number_index) do update set stopped_at = $2 where sms_contact.stopped_at is null returning number_index`,
};

/** Whether it was otherwise before. */
export async function stop(tx: Tx, index: Uuid, at: Date): Promise<boolean> {
  return (await tx.rows(stopStatement, [index, at])).length > 0;
}

const startStatement: Statement = {
  name: 'sms_start',
  text: 'update sms_contact set stopped_at = null where number_index = $1 and stopped_at is not null returning number_index',
};

export async function start(tx: Tx, index: Uuid): Promise<boolean> {
  return (await tx.rows(startStatement, [index])).length > 0;
}

const dropOwedStatement: Statement = {
  name: 'sms_drop_owed',
  // What is in a worker's hands, or at the SMS centre, is past recall.
  text: `update sms set state = 'failed', state_since = $2, reason = 'number.stopped', next_at = null, text = null, number_sealed = null
    where number_index = $1 and state = 'owed' and kind <> 'answer'`,
};

/** News that waits for a number that wants none any more. */
export function dropOwed(tx: Tx, index: Uuid, at: Date): void {
  tx.send(dropOwedStatement, [index, at]);
}

const stoppedStatement: Statement = {
  name: 'sms_stopped',
  text: 'select stopped_at from sms_contact where number_index = $1',
};

/** Since when a number wants no notices. */
export async function readStopped(db: Db, index: Uuid): Promise<Date | undefined> {
  const [row] = await read<{ stopped_at: Date | null }>(db, stoppedStatement, [index]);
  return row?.stopped_at ?? undefined;
}

const countAnswerStatement: Statement = {
  name: 'sms_count_answer',
  // One statement, so that of many texts at once no more are answered than may be.
  text: `insert into sms_contact (number_index, answers_from, answers) values ($1, $2, 1)
    on conflict (number_index) do update set
      answers_from = case when sms_contact.answers_from > $3 then sms_contact.answers_from else $2 end,
      answers = case when sms_contact.answers_from > $3 then sms_contact.answers + 1 else 1 end
    where sms_contact.answers < $4 or sms_contact.answers_from is null or sms_contact.answers_from <= $3 returning number_index`,
};

/** Whether one more answer is within what a number may have in a while. */
export async function countAnswer(
  tx: Tx,
  index: Uuid,
  { at, since, max }: { at: Date; since: Date; max: number },
): Promise<boolean> {
  return (await tx.rows(countAnswerStatement, [index, at, since, max])).length > 0;
}

const hintStatement: Statement = {
  name: 'sms_hint',
  text: `insert into sms_contact (number_index, hinted_at) values ($1, $2)
    on conflict (number_index) do update set hinted_at = $2 where sms_contact.hinted_at is null or sms_contact.hinted_at <= $3 returning number_index`,
};

/** Whether a text that nobody understood may be answered: once in a while, or two programs would write to each other for ever. */
export async function hint(tx: Tx, index: Uuid, { at, since }: { at: Date; since: Date }): Promise<boolean> {
  return (await tx.rows(hintStatement, [index, at, since])).length > 0;
}

const forgetStatement: Statement = {
  name: 'sms_forget_contacts',
  // A wish to be left alone is kept; the rest says nothing any more.
  text: `delete from sms_contact where stopped_at is null and coalesce(hinted_at, '-infinity') < $1 and coalesce(answers_from, '-infinity') < $1`,
};

export function forgetContacts(tx: Tx, before: Date): void {
  tx.send(forgetStatement, [before]);
}

export type Piece = {
  readonly numberIndex: Uuid;
  readonly gateway: string;
  readonly reference: number;
  readonly pieces: number;
  readonly no: number;
};

const keepPieceStatement: Statement = {
  name: 'sms_keep_piece',
  // A piece that comes again is the same; one of a message long ago has its reference by chance.
  text: `insert into sms_piece (number_index, gateway, reference, pieces, no, text_sealed, at) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (number_index, gateway, reference, pieces, no) do update set text_sealed = $6, at = $7`,
};

export function keepPiece(tx: Tx, piece: Piece, kept: { sealed: Buffer; at: Date }): void {
  const { numberIndex, gateway, reference, pieces, no } = piece;
  tx.send(keepPieceStatement, [numberIndex, gateway, reference, pieces, no, kept.sealed, kept.at]);
}

const piecesStatement: Statement = {
  name: 'sms_pieces',
  text: `select no, text_sealed from sms_piece
    where number_index = $1 and gateway = $2 and reference = $3 and pieces = $4 and at > $5 order by no for update`,
};

export function readPieces(tx: Tx, piece: Piece, since: Date): Promise<{ no: number; text_sealed: Buffer }[]> {
  const { numberIndex, gateway, reference, pieces } = piece;
  return tx.rows(piecesStatement, [numberIndex, gateway, reference, pieces, since]);
}

const dropPiecesStatement: Statement = {
  name: 'sms_drop_pieces',
  text: 'delete from sms_piece where number_index = $1 and gateway = $2 and reference = $3 and pieces = $4',
};

export function dropPieces(tx: Tx, { numberIndex, gateway, reference, pieces }: Piece): void {
  tx.send(dropPiecesStatement, [numberIndex, gateway, reference, pieces]);
}

const sweepPiecesStatement: Statement = {
  name: 'sms_sweep_pieces',
  text: 'delete from sms_piece where at < $1',
};

export function sweepPieces(tx: Tx, before: Date): void {
  tx.send(sweepPiecesStatement, [before]);
}
