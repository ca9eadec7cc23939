import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { findPostmaster } from '../../src/db/postmaster.ts';

// Programs that are killed under a load, with what they stand on. Only what was started here is killed, by its number.

/** `backend` is one process of PostgreSQL, after which it restarts itself; `postmaster` all of it; `both` that and the program. */
export const targets = ['program', 'postmaster', 'backend', 'both'] as const;
export type Target = (typeof targets)[number];

export type ServerProgram = {
  readonly script: string;
  readonly args: readonly string[];
  readonly dataDir: string;
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
};

/** Runs until it is killed; answers once it says that it is ready, with what it says. It ends with us: its script watches the channel between us. */
export async function startServerProgram<Said>({
  script,
  args,
  dataDir,
  port,
  env,
}: ServerProgram): Promise<{ readonly child: ChildProcess; readonly said: Said }> {
  const { DATABASE_URL: _ours, ...inherited } = process.env;
  const child = fork(script, [...args], {
    execArgv: ['--max-semi-space-size=32'],
    env: { ...inherited, PORT: String(port), SAPAR_DATA_DIR: dataDir, LOG_LEVEL: 'silent', ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const said = await new Promise<Said>((resolve, reject) => {
    child.once('message', (message: Said) => resolve(message));
    child.once('exit', (code, signal) =>
      reject(new Error(`the platform ended with ${code ?? signal} before it was ready`)),
    );
  });
  return { child, said };
}

export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/** The server of our own folder: what is found is that, and no process that merely has its number. */
export function killPostmaster(dataDir: string): void {
  // Between a death and a restart there is none, and nothing to kill.
  const postmaster = findPostmaster(join(dataDir, 'postgres'));
  if (postmaster) killOne(postmaster.pid);
}

export function killBackend(dataDir: string, random: () => number): void {
  const postmaster = findPostmaster(join(dataDir, 'postgres'));
  if (!postmaster) return;
  const children = readFileSync(`/proc/${postmaster.pid}/task/${postmaster.pid}/children`, 'utf8').trim().split(' ');
  const pid = Number(children[Math.floor(random() * children.length)]);
  if (pid > 1) killOne(pid);
}

function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself meanwhile.
  }
}

/** A small generator of uniform numbers, so that a run can be repeated from its seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
