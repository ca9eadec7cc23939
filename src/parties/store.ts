import type { Uuid } from '../base/ids.ts';
import { type Db, pgArray, pgTextArray, type Row, read, type Statement, type Tx } from '../db/index.ts';
import type { PartyId } from '../ledger/index.ts';

export type HolderRow = { number_index: Uuid; id: PartyId; status: string };

export type SubscriberRow = HolderRow & {
  operator: string | null;
  language: string | null;
};

const findStatement: Statement = {
  name: 'parties_find_holders',
  text: `select subject.number_index, subscriber as id, status
    from unnest($1::uuid[]) as wanted (number_index) join subject on subject.number_index = wanted.number_index`,
};

export function findHolders(tx: Tx, indexes: readonly Uuid[]): Promise<HolderRow[]> {
  return tx.rows<HolderRow>(findStatement, [pgArray(indexes)]);
}

// Outside a lane plans are not pinned: a lateral with a limit stays a look-up by key, whatever the table was when it was planned.
const readStatement: Statement = {
  name: 'parties_read_subscribers',
  text: `select found.* from unnest($1::uuid[]) as wanted (number_index) cross join lateral (
      select number_index, subscriber as id, status, operator, language from subject
      where subject.number_index = wanted.number_index limit 1
    ) as found`,
};

export function readSubscribers(db: Db, indexes: readonly Uuid[]): Promise<SubscriberRow[]> {
  return read<SubscriberRow>(db, readStatement, [pgArray(indexes)]);
}

export type SealedRow = { number_index: Uuid; number_sealed: Buffer; data_key_sealed: Buffer; status: string };

export type OwnerRow = SealedRow & { id: PartyId; language: string | null };

const sealedStatement: Statement = {
  name: 'parties_sealed',
  text: `select found.* from unnest($1::bigint[]) as wanted (id) cross join lateral (
      select subscriber as id, number_index, number_sealed, data_key_sealed, status, language from subject where subscriber = wanted.id limit 1
    ) as found`,
};

export function readSealed(db: Db, ids: readonly PartyId[]): Promise<OwnerRow[]> {
  return read<OwnerRow>(db, sealedStatement, [pgArray(ids)]);
}

export function findSealed(tx: Tx, id: PartyId): Promise<OwnerRow[]> {
  return tx.rows<OwnerRow>(sealedStatement, [pgArray([id])]);
}

const anySealedStatement: Statement = {
  name: 'parties_any_sealed',
  text: 'select number_index, number_sealed, data_key_sealed, status from subject limit 1',
};

/** Whichever number comes first. */
export async function readAnySealed(db: Db): Promise<SealedRow | undefined> {
  const [row] = await read<SealedRow>(db, anySealedStatement);
  return row;
}

export type NewSubscriber = { id: PartyId; index: Uuid; number: Buffer; dataKey: Buffer; operator: string | null };

const insertStatement: Statement = {
  name: 'parties_insert_subscribers',
  text: `insert into subject (number_index, subscriber, number_sealed, data_key_sealed, operator)
    select * from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[], $5::text[])`,
};

/** A number that another process has just registered fails the batch; run again, it is found. */
export function insertSubscribers(tx: Tx, rows: readonly NewSubscriber[]): void {
  tx.send(insertStatement, [
    pgArray(rows.map((row) => row.index)),
    pgArray(rows.map((row) => row.id)),
    pgTextArray(rows.map((row) => `\\x${row.number.toString('hex')}`)),
    pgTextArray(rows.map((row) => `\\x${row.dataKey.toString('hex')}`)),
    pgTextArray(rows.map((row) => row.operator)),
  ]);
}

const takeIdsStatement: Statement = {
  name: 'parties_take_ids',
  text: `select nextval('party_id') as id from generate_series(1, $1::int)`,
};

/** Taken for good, also by a transaction that comes to nothing. */
export async function takeIds(tx: Tx, count: number): Promise<PartyId[]> {
  const rows = await tx.rows<{ id: PartyId }>(takeIdsStatement, [count]);
  return rows.map((row) => row.id);
}

const setLanguageStatement: Statement = {
  name: 'parties_set_language',
  text: 'update subject set language = $2 where subscriber = $1',
};

export function setLanguage(tx: Tx, id: PartyId, language: string): void {
  tx.send(setLanguageStatement, [id, language]);
}

const setStatusStatement: Statement = {
  name: 'parties_set_status',
  text: 'update subject set status = $2 where subscriber = $1 and status <> $2 returning subscriber as id',
};

/** Whether it was another before. */
export async function setStatus(tx: Tx, id: PartyId, status: string): Promise<boolean> {
  return (await tx.rows(setStatusStatement, [id, status])).length > 0;
}

export type BalanceRow = { id: bigint; balance: bigint; expires_at: Date | null };

