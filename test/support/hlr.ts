import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Debian's osmo-hlr, the register of a real core network, at a loopback address of its own because its ports are fixed. */
export type Hlr = {
  readonly host: string;
  readonly gsupPort: number;
  readonly ctrlPort: number;
  /** Makes a subscriber, or gives one another number. */
  subscribe(subscriber: { imsi: string; msisdn: string }): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Starts it again, with the subscribers it had. */
  start(): Promise<void>;
  close(): Promise<void>;
};

const GSUP_PORT = 4222;
const VTY_PORT = 4258;
const CTRL_PORT = 4259;
const START_MS = 10_000;

export type HlrSettings = {
  /** External USSD entities and the codes that lead to them: `{ topup: ['*111#', '*111*'] }`. */
  readonly entities: Readonly<Record<string, readonly string[]>>;
  readonly guardSeconds?: number;
};

export async function startHlr(settings: HlrSettings): Promise<Hlr> {
  const host = loopbackOf(process.pid);
  const folder = mkdtempSync(join(tmpdir(), 'sapar-hlr-'));
  writeFileSync(join(folder, 'hlr.cfg'), configOf(host, settings));
  let child: ChildProcess | undefined;
  // Its terminal serves few at once.
  let typing: Promise<unknown> = Promise.resolve();
  const hlr: Hlr = {
    host,
    gsupPort: GSUP_PORT,
    ctrlPort: CTRL_PORT,
    async subscribe({ imsi, msisdn }) {
      const commands = [`subscriber imsi ${imsi} create`, `subscriber imsi ${imsi} update msisdn ${msisdn}`];
      const typed = typing.then(() => vty(host, commands));
      typing = typed.catch(() => undefined);
      await typed;
    },
    async kill() {
      const ending = child;
      child = undefined;
      if (ending?.exitCode !== null) return;
      const ended = new Promise((resolve) => ending.once('exit', resolve));
      ending.kill('SIGKILL');
      await ended;
    },
    async start() {
      child = spawn('osmo-hlr', ['-c', 'hlr.cfg', '-l', 'hlr.db'], { cwd: folder, stdio: 'ignore' });
      for (const port of [GSUP_PORT, VTY_PORT, CTRL_PORT]) await untilListening(host, port);
    },
    async close() {
      await hlr.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await hlr.start();
  return hlr;
}

/** One of 127.0.0.0/8 for each process of tests, so that they do not meet. */
function loopbackOf(pid: number): string {
  return `127.${64 + ((pid >> 16) & 0x3f)}.${(pid >> 8) & 0xff}.${pid & 0xff || 1}`;
}

function configOf(host: string, { entities, guardSeconds = 30 }: HlrSettings): string {
  const names = Object.keys(entities);
  const routes = Object.entries(entities).flatMap(([name, prefixes]) =>
    prefixes.map((prefix) => ` ussd route prefix ${prefix} external ${name}`),
  );
  return [
    'log stderr',
    ' logging filter all 1',
    'line vty',
    ` bind ${host}`,
    'ctrl',
    ` bind ${host}`,
    'hlr',
    ' gsup',
    `  bind ip ${host}`,
    ` ncss-guard-timeout ${guardSeconds}`,
    ...names.map((name) => ` euse ${name}`),
    ...routes,
    ' ussd route prefix *#100# internal own-msisdn',
    '',
  ].join('\n');
}

async function untilListening(host: string, port: number): Promise<void> {
  const giveUpAt = performance.now() + START_MS;
  for (;;) {
    if (await isListening(host, port)) return;
    if (performance.now() > giveUpAt) throw new Error(`osmo-hlr does not listen on ${host}:${port}`);
    await delay(50);
  }
}

function isListening(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Commands at the terminal that its administrators use; each ends at its next prompt. */
async function vty(host: string, commands: readonly string[]): Promise<void> {
  const socket = connect({ host, port: VTY_PORT }).setEncoding('latin1').setTimeout(START_MS);
  socket.once('timeout', () => socket.destroy(new Error('the terminal of osmo-hlr does not answer')));
  const waiting = ['enable', ...commands];
  let said = '';
  for await (const chunk of socket) {
    said += chunk;
    if (!/[>#] $/.test(said)) continue;
    if (/% (Unknown|Error|Ambiguous|Cannot (?!create))/.test(said)) throw new Error(said);
    said = '';
    const command = waiting.shift();
    if (command === undefined) break;
    socket.write(`${command}\r\n`);
  }
  socket.destroy();
}
