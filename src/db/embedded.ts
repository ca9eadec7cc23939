/**
 * A real PostgreSQL with no server to install: the binaries from npm under a supervisor of our own.
 *
 * Who owns it. The process that started the server is its *owner*, recorded with its start time beside the data. The
 * server dies with its owner, by `stop()` or, after a kill -9, by the parent-death signal (a clean, fast shutdown). Any other
 * process of ours on the same folder *adopts* the running server and never stops it; should the server go while it
 * is still needed, the adopter starts it again and is the owner from then on, so a command that ends before the platform does costs
 * the platform a second, not its database. A server whose owner is dead and which runs on all the same (no parent-death
 * signal on macOS) is taken over by the next process. Finding, starting and stopping happen under one lock file, so
 * there are never two servers on a folder; PostgreSQL's own interlock stands behind that.
 */
import type { ChildProcess } from 'node:child_process';
import { closeSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import pg from 'pg';
import { assert, present } from '../base/assert.ts';
import { launch } from './binaries.ts';
import {
  APP,
  boundLog,
  type Cluster,
  chooseSocketDir,
  configure,
  DATABASE,
  type Files,
  filesOf,
  logTail,
  makeSocketDir,
  OWNER,
  openCluster,
  openLog,
  urlOf,
} from './cluster.ts';
import { acquireLock, isRunning, processStart, readHolder, thisProcess } from './filelock.mjs';
import { clearRemains, findPostmaster, type Postmaster, type Running, shutDown, statusOf } from './postmaster.ts';

export type EmbeddedOptions = {
  /** Made on first use. Its name is the prefix of a few files beside it: passwords, log, lock, socket. */
  readonly dataDir: string;
  readonly log: (line: string) => void;
  /** Told each time the server ends without being asked to; it is started again unless `gaveUp`. */
  readonly onExit?: (exit: DatabaseExit) => void;
  /** PostgreSQL settings in addition to ours, or instead of them. */
  readonly settings?: Readonly<Record<string, string>>;
};

export type DatabaseExit = {
  readonly pid: number;
  /** What it ended with, where it was our child; both null where it was adopted. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** How many times in a row it has not lasted. */
  readonly failures: number;
  readonly gaveUp: boolean;
  readonly lastLines: string;
};

export type EmbeddedDatabase = {
  /** For the owner role, a superuser: migrations and administration. The same after every restart. */
  readonly url: string;
  /** For the application role, which can do what migrations grant it. */
  readonly appUrl: string;
  /** Somebody else had started the server we use. */
  readonly adopted: boolean;
  readonly pid: number;
  /** Ends the server if we own it, and our interest in it in any case. May be called again. */
  stop(): Promise<void>;
};

const bounds = {
  lockMs: 180_000,
  /** Without a sign of life. A server that says it is recovering is given `recoveryMs`. */
  startMs: 60_000,
  recoveryMs: 15 * 60_000,
  reportMs: 5_000,
  connectMs: 5_000,
  pollMs: 15,
  /** How long a killed owner's server may take to notice; then it is a survivor. */
  orphanSettlesMs: 300,
  watchMs: process.platform === 'linux' ? 250 : 2_000,
  /** Shared memory of a killed server may outlive it by the time its last backend needs to end. */
  sharedMemoryMs: 30_000,
  sharedMemoryPollMs: 250,
  /** Having served this long, the server did start: its next end is a new story, and not a loop to be slowed down. */
  stableMs: 5_000,
  failuresMax: 20,
  backoffMs: [20, 100, 250, 500, 1_000, 2_000, 5_000],
  /** An adopter lets the owner, if it is alive, go first. */
  adopterWaitsMs: 400,
  boundLogMs: 60_000,
} as const;

assert(bounds.failuresMax > bounds.backoffMs.length, 'the longest pause is reached before giving up');

export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  assert(isMainThread, 'the server is started from the main thread: it would die with any other');
  const supervisor = new Supervisor(options);
  await supervisor.start();
  return supervisor;
}

