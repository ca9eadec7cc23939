import { randomBytes } from 'node:crypto';
import { ask } from './children.ts';
import type { Measured } from './driver.ts';
import type { Job } from './generator.ts';
import type { Pgbench } from './pgbench.ts';
import type { Row, Sample } from './rows.ts';
import type { Verified, World } from './world.ts';
import { runWrk, type WrkResult } from './wrk.ts';

/** What every scenario is given. */
export type Bench = {
  readonly world: World;
  readonly pgbench: Pgbench | undefined;
  /** Length of one measurement. */
  readonly seconds: number;
  readonly rounds: number;
  /** Live cards in the larger database of the voucher scenario. */
  readonly vouchers: number;
  readonly say: (line: string) => void;
};

export type Outcome = { readonly rows: readonly Row[]; readonly verified: Verified | undefined };
export type Scenario = (bench: Bench) => Promise<Outcome>;

/** Connections of a maximum-rate run: enough for lanes to batch, few enough for a latency a person would accept. */
export const connections = 512;

/** Long enough for compiled code, warm caches and open connections. */
export function warmSeconds(bench: Bench): number {
  return Math.min(3, bench.seconds);
}

/** Something no other run has used: it makes keys and sessions unique. */
export function newSalt(): string {
  return randomBytes(6).toString('hex');
}

/** Adds up what clients were told over all runs on one database. */
export class Tally {
  acked = 0;
  open = 0;

  /** `each` is how many credits one answer stands for. */
  add(result: { answers: number; asked: number }, each = 1): void {
    this.acked += result.answers * each;
    this.open += Math.max(0, result.asked - result.answers) * each;
  }

  get told(): { acked: number; open: number } {
    return { acked: this.acked, open: this.open };
  }
}

export type WrkLoad = {
  readonly port: number;
  readonly script: string;
  readonly seconds: number;
  readonly connections?: number;
};

/** A run at the highest rate. An error makes the figure worthless, so it ends the scenario. */
export async function hammer(bench: Bench, load: WrkLoad): Promise<WrkResult> {
  const result = await runWrk({ dir: bench.world.dir, url: `http://127.0.0.1:${load.port}`, connections, ...load });
  if (result.errors > 0) throw new Error(`${result.errors} of ${result.answers} answers were errors`);
  return result;
}

/** Above this the driver had no processor to run on, and its latencies are partly its own. */
const LATENESS_MS = 20;

export async function drive(bench: Bench, job: Job): Promise<Measured> {
  const measured = await ask<Measured>('./generator.ts', job);
  if (measured.lateness > LATENESS_MS)
    bench.say(`the driver itself was up to ${Math.round(measured.lateness)} ms late: is this machine busy otherwise?`);
  const failures = Object.entries(measured.failures);
  if (failures.length > 0)
    throw new Error(`callers failed: ${failures.map(([why, count]) => `${count} × ${why}`).join(', ')}`);
  return measured;
}

/** PostgreSQL's own figure, to stand beside ours in the same rounds; nothing where no pgbench is installed. */
export function simpleBaseline(bench: Bench): { pgbench?: () => Promise<Sample> } {
  const { pgbench } = bench;
  return pgbench ? { pgbench: () => pgbench.measure('simple', bench.seconds) } : {};
}

export const pgbenchSimple = 'pgbench -N';
