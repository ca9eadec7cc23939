import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Config } from './config.ts';

// The demo's parties outside: programs of their own that speak the real protocols over sockets (simulators/). The platform is told their addresses
// as it would be told the real ones, and knows no difference.

type Settings = Readonly<Record<string, string>>;

const START_MS = 20_000;
/** What belongs together is taken from one side: a real key is never used at a simulator's address. */
const GROUPS = [
  'STRIPE_',
  'PAYPAL_',
  'SANDBOX_',
  'OSMP_',
  'DTONE_',
  'RELOADLY_',
  'SAPAR_ROUTES',
  'SAPAR_RATES_',
  'SAPAR_GATEWAYS',
  'SAPAR_PHONES_URL',
  'SMTP_',
  'SAPAR_SITE_',
];

export type Simulated = { readonly config: Config; close(): Promise<void> };

/** Starts them beside the platform, and answers the settings that reach them; what the environment names itself stays. */
export async function startSimulated(config: Config): Promise<Simulated> {
  const dir = folderOf(config);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const port = config.port === 0 ? await freePort() : config.port;
  const args = [join(config.root, 'simulators', 'main.ts'), '--dir', dir, '--platform', `http://127.0.0.1:${port}`];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], cwd: config.root });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const settings = await new Promise<Settings>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the simulators did not start in time')), START_MS);
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line).settings));
    child.once('exit', (code, signal) => reject(new Error(`the simulators ended with ${code ?? signal}`)));
    child.once('exit', () => clearTimeout(timer)).once('spawn', () => timer.unref());
  });
  const draft = `${fileOf(config)}.draft`;
  writeFileSync(draft, JSON.stringify(settings), { mode: 0o600 });
  renameSync(draft, fileOf(config));
  return {
    config: { ...withSettings(config, settings), port },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

/** For a staff command beside a running demo: the settings it has left. */
export function withSimulated(config: Config): Config {
  const file = fileOf(config);
  return config.demo && existsSync(file) ? withSettings(config, JSON.parse(readFileSync(file, 'utf8'))) : config;
}

function withSettings(config: Config, settings: Settings): Config {
  const named = Object.keys(config.env);
  const taken = GROUPS.filter((group) => named.some((name) => name.startsWith(group)));
  const added = Object.entries(settings).filter(([name]) => !taken.some((group) => name.startsWith(group)));
  return { ...config, env: { ...config.env, ...Object.fromEntries(added) } };
}

function folderOf(config: Config): string {
  return join(config.dataDir, 'simulators');
}

function fileOf(config: Config): string {
  return join(folderOf(config), 'settings.json');
}

/** The simulators are told our address before we listen there. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