const balancesStatement: Statement = {
  name: 'parties_balances',
  text: `select account.id, credits_posted - debits_posted - debits_pending as balance, bucket.expires_at
    from account left join bucket on bucket.account = account.id
    where account.id between $1 and $2 and (bucket.account is null or (bucket.closed_at is null and bucket.expires_at > $3))
    order by account.id`,
};

export function readBalances(db: Db, range: { from: bigint; to: bigint }, at: Date): Promise<BalanceRow[]> {
  return read<BalanceRow>(db, balancesStatement, [range.from, range.to, at]);
}

export type MovementRow = {
  event: Uuid;
  leg: number;
  code: string;
  credited: boolean;
  amount: bigint;
  unit: number;
  recorded_at: Date;
};

const movementsStatement: Statement = {
  name: 'parties_movements',
  text: `select event, leg, code, credited, amount, unit, recorded_at from (
      select event, leg, code, true as credited, amount, unit, recorded_at from transfer
      where credit in (select id from account where id between $1 and $2) and credit > 0 and kind in ('posted', 'captured') and recorded_at < $3
      union all
      select event, leg, code, false, amount, unit, recorded_at from transfer
      where debit in (select id from account where id between $1 and $2) and debit > 0 and kind in ('posted', 'captured') and recorded_at < $3
    ) as movement order by recorded_at desc, event, leg limit $4`,
};

export function readMovements(
  db: Db,
  range: { from: bigint; to: bigint },
  page: { before: Date; limit: number },
): Promise<MovementRow[]> {
  return read<MovementRow>(db, movementsStatement, [range.from, range.to, page.before, page.limit]);
}

export type PartnerRow = { id: PartyId; name: string; status: string; created_at: Date; balance: bigint };

const partnerColumns = `partner.id, partner.name, partner.status, partner.created_at,
  coalesce(account.credits_posted - account.debits_posted - account.debits_pending, 0) as balance`;
// The float's account id: owner << 20 | unit 1 (KZT) << 16 | 65535, see src/ledger/account.ts.
const partnerSource = 'partner left join account on account.id = ((partner.id << 20) | (1 << 16) | 65535)';

const partnersStatement: Statement = {
  name: 'parties_partners',
  text: `select ${partnerColumns} from ${partnerSource} order by partner.id`,
};
const partnerByNameStatement: Statement = {
  name: 'parties_partner_by_name',
  text: `select ${partnerColumns} from ${partnerSource} where partner.name = $1`,
};

export function readPartners(db: Db): Promise<PartnerRow[]> {
  return read<PartnerRow>(db, partnersStatement);
}

export async function readPartner(db: Db, name: string): Promise<PartnerRow | undefined> {
  const rows = await read<PartnerRow>(db, partnerByNameStatement, [name]);
  return rows[0];
}

const insertPartnerStatement: Statement = {
  name: 'parties_insert_partner',
  text: 'insert into partner (id, name) values ($1, $2) on conflict (name) do nothing returning id',
};

export function insertPartner(tx: Tx, partner: { id: PartyId; name: string }): Promise<Row[]> {
  return tx.rows(insertPartnerStatement, [partner.id, partner.name]);
}

const setPartnerStatusStatement: Statement = {
  name: 'parties_set_partner_status',
  text: 'update partner set status = $2 where id = $1',
};

export function setPartnerStatus(tx: Tx, id: PartyId, status: 'active' | 'suspended'): void {
  tx.send(setPartnerStatusStatement, [id, status]);
}

const insertKeyStatement: Statement = {
  name: 'parties_insert_key',
  text: 'insert into api_key (id, partner, secret_hash, scopes) values ($1, $2, $3, $4)',
};

export function insertKey(
  tx: Tx,
  key: { id: string; partner: PartyId; secretHash: Buffer; scopes: readonly string[] },
): void {
  tx.send(insertKeyStatement, [key.id, key.partner, key.secretHash, pgTextArray(key.scopes)]);
}

const revokeKeyStatement: Statement = {
  name: 'parties_revoke_key',
  text: 'update api_key set revoked_at = $2 where id = $1 and revoked_at is null returning partner',
};

export function revokeKey(tx: Tx, id: string, at: Date): Promise<Row[]> {
  return tx.rows(revokeKeyStatement, [id, at]);
}

export type KeyRow = {
  id: string;
  secret_hash: Buffer;
  scopes: string[];
  revoked_at: Date | null;
  partner: PartyId;
  name: string;
  status: string;
};

const readKeyStatement: Statement = {
  name: 'parties_read_key',
  text: `select api_key.id, api_key.secret_hash, api_key.scopes, api_key.revoked_at, partner.id as partner, partner.name, partner.status
    from api_key join partner on partner.id = api_key.partner where api_key.id = $1`,
};

export async function readKey(db: Db, id: string): Promise<KeyRow | undefined> {
  const rows = await read<KeyRow>(db, readKeyStatement, [id]);
  return rows[0];
}
