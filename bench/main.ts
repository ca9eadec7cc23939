import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readConfig } from '../src/config.ts';
import { type Bench, connections, type Scenario } from './bench.ts';
import { chartOf } from './chart.ts';
import { run, stopAll } from './children.ts';
import { isInMemory, machineOf } from './machine.ts';
import { findPgbench, openPgbench, type Pgbench, pgbenchSettings } from './pgbench.ts';
import { markdownOf, type Report, tableOf, withFigures } from './report.ts';
import { agents } from './scenarios/agents.ts';
import { bulk } from './scenarios/bulk.ts';
import { orders } from './scenarios/orders.ts';
import { print } from './scenarios/print.ts';
import { topups } from './scenarios/topups.ts';
import { transfers } from './scenarios/transfers.ts';
import { ussd } from './scenarios/ussd.ts';
import { vouchers } from './scenarios/vouchers.ts';
import { openWorld, root, serverFlags, type World } from './world.ts';

const scenarios: Readonly<Record<string, Scenario>> = {
  topups,
  bulk,
  agents,
  vouchers,
  ussd,
  orders,
  transfers,
  print,
};

const usage = `usage: npm run bench -- [options]

Measures a server of its own, on a database of its own, and compares what clients were told with the ledger afterwards.

  --only name,…    of: ${Object.keys(scenarios).join(', ')}; then nothing is written
  --seconds N      length of one measurement (default 5)
  --rounds N       rounds, of which medians are taken (default 3)
  --vouchers N     live cards in the larger database (default 1000000); the smaller has a tenth
  --full           10 seconds a measurement and 10000000 cards
  --dir PATH       where the database is made and removed again (default .sapar)
  --json           the result as JSON on standard output, instead of the table
  --docs           measure nothing; write the figures of bench/results/latest.json into docs/benchmarks.md
  --help
`;

/** A mistake of whoever called: one sentence, no stack. */
class Stop extends Error {}

type Options = {
  readonly only: readonly string[];
  readonly seconds: number;
  readonly rounds: number;
  readonly vouchers: number;
  readonly dir: string;
  readonly json: boolean;
  readonly docs: boolean;
};

const results = join(root, 'bench', 'results');
let interrupted = false;
const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (!options) return 0;
  if (options.docs) return writeDocs();
  const { report, failures } = await measure(options);
  for (const failure of failures) say(failure);
  if (interrupted) return 1;
  if (options.only.length === 0 && failures.length === 0) writeResults(report);
  process.stdout.write(
    options.json ? `${JSON.stringify(report, null, 2)}\n` : `\n${tableOf(report.results)}\n\n${verifiedText(report)}`,
  );
  return failures.length > 0 || Object.values(report.verified).some(({ ok }) => !ok) ? 1 : 0;
}

