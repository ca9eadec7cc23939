import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startEmbedded } from '../../src/db/index.ts';
import { freePort } from './kills.ts';

/** A PostgreSQL that the platform does not own, as `DATABASE_URL` names one. */
export type Server = {
  readonly version: string;
  /** Of a database, for a role; without a role for the superuser. */
  url(database: string, role?: { name: string; password: string }): string;
  /** As the superuser. */
  sql(text: string, database?: string): Promise<pg.QueryResult>;
  /** Ends it at once, as a power cut would, and answers how to bring it back. */
  crash(): Promise<() => Promise<void>>;
  stop(): Promise<void>;
};

const OLDEST = 15;
const NOBODY = 65_534;
const READY_MS = 20_000;
const PASSWORD = 'not-a-secret';

/** The newest server installed by a package of the system, or else the one the platform brings along, run as somebody else's. */
export async function startServer(): Promise<Server> {
  const bins = globSync('/usr/lib/postgresql/*/bin').filter(
    (bin) => Number(bin.split('/')[4]) >= OLDEST && existsSync(join(bin, 'postgres')),
  );
  const newest = bins.sort((a, b) => Number(b.split('/')[4]) - Number(a.split('/')[4]))[0];
  return (newest === undefined ? undefined : await startInstalled(newest)) ?? startOwn();
}

async function startInstalled(bin: string): Promise<Server | undefined> {
  const home = mkdtempSync(join(tmpdir(), 'sapar-pg-'));
  const data = join(home, 'data');
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(join(home, 'password'), PASSWORD);
  if ('uid' in user) for (const path of [home, data, join(home, 'password')]) chownSync(path, NOBODY, NOBODY);
  const init = ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync'];
  const made = spawnSync(join(bin, 'initdb'), [...init, `--pwfile=${join(home, 'password')}`], { ...user, cwd: '/' });
  if (made.status !== 0) {
    rmSync(home, { recursive: true, force: true });
    return undefined;
  }
  const port = await freePort();
  let server: ChildProcess;
  const start = async (): Promise<void> => {
    const args = ['-D', data, '-p', String(port), '-k', home, '-c', 'listen_addresses=127.0.0.1'];
    server = spawn(join(bin, 'postgres'), args, { ...user, cwd: '/', stdio: 'ignore' });
    await untilReady(url('postgres'));
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill(signal);
    await ended;
  };
  const url: Server['url'] = (database, role = { name: 'postgres', password: PASSWORD }) =>
    `postgres://${role.name}:${role.password}@127.0.0.1:${port}/${database}`;
  await start();
  return {
    version: String(bin.split('/')[4]),
    url,
    sql: (text, database = 'postgres') => query(url(database), text),
    async crash() {
      await end('SIGQUIT');
      return start;
    },
    async stop() {
      await end('SIGINT');
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** Its supervisor is in this process; the platform under test knows no more of it than an address. */
async function startOwn(): Promise<Server> {
  const home = mkdtempSync(join(tmpdir(), 'sapar-pg-'));
  const database = await startEmbedded({ dataDir: join(home, 'data'), log: () => undefined });
  const url: Server['url'] = (name, role) => {
    const address = new URL(database.url.replace('@/', '@socket/'));
    address.pathname = `/${name}`;
    if (role) address.username = role.name;
    if (role) address.password = role.password;
    return address.href.replace('@socket/', '@/');
  };
  return {
    version: 'embedded',
    url,
    sql: (text, name = 'postgres') => query(url(name), text),
    async crash() {
      const pidFile = join(home, 'data', 'postmaster.pid');
      process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGQUIT');
      return () => untilReady(url('postgres'));
    },
    async stop() {
      await database.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

async function untilReady(url: string): Promise<void> {
  const giveUpAt = performance.now() + READY_MS;
  for (;;) {
    try {
      await query(url, 'select 1');
      return;
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await delay(50);
    }
  }
}
