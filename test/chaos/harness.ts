import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ProviderId } from '../../src/payments/index.ts';
import type { Patience } from '../../src/topups/index.ts';
import { ended, seeded } from '../support/kills.ts';
import { openTestPlatform } from '../support/platform.ts';
import { Parties } from './books.ts';
import { compare, type Verdict } from './compare.ts';
import type { Control } from './control.ts';
import { patienceAt } from './patience.ts';
import { Payer } from './payer.ts';
import { draw } from './plan.ts';
import { type Blow, blows, Programs, portsFor } from './programs.ts';
import { Site } from './site.ts';
import { Weather } from './weather.ts';

// Customers order and pay; the parties outside lose, delay, repeat and contradict; the platform and its database are killed under their
// hands. When all is quiet, three books are compared: the providers', the operators' and ours.

export type Plan = {
  readonly orders: number;
  readonly seed: number;
  readonly control: Control;
  /** No new orders after this long. */
  readonly minutes?: number;
  /** Orders under way at once. */
  readonly payers?: number;
  readonly methods?: readonly ProviderId[];
  /** Of the platform; the second shares the first one's database. */
  readonly processes?: 1 | 2;
  /** Of the long waits; 1 where nothing is said. */
  readonly pace?: number;
  /** Between kills, from the first good answer after the last one. */
  readonly killEveryMs?: number;
  readonly onProgress?: (progress: { orders: number; kills: number }) => void;
};

const methodsAll: readonly ProviderId[] = ['stripe', 'paypal', 'sandbox'];
const PAYERS = 90;
const KILL_EVERY_MS = 1_200;
const QUIET_MS_MAX = 90_000;
const LOOK_MS = 500;