class Supervisor implements EmbeddedDatabase {
  readonly #options: EmbeddedOptions;
  readonly #files: Files;
  readonly #self = thisProcess();
  readonly #stopAtExit = (): void => this.#interrupt();
  #cluster: Cluster | undefined;
  #socketDir: string | undefined;
  #running: Running | undefined;
  #adopted = false;
  #timers: NodeJS.Timeout[] = [];
  #failures = 0;
  #readyAt = 0;
  #healing: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.#files = filesOf(options.dataDir);
  }

  get url(): string {
    return this.#url(DATABASE);
  }

  get appUrl(): string {
    const { passwords } = this.#opened();
    return urlOf(this.#socket(), { user: APP, password: passwords.app, database: DATABASE });
  }

  get adopted(): boolean {
    return this.#adopted;
  }

  get pid(): number {
    return present(this.#running, 'a started database has a process').pid;
  }

  async start(): Promise<void> {
    await this.#ensure();
    this.#timers.push(setInterval(() => this.#isOwner() && boundLog(this.#files), bounds.boundLogMs).unref());
    // Where there is no parent-death signal this is what ends the server after an uncaught error.
    process.once('exit', this.#stopAtExit);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    process.off('exit', this.#stopAtExit);
    for (const timer of this.#timers) clearInterval(timer);
    await this.#healing;
    await this.#underLock(async () => {
      if (!this.#isOwner() || !this.#running) return;
      await shutDown(this.#running, this.#options.log);
      rmSync(this.#files.owner, { force: true });
    });
  }

  /** Afterwards a server runs and answers: the one that was there, or a new one of ours. */
  async #ensure(): Promise<void> {
    await this.#underLock(async () => {
      if (this.#stopping) return;
      const began = performance.now();
      const cluster = await openCluster(this.#files, this.#options.log);
      this.#cluster = cluster;
      const found = await this.#findServing(cluster);
      const running = found ?? (await this.#launch(cluster));
      this.#adopted = found !== undefined;
      this.#running = running;
      this.#readyAt = performance.now();
      if (found) this.#watchAdopted(running);
      this.#options.log(
        `PostgreSQL ${found ? 'adopted' : 'ready'} in ${Math.round(this.#readyAt - began)} ms (process ${running.pid})`,
      );
    });
  }

  async #underLock(work: () => Promise<void>): Promise<void> {
    const onWait = (pid: number): void =>
      this.#options.log(`process ${pid} is starting or stopping the database; waiting`);
    const release = await acquireLock(this.#files.lock, { waitMs: bounds.lockMs, onWait });
    try {
      await work();
    } finally {
      release();
    }
  }

  /** A server that answers and will stay; one on its way out is waited for. */
  async #findServing(cluster: Cluster): Promise<Running | undefined> {
    const giveUpAt = performance.now() + bounds.recoveryMs;
    for (;;) {
      const found = findPostmaster(cluster.data);
      if (!found) return undefined;
      if (found.status === 'stopping') {
        this.#options.log(`waiting for the PostgreSQL of before to stop (process ${found.pid})`);
        await shutDown(found, this.#options.log);
      } else if (found.status === 'ready' && (await this.#willStay(cluster, found))) {
        this.#socketDir = found.socketDir;
        if (await this.#answers(found)) return found;
      }
      if (performance.now() > giveUpAt)
        throw new Error(`PostgreSQL (process ${found.pid}) is not ready: ${found.status}\n${logTail(this.#files)}`);
      await delay(bounds.pollMs);
    }
  }

  /** With a living owner, or as a survivor, who becomes ours. The signal that ends it after its owner's death may still be under way. */
  async #willStay(cluster: Cluster, found: Postmaster): Promise<boolean> {
    const owner = readHolder(this.#files.owner);
    if (owner && isRunning(owner)) return true;
    const settledAt = performance.now() + bounds.orphanSettlesMs;
    while (performance.now() < settledAt) {
      if (statusOf(cluster.data, found.pid) !== 'ready' || !isRunning(found)) return false;
      await delay(bounds.pollMs);
    }
    this.#options.log(`taking over PostgreSQL (process ${found.pid}), whose owner is gone`);
    this.#becomeOwner();
    return true;
  }

  async #answers(found: Running): Promise<boolean> {
    try {
      await withClient(this.url, (client) => client.query('select 1'));
      return true;
    } catch (error) {
      // Shutting down or just gone is a matter of time; anything else (a wrong password) would stay wrong.
      const code = codeOf(error);
      if (!isRunning(found) || code.startsWith('57P') || code.startsWith('E')) return false;
      throw new Error(
        `the PostgreSQL running in ${this.#files.data} (process ${found.pid}) does not accept us: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async #launch(cluster: Cluster): Promise<Running> {
    const giveUpAt = performance.now() + bounds.sharedMemoryMs;
    this.#socketDir ??= chooseSocketDir(cluster);
    for (;;) {
      await clearRemains(cluster.data, this.#options.log);
      makeSocketDir(cluster, this.#socketDir);
      configure(cluster, this.#socketDir, this.#options.settings ?? {});
      const log = openLog(cluster);
      const child = launch(cluster.launcher, 'postgres', {
        args: ['-D', cluster.data],
        folder: cluster.data,
        output: log.fd,
      });
      closeSync(log.fd);
      const outcome = await this.#untilReady(child);
      if (!('failed' in outcome)) {
        await this.#prepare().catch(async (error) => {
          await shutDown(outcome, this.#options.log);
          throw error;
        });
        this.#becomeOwner();
        return outcome;
      }
      const lines = logTail(this.#files, log.size);
      const isPassing = /pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(lines);
      if (!isPassing || performance.now() > giveUpAt)
        throw new Error(`PostgreSQL did not start (${outcome.failed}):\n${lines}`);
      await delay(bounds.sharedMemoryPollMs);
    }
  }

  async #untilReady(child: ChildProcess): Promise<Running | { failed: string }> {
    const exit = exitOf(child);
    const pid = child.pid;
    if (pid === undefined) return { failed: (await exit.promise).reason };
    const running = { pid, startedAt: processStart(pid) ?? 'ended' };
    child.unref();
    const began = performance.now();
    let reportAt = bounds.reportMs;
    while (statusOf(this.#opened().data, pid) !== 'ready') {
      const elapsed = performance.now() - began;
      if (exit.settled()) return { failed: (await exit.promise).reason };
      const isRecovering = statusOf(this.#opened().data, pid) === 'starting';
      if (elapsed > (isRecovering ? bounds.recoveryMs : bounds.startMs)) {
        await shutDown(running, this.#options.log);
        return { failed: `not ready after ${Math.round(elapsed / 1000)} s` };
      }
      if (elapsed > reportAt)
        this.#options.log(
          `PostgreSQL is ${isRecovering ? 'recovering from a crash' : 'starting'} (${Math.round(elapsed / 1000)} s)`,
        );
      if (elapsed > reportAt) reportAt += bounds.reportMs;
      await delay(bounds.pollMs);
    }
    exit.promise.then(({ code, signal }) => this.#died(running, { code, signal })).catch(() => undefined);
    return running;
  }

  /** Database and application role, which a first start that was cut short may not have reached. */
  async #prepare(): Promise<void> {
    const addRole = async (client: pg.Client): Promise<void> => {
      const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [APP]);
      if (rowCount === 0) await client.query(`create role ${APP} login password '${this.#opened().passwords.app}'`);
    };
    try {
      await withClient(this.url, addRole);
    } catch (error) {
      const missing = '3D000';
      if (codeOf(error) !== missing) throw error;
      await withClient(this.#url('postgres'), (client) => client.query(`create database ${DATABASE}`));
      await withClient(this.url, addRole);
    }
  }

  #watchAdopted(running: Running): void {
    const timer = setInterval(() => {
      if (isRunning(running)) return;
      clearInterval(timer);
      this.#died(running, { code: null, signal: null });
    }, bounds.watchMs);
    this.#timers.push(timer.unref());
  }

  #died(running: Running, exit: { code: number | null; signal: NodeJS.Signals | null }): void {
    if (this.#stopping || this.#running !== running) return;
    if (performance.now() - this.#readyAt > bounds.stableMs) this.#failures = 0;
    this.#healing = this.#heal(running.pid, exit);
  }

  async #heal(pid: number, exit: { code: number | null; signal: NodeJS.Signals | null }): Promise<void> {
    let lastLines = logTail(this.#files);
    for (;;) {
      this.#failures += 1;
      const gaveUp = this.#failures > bounds.failuresMax;
      this.#options.log(
        `PostgreSQL (process ${pid}) ended unasked (${exit.signal ?? exit.code ?? 'adopted'}); ${gaveUp ? 'giving up' : 'starting it again'}`,
      );
      this.#options.onExit?.({ pid, ...exit, failures: this.#failures, gaveUp, lastLines });
      if (gaveUp) return;
      const pause = bounds.backoffMs[Math.min(this.#failures, bounds.backoffMs.length) - 1] ?? 0;
      await delay(pause + (this.#somebodyElseOwns() ? bounds.adopterWaitsMs : 0), undefined, { ref: false });
      if (this.#stopping) return;
      try {
        await this.#ensure();
        return;
      } catch (error) {
        lastLines = messageOf(error);
        this.#options.log(lastLines);
      }
    }
  }

  #becomeOwner(): void {
    const draft = `${this.#files.owner}.${this.#self.nonce}`;
    // Readable by all, and replaced rather than rewritten: the next owner may be another user.
    writeFileSync(draft, JSON.stringify(this.#self));
    renameSync(draft, this.#files.owner);
  }

  #isOwner(): boolean {
    return readHolder(this.#files.owner)?.nonce === this.#self.nonce;
  }

  #somebodyElseOwns(): boolean {
    const owner = readHolder(this.#files.owner);
    return owner !== undefined && owner.nonce !== this.#self.nonce && isRunning(owner);
  }

  #interrupt(): void {
    if (this.#running && this.#isOwner() && isRunning(this.#running)) process.kill(this.#running.pid, 'SIGINT');
  }

  #opened(): Cluster {
    return present(this.#cluster, 'a started database has a cluster');
  }

  #socket(): string {
    return present(this.#socketDir, 'a started database has a socket');
  }

  #url(database: string): string {
    return urlOf(this.#socket(), { user: OWNER, password: this.#opened().passwords.owner, database });
  }
}

type Exit = { code: number | null; signal: NodeJS.Signals | null; reason: string };

/** Listens from the start, so that an end at any later moment is seen. */
function exitOf(child: ChildProcess): { promise: Promise<Exit>; settled(): boolean } {
  let settled = false;
  const promise = new Promise<Exit>((resolve) => {
    const settle = (exit: Exit): void => {
      settled = true;
      resolve(exit);
    };
    child.once('exit', (code, signal) => settle({ code, signal, reason: `ended with ${signal ?? code}` }));
    child.once('error', (error) => settle({ code: null, signal: null, reason: error.message }));
  });
  return { promise, settled: () => settled };
}

async function withClient(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: bounds.connectMs,
    application_name: 'sapar supervisor',
  });
  // A connection that breaks while nobody waits on it would otherwise end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export type Queryable = { query(text: string): Promise<{ rows: { name: string; setting: string }[] }> };

/** Refuses a database that would lose answered money in a power cut. The session's own settings count, so ask on a connection like those in use. */
export async function assertDurable(client: Queryable): Promise<void> {
  const { rows } = await client.query(
    "select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit')",
  );
  const off = rows.filter(({ setting }) => setting === 'off').map(({ name }) => name);
  if (off.length === 0 && rows.length === 3) return;
  const what =
    off.length > 0
      ? `${off.join(' and ')} ${off.length > 1 ? 'are' : 'is'} off`
      : 'the durability settings cannot be read';
  throw new Error(
    `refusing to keep money in this database: ${what}. Set fsync, full_page_writes and synchronous_commit to on`,
  );
}
