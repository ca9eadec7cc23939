import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { assert } from '../base/assert.ts';

export type MigrateOptions = {
  /** For the owner of the schema, and a direct connection: a pooler between would lose the session's lock. */
  readonly url: string;
  /** Holds NNNN_name.sql and nothing else that ends in .sql. */
  readonly dir: string;
  readonly log: (line: string) => void;
};

type Migration = { readonly name: string; readonly sql: string; readonly sha256: string };

/** An arbitrary number that is ours: everybody who migrates this database must take the same lock. */
const LOCK = '7309453281640711';
/** A change that waits for a table keeps everybody behind it waiting too; better that it fails whole and is tried again. */
const LOCK_TIMEOUT_MS = 30_000;
const CONNECT_MS = 10_000;
const FILE_NAME = /^\d{4}_[a-z0-9_]+\.sql$/;
/**
 * Files that were reworded after they had been applied somewhere, with the SHA-256 of what they were. Both texts leave the same database;
 * anything else is a new migration.
 */
const REWORDED = new Map([['0001_ledger.sql', '79c66c88d1730d588cb9aa3b8563c01a7d3fd6ececf598186cab4fe8d60e3574']]);
/** At the start of a line and followed by the semicolon: what PL/pgSQL calls `begin` has none. */
const OWN_TRANSACTION =
  /^[ \t]*(begin|start transaction|commit|rollback|end transaction|abort)( work| transaction)?[ \t]*;/im;

/**
 * Brings the database to the version of the code: forward only, each file in a transaction of its own, whole or not at all.
 * Safe to call from several processes at once: one works, the others wait and find nothing left to do. Refuses a
 * database that is newer than the code, and a file that was changed after it was applied.
 */
export async function migrate(options: MigrateOptions): Promise<{ applied: string[] }> {
  const migrations = readMigrations(options.dir);
  const client = new pg.Client({
    connectionString: options.url,
    application_name: 'sapar migrate',
    connectionTimeoutMillis: CONNECT_MS,
  });
  // The query in progress reports the loss; without a listener it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await assertNewEnough(client);
    await takeTurn(client, options.log);
    await client.query(
      'create table if not exists schema_migration (name text primary key, sha256 text not null, applied_at timestamptz not null default now())',
    );
    const applied: string[] = [];
    for (const migration of await pending(client, migrations)) {
      await apply(client, migration);
      options.log(`migrated ${migration.name}`);
      applied.push(migration.name);
    }
    return { applied };
  } finally {
    // Ends the session, and with it the lock, whatever state the connection is in.
    await client.end().catch(() => undefined);
  }
}

export type Versioned = { query(text: string): Promise<{ rows: { number: number; name: string }[] }> };

const SERVER_MIN = 150_000;

/** An older server may do most of it, and fail where nobody has looked. */
export async function assertNewEnough(client: Versioned): Promise<void> {
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as name`,
  );
  const [version] = rows;
  if (!version || version.number < SERVER_MIN)
    throw new Error(`PostgreSQL ${SERVER_MIN / 10_000} or newer is needed; this is ${version?.name ?? 'not known'}`);
}

function readMigrations(dir: string): Migration[] {
  const names = readdirSync(dir)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const misnamed = names.filter((name) => !FILE_NAME.test(name));
  if (misnamed.length > 0)
    throw new Error(`migrations are called 0001_name.sql, in lower case: ${misnamed.join(', ')}`);
  const twice = names.find((name, index) => numberOf(name) === numberOf(names[index + 1] ?? ''));
  if (twice !== undefined)
    throw new Error(`two migrations have the number ${numberOf(twice)}: give the later one the next free number`);
  return names.map((name) => {
    // The same file checked out with other line ends is the same migration.
    const sql = readFileSync(join(dir, name), 'utf8').replaceAll('\r\n', '\n');
    const own = OWN_TRANSACTION.exec(sql);
    if (own)
      throw new Error(
        `${name} contains '${own[0].trim()}': each file already is one transaction, which it may not end`,
      );
    return { name, sql, sha256: createHash('sha256').update(sql).digest('hex') };
  });
}

/** A session lock, because it has to outlive the transactions of the single files. */
async function takeTurn(client: pg.Client, log: (line: string) => void): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [LOCK]);
  if (rows[0]?.taken) return;
  log('another process is migrating this database; waiting');
  await client.query('select pg_advisory_lock($1)', [LOCK]);
}

/** What the code has and the database has not, provided that all the rest agrees. */
async function pending(client: pg.Client, migrations: readonly Migration[]): Promise<Migration[]> {
  const { rows } = await client.query<{ name: string; sha256: string }>(
    'select name, sha256 from schema_migration order by name',
  );
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  const latest = migrations.at(-1)?.name ?? '';
  for (const { name, sha256 } of rows) {
    const migration = known.get(name);
    if (!migration && name > latest) {
      throw new Error(
        `the database has ${name}, which this version does not know: run the newer version, or restore a backup made before it`,
      );
    }
    if (!migration)
      throw new Error(`${name} was applied to this database, but its file is gone or renamed: restore the file`);
    if (migration.sha256 !== sha256 && REWORDED.get(name) !== sha256) {
      throw new Error(
        `${name} was changed after it was applied: restore the file, and make the change in a new migration`,
      );
    }
  }
  const done = new Set(rows.map(({ name }) => name));
  const open = migrations.filter(({ name }) => !done.has(name));
  const last = rows.at(-1)?.name ?? '';
  const late = open.find(({ name }) => name < last);
  if (late)
    throw new Error(`${late.name} comes before ${last}, which is applied already: give it the next free number`);
  return open;
}

async function apply(client: pg.Client, { name, sql, sha256 }: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    const before = await transactionId(client);
    await client.query(sql);
    assert(before === (await transactionId(client)), `${name} leaves its transaction to migrate`);
    await client.query('insert into schema_migration (name, sha256) values ($1, $2)', [name, sha256]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback').catch(() => undefined);
    throw new Error(
      `${name}${lineOf(sql, cause)}: ${cause instanceof Error ? cause.message : String(cause)}. Nothing of this file was applied`,
      { cause },
    );
  }
}

async function transactionId(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ id: string }>('select pg_current_xact_id()::text as id');
  return rows[0]?.id;
}

/** PostgreSQL counts characters from the start of the file; an editor counts lines. */
function lineOf(sql: string, error: unknown): string {
  if (!(error instanceof pg.DatabaseError) || error.position === undefined) return '';
  return `, line ${sql.slice(0, Number(error.position)).split('\n').length}`;
}

function numberOf(name: string): string {
  return name.slice(0, 4);
}