async function measure(options: Options): Promise<{ report: Report; failures: string[] }> {
  await needWrk();
  mkdirSync(options.dir, { recursive: true, mode: 0o700 });
  if (isInMemory(options.dir))
    throw new Stop(`${options.dir} is in memory, where nothing is durable: name a folder on a disk with --dir`);
  const machine = machineOf(options.dir);
  const world = await openWorld(options.dir, say);
  const verified: Record<string, Report['verified'][string]> = {};
  const failures: string[] = [];
  const rows: Report['results'][number][] = [];
  try {
    const pgbench = await openBaseline(world);
    const bench: Bench = {
      world,
      pgbench,
      say,
      seconds: options.seconds,
      rounds: options.rounds,
      vouchers: options.vouchers,
    };
    for (const [name, scenario] of Object.entries(scenarios)) {
      if (interrupted || (options.only.length > 0 && !options.only.includes(name))) continue;
      try {
        const outcome = await scenario(bench);
        rows.push(...outcome.rows);
        if (outcome.verified) verified[name] = outcome.verified;
      } catch (error) {
        // The others are still worth having; the run as a whole has failed.
        if (interrupted) failures.push(`${name} was interrupted`);
        else
          failures.push(`${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
        await stopAll();
      }
    }
    const settings = {
      ...world.settings,
      ...(await toolsOf(pgbench)),
      seconds: options.seconds,
      rounds: options.rounds,
      vouchers: options.vouchers,
    };
    return { report: { at: new Date().toISOString(), machine, settings, results: rows, verified }, failures };
  } finally {
    await stopAll();
    await world.close();
  }
}

function readOptions(args: string[]): Options | undefined {
  const { values } = parse(args);
  if (values.help) {
    process.stdout.write(usage);
    return undefined;
  }
  const only = (values.only ?? '').split(',').filter(Boolean);
  const unknown = only.find((name) => !Object.hasOwn(scenarios, name));
  if (unknown !== undefined)
    throw new Stop(`there is no scenario '${unknown}'; there are ${Object.keys(scenarios).join(', ')}`);
  return {
    only,
    seconds: wholeNumber('seconds', values.seconds ?? (values.full ? '10' : '5'), { min: 1, max: 600 }),
    rounds: wholeNumber('rounds', values.rounds ?? '3', { min: 1, max: 50 }),
    vouchers: wholeNumber('vouchers', values.vouchers ?? (values.full ? '10000000' : '1000000'), {
      min: 1_000,
      max: 10_000_000,
    }),
    dir: resolve(root, values.dir ?? '.sapar'),
    json: values.json === true,
    docs: values.docs === true,
  };
}

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args,
      options: {
        only: text,
        seconds: text,
        rounds: text,
        vouchers: text,
        dir: text,
        full: flag,
        json: flag,
        docs: flag,
        help: flag,
      },
    });
  } catch (error) {
    throw new Stop(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  }
}

function wholeNumber(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < min || number > max)
    throw new Stop(`--${name} is a whole number from ${min} to ${max}, not '${text}'`);
  return number;
}

/** Installs what is missing where that is possible, as the tests do. */
async function needWrk(): Promise<void> {
  const has = (): boolean => spawnSync('sh', ['-c', 'command -v wrk']).status === 0;
  if (has()) return;
  const canInstall = process.getuid?.() === 0 && spawnSync('sh', ['-c', 'command -v apt-get']).status === 0;
  if (!canInstall) throw new Stop('wrk makes the load and is not installed: sudo apt-get install wrk');
  say('installing wrk');
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], env);
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'wrk'], env);
}

async function openBaseline(world: World): Promise<Pgbench | undefined> {
  const program = findPgbench();
  if (program === undefined) {
    say('no pgbench here (Debian: postgresql): figures stand without that comparison');
    return undefined;
  }
  say(`filling pgbench's tables, scale ${pgbenchSettings.scale}`);
  return openPgbench(program, await world.database('bench_pgbench', 'empty'));
}

async function toolsOf(pgbench: Pgbench | undefined): Promise<Record<string, string>> {
  const wrk = spawnSync('wrk', ['-v'], { encoding: 'utf8' });
  const version = /^wrk (\S+)/m.exec(`${wrk.stdout}${wrk.stderr}`)?.[1] ?? 'unknown';
  const { scale, clients, threads, mode } = pgbenchSettings;
  return {
    wrk: `${version}, 1 thread, ${connections} connections`,
    server: `node ${serverFlags.join(' ')}, ${readConfig({}).lanes} lanes`,
    pgbench: pgbench
      ? `${pgbench.version}, scale ${scale}, ${clients} clients, ${threads} threads, ${mode}`
      : 'not installed',
  };
}

function verifiedText(report: Report): string {
  return Object.entries(report.verified)
    .flatMap(([name, { lines }]) => lines.map((line) => `${name}: ${line}\n`))
    .join('');
}

function writeResults(report: Report): void {
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'latest.json'), `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(join(results, 'latest.svg'), chartOf(report));
  say('wrote bench/results/latest.json and latest.svg');
}

function writeDocs(): number {
  const document = join(root, 'docs', 'benchmarks.md');
  const report: Report = JSON.parse(readFileSync(join(results, 'latest.json'), 'utf8'));
  writeFileSync(document, withFigures(readFileSync(document, 'utf8'), markdownOf(report)));
  say('wrote docs/benchmarks.md');
  return 0;
}

/** Leaves neither processes nor a database behind: without its servers the scenario fails, and `measure` clears up on its way out. */
function onInterrupt(signal: NodeJS.Signals): void {
  say(`${signal}: stopping`);
  interrupted = true;
  void stopAll();
}

process.on('SIGINT', onInterrupt);
process.on('SIGTERM', onInterrupt);

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(
    `bench: ${error instanceof Stop ? error.message : error instanceof Error ? error.stack : String(error)}\n`,
  );
  process.exitCode = error instanceof Stop ? 2 : 1;
}
