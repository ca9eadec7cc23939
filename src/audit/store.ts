import type { Statement, Tx } from '../db/index.ts';

export type Entry = {
  readonly actor: string;
  /** `noun.verb` of what was done. */
  readonly action: string;
  /** What it was done to, `kind:id`. Never a PIN, a token or a full number. */
  readonly subject: string;
  readonly details: Readonly<Record<string, string | number>>;
};

const insertStatement: Statement = {
  name: 'audit_insert',
  // Writers share a lock until they commit and the sealer takes it alone: ids are given out before commit, and sealing must
  // not pass one that is still to appear.
  text: `with writer as (select pg_advisory_xact_lock_shared(hashtext('sapar audit')))
    insert into audit_entry (actor, action, subject, details) select $1, $2, $3, $4 from writer`,
};

export function insertEntry(tx: Tx, entry: Entry): void {
  tx.send(insertStatement, [entry.actor, entry.action, entry.subject, JSON.stringify(entry.details)]);
}

export type SealedRow = { id: bigint; canonical: string; hash: Buffer | null };

// The text that is hashed is made by the database, so that sealing and verifying cannot disagree about formatting.
const canonical = `jsonb_build_array(id, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), actor, action, subject, details)::text`;

const lockSealingStatement: Statement = {
  name: 'audit_lock_sealing',
  text: `select pg_advisory_xact_lock(hashtext('sapar audit'))`,
};
const lastSealStatement: Statement = {
  name: 'audit_last_seal',
  text: 'select entry, hash from audit_seal order by entry desc limit 1',
};
const unsealedStatement: Statement = {
  name: 'audit_unsealed',
  text: `select id, ${canonical} as canonical from audit_entry where id > $1 order by id limit $2`,
};
const insertSealsStatement: Statement = {
  name: 'audit_insert_seals',
  text: 'insert into audit_seal (entry, hash) select * from unnest($1::bigint[], $2::bytea[])',
};
const chainStatement: Statement = {
  name: 'audit_chain',
  text: `select audit_entry.id, ${canonical} as canonical, audit_seal.hash
    from audit_entry left join audit_seal on audit_seal.entry = audit_entry.id where audit_entry.id > $1 order by audit_entry.id limit $2`,
};
const orphanSealsStatement: Statement = {
  name: 'audit_orphan_seals',
  text: 'select entry from audit_seal where not exists (select from audit_entry where id = entry) order by entry limit 10',
};

/** Awaited: the reads after it must see what the last writer committed. */
export async function lockSealing(tx: Tx): Promise<void> {
  await tx.rows(lockSealingStatement);
}

export async function lastSeal(tx: Tx): Promise<{ entry: bigint; hash: Buffer } | undefined> {
  const rows = await tx.rows<{ entry: bigint; hash: Buffer }>(lastSealStatement);
  return rows[0];
}

export function unsealedAfter(tx: Tx, entry: bigint, limit: number): Promise<{ id: bigint; canonical: string }[]> {
  return tx.rows(unsealedStatement, [entry, limit]);
}

export function insertSeals(tx: Tx, seals: readonly { entry: bigint; hash: Buffer }[]): void {
  tx.send(insertSealsStatement, [seals.map((seal) => seal.entry), seals.map((seal) => seal.hash)]);
}

const snapshotStatement: Statement = {
  name: 'audit_snapshot',
  text: 'set transaction isolation level repeatable read read only',
};

/** First in its transaction: all that follows is seen as of one instant. */
export function takeSnapshot(tx: Tx): void {
  tx.send(snapshotStatement);
}

export function readChain(tx: Tx, after: bigint, limit: number): Promise<SealedRow[]> {
  return tx.rows<SealedRow>(chainStatement, [after, limit]);
}

export async function orphanSeals(tx: Tx): Promise<bigint[]> {
  const rows = await tx.rows<{ entry: bigint }>(orphanSealsStatement);
  return rows.map((row) => row.entry);
}
