import { type ChildProcess, fork, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Every process started here, so that an interrupted run ends them and nothing else. */
const running = new Set<ChildProcess>();

const STOP_MS = 30_000;

export type NodeOptions = {
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly args?: readonly string[];
};

export type Service<Ready> = { readonly ready: Ready; readonly pid: number; stop(): Promise<void> };

/** A program of this folder that says it is ready with one message and stays until it is stopped. */
export async function startService<Ready>(script: string, options: NodeOptions): Promise<Service<Ready>> {
  const child = start(script, options);
  const ready = await firstMessage<Ready>(child, script);
  return { ready, pid: child.pid ?? 0, stop: () => stop(child) };
}

/** A program of this folder that is given a job and answers with one message. */
export async function ask<Result>(script: string, job: unknown, options: NodeOptions = {}): Promise<Result> {
  const child = start(script, options);
  const result = firstMessage<Result>(child, script);
  child.send(job as object);
  const answer = await result;
  await stop(child);
  return answer;
}

function start(script: string, { env = {}, flags = [], args = [] }: NodeOptions): ChildProcess {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)), [...args], {
    execArgv: [...flags],
    env: { ...process.env, ...env },
    // Standard output belongs to the report.
    stdio: ['ignore', 2, 2, 'ipc'],
    serialization: 'advanced',
  });
  return keep(child);
}

function keep(child: ChildProcess): ChildProcess {
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

function firstMessage<T>(child: ChildProcess, script: string): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('error', reject);
    child.once('close', (code, signal) =>
      reject(new Error(`${script} ended with ${signal ?? code} before it answered`)),
    );
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}

/** Ends what this program has started, by process id. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(stop));
}

/** In a child: ends it when its parent is gone, however that went. */
export function endWithParent(): void {
  process.once('disconnect', () => process.exit(1));
}

/** In a child: does the one job it is given and answers. */
export function answerJob<Job, Result>(work: (job: Job) => Promise<Result>): void {
  process.once('disconnect', () => process.exit());
  process.once('message', (job) => {
    work(job as Job).then(
      (result) => process.send?.(result),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    );
  });
}

export type Ran = { readonly stdout: string; readonly stderr: string };

/** Runs a program to its end; throws what it said when it failed. */
export function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return begin(program, args, env).ended;
}

type Begun = { readonly process: ChildProcess; readonly ended: Promise<Ran> };

function begin(program: string, args: readonly string[], env: Readonly<Record<string, string>>): Begun {
  const child = keep(spawn(program, [...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text.toString();
  });
  child.stderr?.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  const ended = new Promise<Ran>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve({ stdout, stderr });
      else reject(new Error(`${program} ended with ${signal ?? code}: ${(stderr || stdout).trim().slice(-2_000)}`));
    });
  });
  return { process: child, ended };
}

const LOOK_MS = 20;

/** The same, with how long it took and the most memory it had resident. */
export async function runMeasured(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ seconds: number; peakMb: number }> {
  const startedAt = performance.now();
  const child = begin(program, args, env);
  let peakKb = 0;
  // The system keeps the highest value itself, so looking now and then misses only what the last moments added.
  const look = setInterval(() => {
    peakKb = Math.max(peakKb, residentPeakKb(child.process.pid));
  }, LOOK_MS);
  await child.ended.finally(() => clearInterval(look));
  return { seconds: (performance.now() - startedAt) / 1000, peakMb: peakKb / 1024 };
}

function residentPeakKb(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s*(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    // It has just ended, or there is no /proc: what was seen so far stands.
    return 0;
  }
}
