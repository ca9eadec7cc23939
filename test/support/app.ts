import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

// The program as its user starts it, in a process of its own.

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What `npm start -- --json` prints once it is ready. */
export type Welcome = {
  readonly ready: true;
  readonly url: string;
  readonly ussd: Readonly<Record<string, string>>;
  readonly vouchers: readonly { operator: string; pin: string; amount: string; currency: string }[];
  readonly partner: { readonly id: string; readonly key: string };
};

export type App = Welcome & {
  readonly pid: number;
  readonly dataDir: string;
  readonly readyAfterMs: number;
  /** What it wrote to stderr so far: its log. */
  log(): string;
  /** SIGTERM and a clean end; the data directory is deleted unless kept. */
  close(options?: { keep: boolean }): Promise<void>;
};

const START_MS = 60_000;

/** Starts the platform on a free port. `dataDir` carries on where another one stopped. */
export async function startApp(
  options: { dataDir?: string; port?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<App> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'sapar-app-'));
  const startedAt = performance.now();
  const args = [join(root, 'src/main.ts'), 'serve', '--json', '--port', options.port ?? '0', '--data-dir', dataDir];
  const { DATABASE_URL: _ours, ...env } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, ...options.env },
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const welcome = await new Promise<Welcome>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready after ${START_MS} ms:\n${log}`)), START_MS);
    createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(timer);
      resolve(JSON.parse(line));
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`ended with ${code}:\n${log}`));
    });
  });
  return {
    ...welcome,
    pid: child.pid ?? 0,
    dataDir,
    readyAfterMs: performance.now() - startedAt,
    log: () => log,
    async close({ keep } = { keep: false }) {
      child.kill('SIGTERM');
      await ended;
      if (!keep) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
