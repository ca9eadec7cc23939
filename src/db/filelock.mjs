// @ts-check
/**
 * A lock file that outlives nothing: its holder is named by process id and start time, so a lock left by `kill -9` is
 * recognised, inherited by exactly one waiter, and a recycled process id is never taken for the holder. Plain
 * JavaScript because bootstrap.mjs needs it before the Node that understands TypeScript is installed.
 */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** @typedef {{ pid: number, startedAt: string, nonce: string }} Holder */

const POLL_MS = 40;

/**
 * When a running process began, in a form that only ever equals itself; undefined when there is no such process, or only
 * its zombie. Ticks since boot and not a date: a date would change with the clock.
 * @param {number} pid
 * @returns {string | undefined}
 */
export function processStart(pid) {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
      }).trim();
    }
    // The command name, in parentheses, may itself hold spaces and parentheses; what follows the last one is regular.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return undefined;
  }
}

/**
 * @param {{ pid: number, startedAt: string }} holder
 * @returns {boolean}
 */
export function isRunning(holder) {
  return processStart(holder.pid) === holder.startedAt;
}

/** @returns {Holder} this process, with a name that is never used again */
export function thisProcess() {
  return { pid: process.pid, startedAt: processStart(process.pid) ?? 'unknown', nonce: randomUUID() };
}

/**
 * @param {string} path
 * @returns {Holder | undefined} undefined when the file is not there
 */
export function readHolder(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    // Cut short by a power loss: nobody's, and the next in line inherits it.
    if (error instanceof SyntaxError) return { pid: 0, startedAt: 'unreadable', nonce: 'unreadable' };
    throw error;
  }
}

/**
 * Waits for its turn; the answer gives the lock back.
 * @param {string} path
 * @param {{ waitMs: number, onWait: (pid: number) => void }} options onWait is called once, when somebody else has it
 * @returns {Promise<() => void>}
 */
export async function acquireLock(path, { waitMs, onWait }) {
  const mine = thisProcess();
  const giveUpAt = performance.now() + waitMs;
  let told = false;
  for (;;) {
    const holder = take(path, mine);
    if (holder === undefined) return () => release(path, mine);
    if (performance.now() > giveUpAt) {
      throw new Error(
        `process ${holder.pid} has held ${path} for more than ${Math.round(waitMs / 1000)} s; end it, then try again`,
      );
    }
    if (!told) onWait(holder.pid);
    told = true;
    await delay(POLL_MS);
  }
}

/**
 * @param {string} path
 * @param {Holder} mine
 * @returns {Holder | undefined} the living holder, or undefined when the lock is now ours
 */
function take(path, mine) {
  for (;;) {
    if (write(path, mine, linkSync)) return undefined;
    const holder = readHolder(path);
    if (holder === undefined) continue;
    if (isRunning(holder)) return holder;
    // Exactly one waiter may replace a dead holder's file: the one that has the lock named after that holder. The name is
    // never used again, so if the file still bears it, nobody has inherited yet.
    const right = `${path}.${holder.nonce}`;
    const rival = take(right, mine);
    if (rival !== undefined) return rival;
    const inherited = readHolder(path)?.nonce === holder.nonce && write(path, mine, renameSync);
    rmSync(right, { force: true });
    if (inherited) return undefined;
  }
}

/**
 * Appears whole or not at all: a reader never sees a lock without its holder.
 * @param {string} path
 * @param {Holder} mine
 * @param {(from: string, to: string) => void} publish
 * @returns {boolean}
 */
function write(path, mine, publish) {
  const draft = `${path}.${mine.nonce}.draft`;
  writeFileSync(draft, JSON.stringify(mine));
  try {
    publish(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * @param {string} path
 * @param {Holder} mine
 */
function release(path, mine) {
  if (readHolder(path)?.nonce === mine.nonce) rmSync(path, { force: true });
}
