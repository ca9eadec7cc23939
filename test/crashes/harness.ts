import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseMsisdn } from '../../src/base/msisdn.ts';
import { audit } from '../../src/reports/index.ts';
import { newAgent, type TestAgent } from '../support/agents.ts';
import {
  ended,
  freePort,
  killBackend,
  killPostmaster,
  seeded,
  startServerProgram,
  type Target,
  targets,
} from '../support/kills.ts';
import { issueVouchers, newPartner, openTestPlatform } from '../support/platform.ts';
import { Clients } from './clients.ts';
import type { Control } from './control.ts';

// Clients keep what was acknowledged to them; the platform, its database or both are killed under their hands; afterwards what they
// keep is compared with the books.

export type Plan = {
  readonly kills: number;
  /** What is killed, drawn at random. */
  readonly targets?: readonly Target[];
  readonly control: Control;
  readonly seed: number;
  readonly onKill?: (done: number) => void;
};

export type Verdict = {
  readonly kills: number;
  readonly acknowledged: number;
  /** Acknowledged and not in the books, or there as another number's. */
  readonly lost: readonly string[];
  /** In the books more often than once, or in the books and acknowledged to nobody. */
  readonly doubled: readonly string[];
  readonly breaches: readonly string[];
  /** From a kill to the first good credit, the longest. */
  readonly recoveryMsMax: number;
  readonly recoveryMsMedian: number;
};

const CARDS_A_KILL = 120;
const CARD_MINOR = 500_00n;
const FLOAT_MINOR = 10n ** 15n;
const USSD_SECRET = 'crash-harness-gateway-secret';
const LOAD_MS_MIN = 120;
const LOAD_MS_SPREAD = 500;
const RECOVERY_MS_MAX = 30_000;

export async function crash(plan: Plan): Promise<Verdict> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sapar-crash-'));
  const random = seeded(plan.seed);
  const port = await freePort();
  const { token, agent, pins } = await prepare(dataDir, plan.kills);
  let app = await start(dataDir, port, plan.control);
  const clients = new Clients({ url: `http://127.0.0.1:${port}`, token, agent, pins, ussdSecret: USSD_SECRET, random });
  const recoveries: number[] = [];
  try {
    clients.start();
    for (let kill = 1; kill <= plan.kills; kill += 1) {
      await delay(LOAD_MS_MIN + random() * LOAD_MS_SPREAD);
      const among = plan.targets ?? targets;
      const target = among[Math.floor(random() * among.length)];
      const killedAt = performance.now();
      if (target === 'postmaster' || target === 'both') killPostmaster(dataDir);
      if (target === 'backend') killBackend(dataDir, random);
      if (target === 'program' || target === 'both') {
        app.kill('SIGKILL');
        await ended(app);
        app = await start(dataDir, port, plan.control);
      }
      recoveries.push((await clients.nextCredit(killedAt, RECOVERY_MS_MAX)) - killedAt);
      plan.onKill?.(kill);
    }
    await clients.finish();
  } finally {
    clients.abandon();
    app.kill('SIGTERM');
    await ended(app);
  }
  const verdict = await compare(dataDir, clients, plan);
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  const sorted = [...recoveries].sort((a, b) => a - b);
  return {
    ...verdict,
    kills: plan.kills,
    recoveryMsMax: sorted.at(-1) ?? 0,
    recoveryMsMedian: sorted[sorted.length >> 1] ?? 0,
  };
}

type Prepared = { readonly token: string; readonly agent: TestAgent; readonly pins: readonly string[] };

async function prepare(dataDir: string, kills: number): Promise<Prepared> {
  const platform = await openTestPlatform({ dataDir });
  const { token } = await newPartner(platform, { float: FLOAT_MINOR });
  const agent = await newAgent(platform, { float: FLOAT_MINOR });
  const { pins } = await issueVouchers(platform, {
    operator: 'kcell',
    values: [{ unit: 'KZT', amount: CARD_MINOR }],
    count: CARDS_A_KILL * (kills + 4),
  });
  await platform.close();
  return { token, agent, pins };
}

async function start(dataDir: string, port: number, control: Control): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('server.ts', import.meta.url));
  const env = { SAPAR_USSD_SECRETS: `kcell=${USSD_SECRET}` };
  return (await startServerProgram({ script, args: [control], dataDir, port, env })).child;
}

async function compare(dataDir: string, clients: Clients, plan: Plan) {
  const platform = await openTestPlatform({ dataDir, keep: true });
  const rows = await platform.sql<{ event: string; amount: bigint; times: bigint; number: string }>(
    `select event, sum(amount)::bigint as amount, count(*) as times, min(number_index::text) as number
     from transfer join subject on subject.subscriber = transfer.credit >> 20
     where code in ('topup', 'agent_topup', 'voucher') group by event`,
  );
  const books = new Map(rows.map((row) => [row.event, row]));
  const lost: string[] = [];
  const doubled: string[] = [];
  for (const [id, { amountMinor, msisdn }] of clients.credits) {
    const row = books.get(id);
    if (row?.number !== platform.subscribers.refer(parseMsisdn(msisdn)).index) lost.push(id);
    else if (row.times !== 1n || row.amount !== amountMinor) doubled.push(id);
  }
  for (const row of rows) if (!clients.credits.has(row.event)) doubled.push(`${row.event} was acknowledged to nobody`);
  doubled.push(...clients.contradictions);
  const breaches = (await audit(platform.db))
    .filter((check) => !check.ok)
    .map((check) => `${check.name}: ${check.breaches[0] ?? ''}`);
  await platform.close();
  // Without its keys the database cannot say which terminal fact is the one; that two were acknowledged is what is looked for.
  const acknowledged = clients.credits.size;
  return { acknowledged, lost, doubled, breaches: plan.control === 'none' ? breaches : [] };
}
