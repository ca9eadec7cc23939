import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type App, startApp } from '../support/app.ts';
import { type Server, startServer } from '../support/postgres.ts';

// DATABASE_URL: a PostgreSQL of somebody else's, the installed one where there is one.

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const dataDir = mkdtempSync(join(tmpdir(), 'sapar-external-'));
/** The commonest of roles: it owns its database, and may create neither roles nor databases. */
const owner = { name: 'plain', password: 'plain' };
let server: Server;
let apps: App[] = [];
let token = '';

before(async () => {
  server = await startServer();
  await server.sql(`create role ${owner.name} login password '${owner.password}'`);
  await server.sql(`create database sapar_test owner ${owner.name}`);
});
after(async () => {
  await Promise.all(apps.map((app) => app.close({ keep: true })));
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

const databaseUrl = (): string => server.url('sapar_test', owner);
const start = (url = databaseUrl()): Promise<App> => startApp({ dataDir, env: { DATABASE_URL: url } });
const rows = async (text: string) => (await server.sql(text, 'sapar_test')).rows;

/** A staff command in a process of its own: what it answered, as JSON. */
function sapar(...args: string[]) {
  const env = { ...process.env, DATABASE_URL: databaseUrl(), SAPAR_DATA_DIR: dataDir, SAPAR_AS: 'alice' };
  // biome-ignore lint/suspicious/noExplicitAny: read as a stranger's script would, without our types
  return new Promise<any>((resolve, reject) => {
    execFile(process.execPath, [main, ...args, '--json'], { env }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}${stdout}`));
      else resolve(JSON.parse(stdout));
    });
  });
}

function credit(app: App | undefined, key: string): Promise<Response> {
  return fetch(`${app?.url}/v1/topups`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify({ msisdn: '77011234567', amount: '100.00', currency: 'KZT' }),
  });
}

test('a role that may neither make nor become the narrow role is told what somebody who may has to run', async () => {
  await assert.rejects(
    start(),
    /plain may not .*\. Whoever may, runs: .*grant sapar_app to plain\. Nothing of this file was applied/,
  );
});

test('two processes that start at once share one database, migrated once and without demo data', async () => {
  const [row] = (await server.sql("select 1 from pg_roles where rolname = 'sapar_app'")).rows;
  await server.sql(`${row ? '' : 'create role sapar_app nologin;'} grant sapar_app to ${owner.name}`);
  apps = await Promise.all([start(), start()]);
  for (const app of apps) {
    const { ready, vouchers, partner, ussd } = app;
    assert.deepEqual(
      { ready, vouchers, partner, ussd },
      { ready: true, vouchers: undefined, partner: undefined, ussd: undefined },
    );
    assert.equal((await fetch(`${app.url}/health`)).status, 200);
  }
  const [{ migrations }] = await rows('select count(*)::int as migrations from schema_migration');
  assert.ok(migrations >= 4);
  assert.deepEqual(await rows('select 1 from partner union all select 1 from voucher_batch'), []);
});

test('staff open and fund a partner; it credits through one process and sees it through the other', async () => {
  await sapar('partners', 'create', 'kiosk');
  const { partner } = await sapar('partners', 'fund', 'kiosk', '1000000', '--key', 'paid-1');
  assert.equal(partner.float, '1000000.00');
  ({ token } = await sapar('partners', 'key', 'kiosk', '--scope', 'topups:write', '--scope', 'subscribers:read'));
  const [one, other] = apps;
  assert.equal((await credit(one, 'order-1')).status, 201);
  const again = await credit(other, 'order-1');
  assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [201, 'true']);
  const balance = await fetch(`${other?.url}/v1/subscribers/77011234567/balance`, {
    headers: { authorization: `Bearer ${token}` },
  });
  assert.deepEqual(await balance.json(), { buckets: [{ unit: 'KZT', amount: '100.00', expiresAt: null }] });
});

test('the role the platform works under changes no transfer and no record', async () => {
  for (const [table, column] of [
    ['transfer', 'code'],
    ['audit_entry', 'actor'],
    ['voucher_end', 'kind'],
  ])
    for (const change of [`delete from ${table}`, `update ${table} set ${column} = ${column}`, `truncate ${table}`])
      await assert.rejects(rows(`set role sapar_app; ${change}`), /permission denied/, change);
});

test('gone in the middle and back again, the database has each acknowledged credit once', async () => {
  const [app] = apps;
  const answers = new Map<string, number>();
  /** Credits until it is told that the database is away. */
  const load = async (name: string): Promise<void> => {
    for (let n = 0; ![...answers.values()].includes(503); n += 1)
      answers.set(`${name}-${n}`, (await credit(app, `${name}-${n}`)).status);
  };
  const callers = ['a', 'b', 'c'].map(load);
  await delay(100);
  const comeBack = await server.crash();
  // Long enough that callers hear of it, where nobody starts it again by himself.
  await delay(500);
  await comeBack();
  answers.set('last', 503);
  await Promise.all(callers);
  const acknowledged = [...answers].filter(([, status]) => status === 201).length;
  assert.ok(acknowledged > 0);
  for (const key of answers.keys()) {
    let answer = await credit(app, key);
    for (let tries = 0; answer.status === 503 && tries < 50; tries += 1) {
      assert.match(answer.headers.get('content-type') ?? '', /problem\+json/);
      await delay(100);
      answer = await credit(app, key);
    }
    assert.equal(answer.status, 201, key);
  }
  const [books] = await rows("select count(*)::int as credits from transfer where code = 'topup'");
  assert.equal(books.credits, answers.size + 1, 'each once, and the one of before');
  const { checks } = await sapar('audit');
  assert.deepEqual(
    checks.filter((check: { ok: boolean }) => !check.ok),
    [],
  );
});

test('a database that does not wait for its disk is refused', async () => {
  await server.sql(`alter role ${owner.name} set synchronous_commit = off`);
  await assert.rejects(start(), /refusing to keep money in this database: synchronous_commit is off/);
});
