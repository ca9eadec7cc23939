import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, processStart } from './filelock.mjs';

/** A process whose identity was checked; the start time tells it from a later one with the same id. */
export type Running = { readonly pid: number; readonly startedAt: string };

/** A PostgreSQL server that was seen to serve this data folder, with what it says of itself. */
export type Postmaster = Running & { readonly status: string; readonly socketDir: string };

const POLL_MS = 20;

/** How long each way of asking may take before the next, ruder one. */
const patience = {
  // A clean stop writes a checkpoint, with half a gigabyte of buffers on a slow disk.
  fastShutdownMs: 45_000,
  immediateShutdownMs: 10_000,
  killMs: 5_000,
  // Backends notice the death of their postmaster by themselves, unless one of them is busy in a long statement.
  orphansAloneMs: 1_500,
} as const;

/** The live server of this data folder; never a process that merely has the number written in its pid file. */
export function findPostmaster(data: string): Postmaster | undefined {
  const lines = readPidFile(data);
  const pid = Number(lines?.[0]);
  if (!lines || !isPostgresOf(data, pid)) return undefined;
  const startedAt = processStart(pid);
  return startedAt === undefined
    ? undefined
    : { pid, startedAt, socketDir: lines[4] ?? '', status: (lines[7] ?? '').trim() };
}

/** What the server in the pid file says it is doing, if it is this one. */
export function statusOf(data: string, pid: number): string | undefined {
  const lines = readPidFile(data);
  return Number(lines?.[0]) === pid ? lines?.[7]?.trim() : undefined;
}

function readPidFile(data: string): string[] | undefined {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
}

/** PostgreSQL works in its data folder and its command line names it: both are facts about the process, not about a file. */
function isPostgresOf(data: string, pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1 || pid === process.pid) return false;
  try {
    if (process.platform !== 'linux') {
      const command = execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
      return command.trim().endsWith(`postgres -D ${data}`);
    }
    // After an upgrade of the package the running program's file is gone, and the link says so.
    const program = basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
    const at = readlinkSync(`/proc/${pid}/cwd`);
    return (program === 'postgres' || program === 'initdb') && (at === data || at.startsWith(`${data}/`));
  } catch {
    return false;
  }
}

/**
 * Makes way for a new server where there is none: ends what a killed postmaster left working in the folder, and removes a
 * pid file whose number by now belongs to somebody else, whom PostgreSQL would take for a postmaster and refuse to
 * start. That stranger is not touched.
 */
export async function clearRemains(data: string, log: (line: string) => void): Promise<void> {
  const pid = Number(readPidFile(data)?.[0]);
  // The server's own mark for a single-user session, which an administrator has opened by hand.
  if (isPostgresOf(data, -pid))
    throw new Error(`process ${-pid} works on ${data} in single-user mode: end that session first`);
  await endOrphans(data, log);
  if (processStart(pid) === undefined || findPostmaster(data)) return;
  log(`postmaster.pid names process ${pid}, which is not our PostgreSQL: the file is stale and was removed`);
  rmSync(join(data, 'postmaster.pid'), { force: true });
}

/** What a killed first start left at work in its draft has nothing to lose, and would go on writing while we remove it. */
export async function endUnfinished(draft: string): Promise<void> {
  const left = processesIn(draft);
  for (const each of left) send(each, 'SIGKILL');
  await Promise.all(left.map((each) => ended(each, patience.killMs)));
}

async function endOrphans(data: string, log: (line: string) => void): Promise<void> {
  const steps = [
    { signal: undefined, waitMs: patience.orphansAloneMs },
    { signal: 'SIGQUIT', waitMs: patience.immediateShutdownMs },
    { signal: 'SIGKILL', waitMs: patience.killMs },
  ] as const;
  for (const { signal, waitMs } of steps) {
    const orphans = processesIn(data);
    if (orphans.length === 0) return;
    if (signal) log(`ending ${orphans.length} processes left by a killed PostgreSQL (${signal})`);
    for (const orphan of orphans) if (signal) send(orphan, signal);
    await Promise.all(orphans.map((orphan) => ended(orphan, waitMs)));
  }
  const left = processesIn(data).map(({ pid }) => pid);
  if (left.length > 0)
    throw new Error(`processes ${left.join(', ')} of a killed PostgreSQL still work in ${data} and cannot be ended`);
}

/** Elsewhere than on Linux the server's own check of shared memory must do: it is tried again until they are gone. */
function processesIn(data: string): Running[] {
  if (process.platform !== 'linux') return [];
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids
    .filter((pid) => isPostgresOf(data, pid))
    .map((pid) => ({ pid, startedAt: processStart(pid) }))
    .filter((each): each is Running => each.startedAt !== undefined);
}

/** False when it still runs after `waitMs`. */
async function ended(running: Running, waitMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + waitMs;
  while (isRunning(running)) {
    if (performance.now() > giveUpAt) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** Sends to a process that is still the one that was verified. */
function send(running: Running, signal: NodeJS.Signals): void {
  try {
    if (isRunning(running)) process.kill(running.pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Cleanly if it can be done in time; afterwards it does not run, or this throws. */
export async function shutDown(running: Running, log: (line: string) => void): Promise<void> {
  const steps = [
    { signal: 'SIGINT', waitMs: patience.fastShutdownMs },
    { signal: 'SIGQUIT', waitMs: patience.immediateShutdownMs },
    { signal: 'SIGKILL', waitMs: patience.killMs },
  ] as const;
  for (const { signal, waitMs } of steps) {
    if (signal !== 'SIGINT')
      log(
        `PostgreSQL (process ${running.pid}) has not stopped in time: ${signal}; nothing committed is lost, the next start recovers`,
      );
    send(running, signal);
    if (await ended(running, waitMs)) return;
  }
  throw new Error(`PostgreSQL (process ${running.pid}) cannot be stopped`);
}
