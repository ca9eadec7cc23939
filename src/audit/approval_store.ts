import type { Canonical } from '../base/canonical.ts';
import { type Db, read, type Statement, type Tx } from '../db/index.ts';

export type ApprovalRequest = { readonly [name: string]: Canonical };

export type ApprovalRow = {
  id: bigint;
  action: string;
  request: ApprovalRequest;
  maker: string;
  needed: number;
  created_at: Date;
  expires_at: Date;
  used_at: Date | null;
  checkers: string[];
};

const insertStatement: Statement = {
  name: 'approvals_insert',
  text: `insert into approval (action, request, request_hash, maker, needed, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7) returning id`,
};

export type NewApproval = {
  readonly action: string;
  readonly request: ApprovalRequest;
  readonly hash: Buffer;
  readonly maker: string;
  readonly needed: number;
  readonly at: Date;
  readonly expiresAt: Date;
};

export async function insertApproval(tx: Tx, row: NewApproval): Promise<bigint | undefined> {
  const { action, request, hash, maker, needed, at, expiresAt } = row;
  const values = [action, JSON.stringify(request), hash, maker, needed, at, expiresAt];
  const [inserted] = await tx.rows<{ id: bigint }>(insertStatement, values);
  return inserted?.id;
}

const lockStatement: Statement = {
  name: 'approvals_lock',
  // Two checkers at once would each count only their own vote. The row itself cannot be locked: nobody may update it.
  text: `select pg_advisory_xact_lock(hashtextextended('sapar approval', $1))`,
};

/** Awaited: the reads after it must see what the last voter committed. */
export async function lockApproval(tx: Tx, id: bigint): Promise<void> {
  await tx.rows(lockStatement, [id]);
}

const columns = `approval.id, approval.action, approval.request, approval.maker, approval.needed, approval.created_at, approval.expires_at,
    approval_use.used_at, array(select checker from approval_vote where approval_vote.approval = approval.id order by voted_at) as checkers`;
const source = 'approval left join approval_use on approval_use.approval = approval.id';

const findStatement: Statement = {
  name: 'approvals_find',
  text: `select ${columns} from ${source} where approval.id = $1`,
};

export async function findApproval(tx: Tx, id: bigint): Promise<ApprovalRow | undefined> {
  const rows = await tx.rows<ApprovalRow>(findStatement, [id]);
  return rows[0];
}

export async function readApproval(db: Db, id: bigint): Promise<ApprovalRow | undefined> {
  const rows = await read<ApprovalRow>(db, findStatement, [id]);
  return rows[0];
}

const openStatement: Statement = {
  name: 'approvals_open',
  text: `select ${columns} from ${source} where approval_use.approval is null and approval.expires_at >= $1 order by approval.id limit $2`,
};
const allStatement: Statement = {
  name: 'approvals_all',
  text: `select ${columns} from ${source} order by approval.id desc limit $1`,
};

/** Oldest first: what waits longest is seen first. */
export function readOpen(db: Db, at: Date, limit: number): Promise<ApprovalRow[]> {
  return read<ApprovalRow>(db, openStatement, [at, limit]);
}

/** Newest first, whatever became of them. */
export function readAll(db: Db, limit: number): Promise<ApprovalRow[]> {
  return read<ApprovalRow>(db, allStatement, [limit]);
}

const dueStatement: Statement = {
  name: 'approvals_due',
  text: `select approval.id from ${source}
    where approval_use.approval is null and approval.expires_at >= $1 and (approval.request ->> 'at')::timestamptz <= $1
      and approval.needed <= (select count(*) from approval_vote where approval_vote.approval = approval.id)
    order by (approval.request ->> 'at')::timestamptz, approval.id limit $2`,
};

/** Approved for an instant that has come, and not done yet. */
export async function readDue(db: Db, at: Date, limit: number): Promise<bigint[]> {
  return (await read<{ id: bigint }>(db, dueStatement, [at, limit])).map((row) => row.id);
}

const voteStatement: Statement = {
  name: 'approvals_vote',
  text: 'insert into approval_vote (approval, checker, voted_at) values ($1, $2, $3)',
};

/** Awaited: the database's own no (the maker, or too late) is the answer to the checker. */
export async function insertVote(tx: Tx, vote: { approval: bigint; checker: string; at: Date }): Promise<void> {
  await tx.rows(voteStatement, [vote.approval, vote.checker, vote.at]);
}

const useStatement: Statement = {
  name: 'approvals_use',
  text: 'insert into approval_use (approval, request_hash, used_at) values ($1, $2, $3)',
};

/** Awaited: nothing is done under an approval that the database does not accept. */
export async function insertUse(tx: Tx, use: { approval: bigint; hash: Buffer; at: Date }): Promise<void> {
  await tx.rows(useStatement, [use.approval, use.hash, use.at]);
}
