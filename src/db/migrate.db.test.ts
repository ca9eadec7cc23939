import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { type EmbeddedDatabase, startEmbedded } from './embedded.ts';
import { assertNewEnough, migrate } from './migrate.ts';

const root = mkdtempSync(join(tmpdir(), 'sapar-migrate-test-'));
let database: EmbeddedDatabase;
let client: pg.Client;
let dir = '';
let url = '';
let rounds = 0;

before(async () => {
  database = await startEmbedded({ dataDir: join(root, 'data'), log: () => undefined });
});

beforeEach(async () => {
  await client?.end();
  rounds += 1;
  const name = `round_${rounds}`;
  const admin = new pg.Client({ connectionString: database.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  url = database.url.replace('/sapar?', `/${name}?`);
  client = new pg.Client({ connectionString: url });
  await client.connect();
  dir = join(root, name);
  mkdirSync(dir);
});

after(async () => {
  await client?.end();
  await database.stop();
  rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

function write(files: Record<string, string>): void {
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(dir, name), sql);
}

async function run(): Promise<string[]> {
  return (await migrate({ url, dir, log: () => undefined })).applied;
}

async function tables(): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public' order by 1",
  );
  return rows.map(({ name }) => name);
}

test('files are applied once, in the order of their numbers', async () => {
  write({
    '0002_b.sql': 'insert into a values (2)',
    '0001_a.sql': 'create table a (n int); insert into a values (1);',
  });
  assert.deepEqual(await run(), ['0001_a.sql', '0002_b.sql']);
  assert.deepEqual(await run(), []);
  write({ '0003_c.sql': 'insert into a values (3)' });
  assert.deepEqual(await run(), ['0003_c.sql']);
  assert.deepEqual((await client.query('select n from a order by n')).rows, [{ n: 1 }, { n: 2 }, { n: 3 }]);
});

test('of several migrators at once one works and the others find it done', async () => {
  write({ '0001_a.sql': 'select pg_sleep(0.2); create table a (n int)', '0002_b.sql': 'insert into a values (1)' });
  const results = await Promise.all([run(), run(), run()]);
  assert.deepEqual(results.flat().sort(), ['0001_a.sql', '0002_b.sql']);
  assert.deepEqual((await client.query('select count(*)::int as n from a')).rows, [{ n: 1 }]);
});

test('a file that fails is undone whole, says where it failed, and keeps what came before it', async () => {
  write({
    '0001_a.sql': 'create table a (n int)',
    '0002_b.sql': 'create table b (n int);\ninsert into b values (1);\nselect nonsense;\n',
  });
  await assert.rejects(run(), /0002_b\.sql, line 3: column "nonsense" does not exist/);
  assert.deepEqual(await tables(), ['a', 'schema_migration']);
  write({ '0002_b.sql': 'create table b (n int)' });
  assert.deepEqual(await run(), ['0002_b.sql']);
});

test('a file changed after it was applied is refused, unless only its line ends changed', async () => {
  write({ '0001_a.sql': 'create table a (n int);\n' });
  await run();
  write({ '0001_a.sql': 'create table a (n int);\r\n' });
  assert.deepEqual(await run(), []);
  write({ '0001_a.sql': 'create table a (n bigint);\n', '0002_b.sql': 'create table b (n int)' });
  await assert.rejects(run(), /0001_a\.sql was changed after it was applied/);
  assert.deepEqual(await tables(), ['a', 'schema_migration']);
});

test('a database newer than the code is refused', async () => {
  write({ '0001_a.sql': 'create table a (n int)', '0002_b.sql': 'create table b (n int)' });
  await run();
  rmSync(join(dir, '0002_b.sql'));
  await assert.rejects(run(), /the database has 0002_b\.sql, which this version does not know/);
});

test('a file that was lost, or that comes too late, is refused', async () => {
  write({ '0001_a.sql': 'create table a (n int)', '0003_c.sql': 'create table c (n int)' });
  await run();
  write({ '0002_b.sql': 'create table b (n int)' });
  await assert.rejects(run(), /0002_b\.sql comes before 0003_c\.sql/);
  rmSync(join(dir, '0002_b.sql'));
  rmSync(join(dir, '0001_a.sql'));
  await assert.rejects(run(), /0001_a\.sql was applied .* gone/);
});

test('a file may not end the transaction it is in, but a function in it may have its own begin', async () => {
  write({ '0001_a.sql': 'create table a (n int);\nCOMMIT;\n' });
  await assert.rejects(run(), /may not end/);
  write({ '0001_a.sql': 'create function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend;\n$$;' });
  assert.deepEqual(await run(), ['0001_a.sql']);
});

test('a name that would sort wrongly is refused', async () => {
  write({ '1_a.sql': 'select 1' });
  await assert.rejects(run(), /called 0001_name\.sql/);
  rmSync(join(dir, '1_a.sql'));
  write({ '0001_a.sql': 'select 1', '0001_b.sql': 'select 1' });
  await assert.rejects(run(), /two migrations have the number 0001/);
});

test('a server that is too old is refused by its name', async () => {
  await assertNewEnough(client);
  const old = { query: async () => ({ rows: [{ number: 140_022, name: '14.22 (Debian 14.22-1)' }] }) };
  await assert.rejects(assertNewEnough(old), /PostgreSQL 15 or newer is needed; this is 14\.22/);
});

test('a database made by the first text of a reworded file is taken as it is; by any other text it is not', async () => {
  dir = fileURLToPath(new URL('../../migrations', import.meta.url));
  await run();
  const made = (sha256: string) =>
    client.query("update schema_migration set sha256 = $1 where name = '0001_ledger.sql'", [sha256]);
  await made('79c66c88d1730d588cb9aa3b8563c01a7d3fd6ececf598186cab4fe8d60e3574');
  assert.deepEqual(await run(), []);
  await made('79c66c88d1730d588cb9aa3b8563c01a7d3fd6ececf598186cab4fe8d60e3575');
  await assert.rejects(run(), /0001_ledger\.sql was changed after it was applied/);
});

test('a role that may make roles needs nobody', async () => {
  dir = fileURLToPath(new URL('../../migrations', import.meta.url));
  const name = `round_${rounds}`;
  await client.query(`create role maker_${rounds} login createrole password 'x'`);
  await client.query(`alter database ${name} owner to maker_${rounds}`);
  // The supervisor has made the role already; who may make roles finds none elsewhere.
  await client.query('alter role sapar_app rename to sapar_app_of_before');
  url = url.replace(/\/\/[^@]*@/, `//maker_${rounds}:x@`);
  try {
    await run();
    await client.query(`set session authorization maker_${rounds}; set role sapar_app; reset session authorization`);
    const { rows } = await client.query<{ may: boolean }>(
      "select has_table_privilege('sapar_app', 'transfer', 'update') as may",
    );
    assert.equal(rows[0]?.may, false);
  } finally {
    await client.query(
      'drop owned by sapar_app; drop role sapar_app; alter role sapar_app_of_before rename to sapar_app',
    );
  }
});
