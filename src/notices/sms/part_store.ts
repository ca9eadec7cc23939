import type { Uuid } from '../../base/ids.ts';
import { pgArray, pgTextArray, type Statement, type Tx } from '../../db/index.ts';
import type { PartState, SmsPart, SmsReceipt } from './sms.ts';

type PartRow = { sms: bigint; copy: number; part: number; gateway: string; message_id: string; state: PartState };

const columns = ['sms', 'copy', 'part', 'gateway', 'message_id', 'state'].map((name) => `sms_part.${name}`).join(', ');

function partOf({ message_id, ...row }: PartRow): SmsPart {
  return { ...row, messageId: message_id };
}

const ofMessagesStatement: Statement = {
  name: 'sms_parts_of_messages',
  // Oldest first: the last one of a part says how it stands.
  text: `select ${columns} from unnest($1::bigint[]) as wanted (sms) join sms_part on sms_part.sms = wanted.sms order by sms_part.sms, copy, part`,
};

export async function readParts(tx: Tx, messages: readonly bigint[]): Promise<SmsPart[]> {
  return (await tx.rows<PartRow>(ofMessagesStatement, [pgArray(messages)])).map(partOf);
}

const findStatement: Statement = {
  name: 'sms_parts_find',
  text: `select distinct sms_part.sms from unnest($1::text[], $2::text[]) as wanted (gateway, message_id)
    join sms_part on sms_part.gateway = wanted.gateway and sms_part.message_id = wanted.message_id`,
};

export type Name = { readonly gateway: string; readonly messageId: string };

/** Messages with a part of one of these names. A centre that starts again may give its names again, so there may be several. */
export async function findByName(tx: Tx, names: readonly Name[]): Promise<bigint[]> {
  const rows = await tx.rows<{ sms: bigint }>(findStatement, [
    pgTextArray(names.map((name) => name.gateway)),
    pgTextArray(names.map((name) => name.messageId)),
  ]);
  return rows.map((row) => row.sms);
}

const insertStatement: Statement = {
  name: 'sms_parts_insert',
  text: `insert into sms_part (sms, copy, part, gateway, message_id, state, at)
    select sms, copy, part, gateway, message_id, state, $7
    from unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::text[], $5::text[], $6::text[]) as row (sms, copy, part, gateway, message_id, state)`,
};

export function insertParts(tx: Tx, parts: readonly SmsPart[], at: Date): void {
  if (parts.length === 0) return;
  tx.send(insertStatement, [
    pgArray(parts.map((one) => one.sms)),
    pgArray(parts.map((one) => one.copy)),
    pgArray(parts.map((one) => one.part)),
    pgTextArray(parts.map((one) => one.gateway)),
    pgTextArray(parts.map((one) => one.messageId)),
    pgArray(parts.map((one) => one.state)),
    at,
  ]);
}

const setStatement: Statement = {
  name: 'sms_parts_set',
  text: `update sms_part set state = row.state
    from unnest($1::bigint[], $2::smallint[], $3::smallint[], $4::text[]) as row (sms, copy, part, state)
    where sms_part.sms = row.sms and sms_part.copy = row.copy and sms_part.part = row.part`,
};

export function setParts(tx: Tx, parts: readonly SmsPart[]): void {
  if (parts.length === 0) return;
  tx.send(setStatement, [
    pgArray(parts.map((one) => one.sms)),
    pgArray(parts.map((one) => one.copy)),
    pgArray(parts.map((one) => one.part)),
    pgArray(parts.map((one) => one.state)),
  ]);
}

const silenceStatement: Statement = {
  name: 'sms_parts_silence',
  text: `update sms_part set state = 'silent' where sms = any($1::bigint[]) and state = 'accepted'`,
};

/** No receipt has come for these: whatever of them was taken is sent again. */
export function silenceParts(tx: Tx, messages: readonly bigint[]): void {
  if (messages.length > 0) tx.send(silenceStatement, [pgArray(messages)]);
}

/** A receipt of which it is not known yet what it is about. */
export type Stray = Name & { readonly numberIndex: Uuid; readonly outcome: SmsReceipt['outcome'] };

const keepStatement: Statement = {
  name: 'sms_receipts_keep',
  text: `insert into sms_receipt (gateway, message_id, number_index, outcome, at)
    select gateway, message_id, number_index, outcome, $5
    from unnest($1::text[], $2::text[], $3::uuid[], $4::text[]) as row (gateway, message_id, number_index, outcome)`,
};

export function keepStrays(tx: Tx, strays: readonly Stray[], at: Date): void {
  if (strays.length === 0) return;
  tx.send(keepStatement, [
    pgTextArray(strays.map((one) => one.gateway)),
    pgTextArray(strays.map((one) => one.messageId)),
    pgArray(strays.map((one) => one.numberIndex)),
    pgArray(strays.map((one) => one.outcome)),
    at,
  ]);
}

const takeStatement: Statement = {
  name: 'sms_receipts_take',
  text: `delete from sms_receipt using unnest($1::text[], $2::text[]) as wanted (gateway, message_id)
    where sms_receipt.gateway = wanted.gateway and sms_receipt.message_id = wanted.message_id
    returning sms_receipt.gateway, sms_receipt.message_id, sms_receipt.number_index, sms_receipt.outcome`,
};

/** Those that were waiting for these names, which are known now. */
export async function takeStrays(tx: Tx, names: readonly Name[]): Promise<Stray[]> {
  if (names.length === 0) return [];
  type Row = { gateway: string; message_id: string; number_index: Uuid; outcome: Stray['outcome'] };
  const rows = await tx.rows<Row>(takeStatement, [
    pgTextArray(names.map((name) => name.gateway)),
    pgTextArray(names.map((name) => name.messageId)),
  ]);
  return rows.map((row) => ({ ...row, messageId: row.message_id, numberIndex: row.number_index }));
}

const sweepStatement: Statement = {
  name: 'sms_receipts_sweep',
  text: 'delete from sms_receipt where id in (select id from sms_receipt where at < $1 order by at limit $2)',
};

export function sweepStrays(tx: Tx, before: Date, limit: number): void {
  tx.send(sweepStatement, [before, limit]);
}
