import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { assertDurable, type DatabaseExit, type EmbeddedDatabase, startEmbedded } from './embedded.ts';
import { isRunning, processStart } from './filelock.mjs';

const root = mkdtempSync(join(tmpdir(), 'sapar-embedded-test-'));
const children = new Set<ChildProcess>();
const databases = new Set<EmbeddedDatabase>();
const isRoot = process.getuid?.() === 0;
const isLinux = process.platform === 'linux';
const template = join(root, 'template', 'data');
let folders = 0;

afterEach(async () => {
  await Promise.all([...databases].map((database) => database.stop()));
  for (const child of children) child.kill('SIGKILL');
  databases.clear();
  children.clear();
});

after(() => {
  for (const name of readdirSync(root)) {
    const dataDir = join(root, name, 'data');
    if (isElsewhere(dataDir)) rmSync(dirname(readlinkSync(dataDir)), { recursive: true, force: true });
  }
  rmSync(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

/** Where root is refused a user namespace the data folder is a link, which a copy would share and must not. */
function isElsewhere(dataDir: string): boolean {
  return lstatSync(dataDir, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** mkdtemp makes the root with mode 0700, so as root every test here is also one of the namespace. */
function emptyFolder(): string {
  folders += 1;
  const parent = join(root, String(folders));
  mkdirSync(parent);
  return join(parent, 'data');
}

/** A copy of the stopped cluster of the first test: initdb is most of the time of a first start. */
function folder(): string {
  const dataDir = emptyFolder();
  if (isElsewhere(template)) return dataDir;
  for (const part of ['', '.passwords'])
    cpSync(`${template}${part}`, `${dataDir}${part}`, { recursive: true, preserveTimestamps: true });
  chmodSync(dataDir, 0o700);
  return dataDir;
}

async function start(
  dataDir: string,
  onExit?: (exit: DatabaseExit) => void,
): Promise<EmbeddedDatabase & { lines: string[]; ms: number }> {
  const lines: string[] = [];
  const began = performance.now();
  const database = await startEmbedded({ dataDir, log: (line) => lines.push(line), ...(onExit ? { onExit } : {}) });
  databases.add(database);
  return Object.assign(database, { lines, ms: performance.now() - began });
}

async function query<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Another process of ours that starts the database, says so, and stays until it is killed or told to stop. */
function program(
  dataDir: string,
  env: Record<string, string> = {},
): { child: ChildProcess; said: (text: string) => Promise<string> } {
  const source = `
    import { startEmbedded } from ${JSON.stringify(import.meta.resolve('./embedded.ts'))};
    const database = await startEmbedded({ dataDir: process.argv[1], log: (line) => console.log(line) });
    console.log('serving', database.pid, database.adopted ? 'adopted' : 'own', database.url);
    const stay = setInterval(() => undefined, 1000);
    process.once('SIGTERM', async () => { clearInterval(stay); await database.stop(); console.log('stopped'); });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  children.add(child);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const said = async (text: string): Promise<string> => {
    await until(`the program says '${text}': ${output}`, () => output.includes(text) && output.endsWith('\n'));
    return output.split('\n').find((line) => line.includes(text)) ?? '';
  };
  return { child, said };
}

async function until(what: string, condition: () => boolean | Promise<boolean>, ms = 15_000): Promise<number> {
  const began = performance.now();
  while (!(await condition())) {
    assert.ok(performance.now() - began < ms, `in vain waited until ${what}`);
    await delay(10);
  }
  return performance.now() - began;
}

function answers(database: EmbeddedDatabase): Promise<boolean> {
  return query(database.url, 'select 1').then(
    () => true,
    () => false,
  );
}

function postmasterPid(dataDir: string): number {
  return Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** A PATH without some of the system's tools: what a machine that lacks them looks like. */
function pathWith(...tools: string[]): string {
  const bin = mkdtempSync(join(root, 'bin-'));
  for (const tool of tools) {
    const found = (process.env.PATH ?? '')
      .split(delimiter)
      .map((dir) => join(dir, tool))
      .find((path) => existsSync(path));
    if (found) symlinkSync(realpathSync(found), join(bin, tool));
  }
  return bin;
}

test('the first start makes a durable database with an owner and an application role, closed to others', async (t) => {
  const database = await start(template);
  t.diagnostic(`first start ${Math.round(database.ms)} ms`);
  assert.equal(database.adopted, false);
  const [who] = await query<{ name: string; super: boolean; encoding: string; db: string }>(
    database.appUrl,
    "select current_user as name, rolsuper as super, current_setting('server_encoding') as encoding, current_database() as db from pg_roles where rolname = current_user",
  );
  assert.deepEqual(who, { name: 'sapar_app', super: false, encoding: 'UTF8', db: 'sapar' });
  const settings = await query<{ listen: string; checksums: string; provider: string }>(
    database.url,
    "select current_setting('listen_addresses') as listen, current_setting('data_checksums') as checksums, datlocprovider::text as provider from pg_database where datname = 'sapar'",
  );
  assert.deepEqual(settings, [{ listen: '', checksums: 'on', provider: 'b' }]);
  assert.equal(statSync(`${template}.passwords`).mode & 0o777, 0o600);
  const withoutPassword = database.url.replace(/:[0-9a-f]{48}@/, ':wrong@');
  await assert.rejects(query(withoutPassword, 'select 1'), { code: '28P01' });
});

test('a second user of the folder adopts the server and its stop leaves it running; stop may be called twice', async () => {
  const dataDir = folder();
  const first = await start(dataDir);
  const second = await start(dataDir);
  assert.equal(second.adopted, true);
  assert.equal(second.pid, first.pid);
  assert.equal(second.url, first.url);
  await second.stop();
  assert.equal(await answers(first), true);
  const server = { pid: first.pid, startedAt: processStart(first.pid) ?? '' };
  await Promise.all([first.stop(), first.stop()]);
  await first.stop();
  assert.equal(isRunning(server), false);
  const again = await start(dataDir);
  assert.ok(again.ms < 2_000, `a warm start took ${again.ms} ms`);
});

test('an adopter that still needs the server when its owner stops it starts it again under the same address', async () => {
  const dataDir = folder();
  const owner = await start(dataDir);
  const adopter = await start(dataDir);
  await owner.stop();
  await until('the adopter serves', () => answers(adopter));
  await adopter.stop();
  assert.equal(existsSync(join(dataDir, 'postmaster.pid')), false);
});

test('after kill -9 of the owner the next start waits for the old server and finds all that was committed', {
  skip: !isLinux,
}, async (t) => {
  const dataDir = folder();
  const { child, said } = program(dataDir);
  const line = await said('serving');
  const [, pid, , url] = line.split(' ');
  await query(url ?? '', 'create table kept as select generate_series(1, 1000) as n');
  child.kill('SIGKILL');
  const database = await start(dataDir);
  t.diagnostic(`restart after kill -9 of the owner ${Math.round(database.ms)} ms`);
  assert.notEqual(database.pid, Number(pid));
  assert.equal(database.adopted, false);
  assert.deepEqual(await query(database.url, 'select count(*)::int as n from kept'), [{ n: 1000 }]);
});

test('after kill -9 of the server alone it is back within two seconds, and whoever asked is told', async (t) => {
  const exits: DatabaseExit[] = [];
  const database = await start(folder(), (exit) => exits.push(exit));
  await query(database.url, 'create table kept as select 1 as n');
  for (const round of [1, 2, 3]) {
    const killed = database.pid;
    process.kill(killed, 'SIGKILL');
    const ms = await until('the server is back', async () => database.pid !== killed && (await answers(database)));
    t.diagnostic(`back after ${Math.round(ms)} ms`);
    assert.ok(ms < 2_000, `it took ${ms} ms`);
    assert.equal(exits.length, round);
    assert.equal(exits.at(-1)?.signal, 'SIGKILL');
  }
  assert.deepEqual(await query(database.url, 'select n from kept'), [{ n: 1 }]);
});

test('a busy backend that outlives its killed server is ended before a new one starts', {
  skip: !isLinux,
}, async () => {
  const database = await start(folder());
  const busy = query(database.url, "do $$ begin loop perform length(repeat('x', 100)); end loop; end $$").catch(
    () => 'ended',
  );
  await until(
    'the backend is busy',
    async () =>
      (await query(database.url, "select 1 from pg_stat_activity where query like 'do %' and state = 'active'"))
        .length > 0,
  );
  const killed = database.pid;
  process.kill(killed, 'SIGKILL');
  await until('the server is back', async () => database.pid !== killed && (await answers(database)));
  assert.equal(await busy, 'ended');
});

test('a stale pid file that names a stranger is removed, and the stranger lives', async () => {
  const dataDir = folder();
  const first = await start(dataDir);
  const pidFile = join(dataDir, 'postmaster.pid');
  const content = readFileSync(pidFile, 'utf8');
  await first.stop();
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
  children.add(stranger);
  writeFileSync(pidFile, content.replace(/^\d+/, String(stranger.pid)), { mode: 0o600 });
  // The stranger is also recorded as owner, as it would be after its number was reused.
  writeFileSync(`${dataDir}.owner`, JSON.stringify({ pid: stranger.pid, startedAt: 'some time ago', nonce: 'n' }));
  const database = await start(dataDir);
  assert.notEqual(database.pid, stranger.pid);
  assert.ok(database.lines.some((line) => line.includes('stale')));
  await database.stop();
  assert.equal(stranger.exitCode ?? stranger.signalCode, null);
});

test('two programs that start at once on an empty folder share one server', async () => {
  const dataDir = emptyFolder();
  const programs = [program(dataDir), program(dataDir), program(dataDir)];
  const lines = await Promise.all(programs.map(({ said }) => said('serving')));
  const pids = new Set(lines.map((line) => line.split(' ')[1]));
  assert.deepEqual(pids, new Set([String(postmasterPid(dataDir))]));
  assert.equal(lines.filter((line) => line.includes(' own ')).length, 1);
});

test('a first start killed in its middle leaves nothing that the next start trips over', async () => {
  const dataDir = emptyFolder();
  const drafts = (): string[] =>
    ['/var/lib', dirname(dataDir)]
      .filter((at) => existsSync(at))
      .flatMap((at) =>
        readdirSync(at)
          .filter((name) => /^sapar-embedded-.*\.init$|\.init-/.test(name))
          .map((name) => join(at, name)),
      );
  const { child } = program(dataDir);
  await until('initdb is at work', () => drafts().some((draft) => existsSync(join(draft, 'data/base'))));
  child.kill('SIGKILL');
  const database = await start(dataDir);
  assert.equal(await answers(database), true);
  assert.deepEqual(drafts(), []);
});

test('a path too long for a socket moves the socket, not the data', async () => {
  const dataDir = join(dirname(emptyFolder()), 'l'.repeat(60), 'ö'.repeat(50), 'it\'s a, "data" folder');
  mkdirSync(dirname(dataDir), { recursive: true });
  const database = await start(dataDir);
  assert.equal(await answers(database), true);
  const socketDir = new URL(database.url.replace('@/', '@host/')).searchParams.get('host') ?? '';
  assert.equal(statSync(socketDir).mode & 0o777, 0o700);
  await database.stop();
  rmSync(socketDir, { recursive: true, force: true });
  if (isElsewhere(dataDir)) rmSync(dirname(readlinkSync(dataDir)), { recursive: true, force: true });
});

test('a server that survived its owner is taken over, and then stopped by whoever took it', {
  skip: !isLinux,
}, async () => {
  const dataDir = folder();
  // Without setpriv there is no parent-death signal, as on macOS.
  const { child, said } = program(dataDir, { PATH: pathWith('unshare', 'sh') });
  const pid = Number((await said('serving')).split(' ')[1]);
  child.kill('SIGKILL');
  await until('the owner is gone', () => processStart(child.pid ?? 0) === undefined);
  const database = await start(dataDir);
  assert.equal(database.adopted, true);
  assert.equal(database.pid, pid);
  const survivor = { pid, startedAt: processStart(pid) ?? '' };
  await database.stop();
  assert.equal(isRunning(survivor), false);
});

test('as root where user namespaces are refused, the cluster runs as nobody from a folder it can reach', {
  skip: !isRoot || !isLinux,
}, async () => {
  const dataDir = emptyFolder();
  const home = (): string => dirname(realpathSync(dataDir));
  const { child, said } = program(dataDir, { PATH: pathWith('setpriv', 'sh') });
  const [, pid, , url = ''] = (await said('serving')).split(' ');
  try {
    assert.match(home(), /^\/var\/lib\/sapar-embedded-/);
    assert.equal(statSync(`/proc/${pid}`).uid, 65534);
    await query(url, 'create table kept as select 1 as n');
    child.kill('SIGKILL');
    // Namespaces being there again changes nothing: the owner of the data decides how it is run.
    const database = await start(dataDir);
    assert.equal(statSync(`/proc/${database.pid}`).uid, 65534);
    assert.deepEqual(await query(database.url, 'select n from kept'), [{ n: 1 }]);
    await database.stop();
  } finally {
    rmSync(home(), { recursive: true, force: true });
  }
});

test('a database that could lose answered money is refused', async () => {
  const database = await start(folder());
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    await assertDurable(client);
    await client.query('set synchronous_commit = local');
    await assertDurable(client);
    await client.query('set synchronous_commit = off');
    await assert.rejects(assertDurable(client), /synchronous_commit is off/);
    await client.query('alter system set fsync = off');
    await client.query('alter system set full_page_writes = off');
    await client.query('select pg_reload_conf()');
    await until('the settings are read', async () => (await client.query('show fsync')).rows[0]?.fsync === 'off');
    await assert.rejects(assertDurable(client), /fsync and full_page_writes and synchronous_commit are off/);
  } finally {
    await client.end();
  }
});

test('a folder with something else in it is left alone', async () => {
  const dataDir = emptyFolder();
  mkdirSync(dataDir);
  writeFileSync(join(dataDir, 'diary.txt'), 'mine');
  await assert.rejects(start(dataDir), /is not empty/);
  assert.equal(readFileSync(join(dataDir, 'diary.txt'), 'utf8'), 'mine');
});