export async function chaos(plan: Plan): Promise<Verdict> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sapar-chaos-'));
  const ports = await portsFor(plan.processes ?? 1);
  const outside = await startOutside(ports);
  const key = randomBytes(24).toString('hex');
  const run = new Run(plan, { dataDir, ports, parties: outside.parties, key });
  try {
    await (await openTestPlatform({ dataDir, keep: true })).close();
    await run.start();
    await run.ordersAndKills();
    await run.quiet();
    await run.stop();
    return await compare(dataDir, run);
  } finally {
    run.giveUp();
    outside.child.disconnect();
    await ended(outside.child);
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function startOutside([port]: readonly number[]): Promise<{ child: ChildProcess; parties: Parties }> {
  const { DATABASE_URL: _ours, ...env } = process.env;
  const script = fileURLToPath(new URL('outside.ts', import.meta.url));
  const child = fork(script, [`http://127.0.0.1:${port}`], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const parties = await new Promise<Parties>((resolve, reject) => {
    child.once('message', (told: { settings: Parties['settings']; operatorsUrl: string }) =>
      resolve(new Parties(told.settings, told.operatorsUrl)),
    );
    child.once('exit', (code) => reject(new Error(`the parties outside ended with ${code}`)));
  });
  return { child, parties };
}

type World = {
  readonly dataDir: string;
  readonly ports: readonly number[];
  readonly parties: Parties;
  readonly key: string;
};

export class Run {
  readonly plan: Plan;
  readonly parties: Parties;
  readonly weather: Weather;
  readonly payers: Payer[] = [];
  readonly kills = new Map<Blow, number>();
  readonly recoveriesMs: number[] = [];
  /** What went wrong with the payers themselves. */
  readonly failures: string[] = [];
  readonly startedAt = performance.now();
  ordersMs = 0;
  drainMs = 0;
  readonly #site: Site;
  readonly #random: () => number;
  readonly #patience: Patience;
  readonly #programs: Programs;

  constructor(plan: Plan, world: World) {
    this.plan = plan;
    this.parties = world.parties;
    this.#site = new Site(
      world.ports.map((port) => `http://127.0.0.1:${port}`),
      world.key,
    );
    this.#programs = new Programs({
      dataDir: world.dataDir,
      ports: world.ports,
      args: [plan.control, String(plan.pace ?? 1)],
      env: { ...world.parties.settings, SAPAR_SERVICE_KEY: world.key },
      frozenMs: patienceAt(plan.pace ?? 1).claimMs * 1.5,
      random: seeded(plan.seed + 3),
      onEnd: (what) => this.failures.push(what),
    });
    this.#random = seeded(plan.seed);
    this.#patience = patienceAt(plan.pace ?? 1);
    // Of its own, so that the same seed has the same orders whatever the weather takes.
    this.weather = new Weather(world.parties, seeded(plan.seed + 1));
  }

  async start(): Promise<void> {
    await this.#programs.start();
  }

  async ordersAndKills(): Promise<void> {
    const { plan } = this;
    const until = performance.now() + (plan.minutes ?? 24 * 60) * 60_000;
    this.weather.start();
    let left = plan.orders;
    const work = async (): Promise<void> => {
      while (left > 0 && performance.now() < until) {
        left -= 1;
        await this.#order(plan.orders - left);
      }
    };
    let isDone = false;
    const working = Promise.all(Array.from({ length: plan.payers ?? PAYERS }, work)).finally(() => {
      isDone = true;
    });
    const killing = this.#kill(() => isDone);
    await Promise.all([working, killing]);
    await this.weather.clear();
    this.ordersMs = performance.now() - this.startedAt;
  }

  async #order(no: number): Promise<void> {
    const plan = draw(this.#random, no, this.plan.methods ?? methodsAll);
    const random = seeded(this.plan.seed + no);
    const payer = new Payer(plan, { site: this.#site, parties: this.parties, random, patience: this.#patience });
    this.payers.push(payer);
    try {
      await payer.live();
    } catch (error) {
      this.failures.push(`payer ${no} (${plan.act}): ${error instanceof Error ? error.message : String(error)}`);
    }
    this.plan.onProgress?.({ orders: this.payers.length, kills: this.recoveriesMs.length });
  }

  async #kill(isDone: () => boolean): Promise<void> {
    const random = seeded(this.plan.seed + 2);
    while (!isDone()) {
      const pause = (this.plan.killEveryMs ?? KILL_EVERY_MS) * (0.3 + random() * 1.4);
      for (let left = pause; left > 0 && !isDone(); left -= 100) await delay(Math.min(left, 100));
      if (isDone()) return;
      const blow = blows[Math.floor(random() * blows.length)] ?? 'program';
      const startedAt = performance.now();
      if (!(await this.#programs.strike(blow))) continue;
      this.kills.set(blow, (this.kills.get(blow) ?? 0) + 1);
      await this.#site.ask(`/v1/orders/${randomUUID()}`, { visitor: 0 });
      if (blow !== 'frozen') this.recoveriesMs.push(performance.now() - startedAt);
    }
  }

  /** Fine weather, nobody killed: everything that is under way comes to its end. */
  async quiet(): Promise<void> {
    const startedAt = performance.now();
    let open = this.payers.filter(({ id }) => id !== undefined);
    while (open.length > 0 && performance.now() - startedAt < QUIET_MS_MAX) {
      const still: Payer[] = [];
      for (const payer of open) if (!(await hasEnded(payer))) still.push(payer);
      open = still;
      if (open.length > 0) await delay(LOOK_MS);
    }
    // What the last notification and the last worker's round still had to say, one more claim included.
    await delay(this.#patience.claimMs + 2_000);
    this.drainMs = performance.now() - startedAt;
  }

  async stop(): Promise<void> {
    await this.#programs.stop();
  }

  giveUp(): void {
    this.#site.giveUp();
    this.#programs.giveUp();
  }
}

async function hasEnded(payer: Payer): Promise<boolean> {
  const view = await payer.look();
  await payer.endRefunds(view);
  const isOver = view.isFinal || view.state === 'draft' || view.state === 'quoted';
  return isOver && view.refunds.every(({ state }) => state === 'done' || state === 'failed');
}
