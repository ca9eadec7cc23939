import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { openPlatform, type Platform } from '../src/app.ts';
import { present } from '../src/base/assert.ts';
import type { Keyring } from '../src/base/keyring.ts';
import { parseMsisdn } from '../src/base/msisdn.ts';
import { Refusal } from '../src/base/refusal.ts';
import { Secret } from '../src/base/secret.ts';
import { type Config, readConfig, root } from '../src/config.ts';
import { closeDb, openDb, startEmbedded } from '../src/db/index.ts';
import { readKeyring } from '../src/keys.ts';
import { scopes } from '../src/parties/index.ts';
import { audit } from '../src/reports/index.ts';
import { type Service, startService } from './children.ts';
import type { Variant } from './server.ts';
import * as store from './store.ts';

/** Partners, each with a float and a key: the ordinary case is many floats, one of them alone is measured beside it. */
const PARTNERS = 50;
const FLOAT_MINOR = 10n ** 14n;
/** What they are called, as partners and as agents. */
export const agents = Array.from({ length: PARTNERS }, (_, index) => `bench-${index + 1}`);
/** Numbers that already have an account, as most numbers that are topped up have. */
export const known = { first: 77_010_000_000, count: 100_000 } as const;
/** Where numbers that nobody has met begin. */
export const unmet = { first: 77_050_000_000, count: 10_000_000 } as const;
/** Where each of the known numbers had its first credit: it is not part of what is counted. */
const BULK = 1_000;

/** As `npm start` runs it. */
export const serverFlags = ['--max-semi-space-size=32'];

export type Server = { readonly port: number; readonly pid: number; stop(): Promise<void> };

/** Databases of one embedded cluster, all copies of one that has partners and numbers, and servers on them. */
export type World = {
  readonly dir: string;
  readonly keyring: Keyring;
  readonly keyFile: string;
  readonly tokens: readonly string[];
  readonly ussdPath: string;
  readonly settings: Readonly<Record<string, string>>;
  /** A database of its own, by name: a copy of the prepared one, or empty. */
  database(name: string, from?: 'prepared' | 'empty'): Promise<string>;
  /** Compares what clients were told with the ledger, recomputes every invariant, and drops the database. Its servers are stopped by then. */
  finish(name: string, told: Told): Promise<Verified>;
  /** `outside`: settings of the parties outside, where the scenario has some. */
  server(url: string, variant: Variant, outside?: Readonly<Record<string, string>>): Promise<Server>;
  env(url: string): Record<string, string>;
  /** The platform in this process, for what prepares a measurement. */
  onPlatform<T>(url: string, work: (platform: Platform) => Promise<T>): Promise<T>;
  close(): Promise<void>;
};

export async function openWorld(parent: string, say: (line: string) => void): Promise<World> {
  const dir = mkdtempSync(join(parent, 'bench-'));
  const cluster = await startEmbedded({ dataDir: join(dir, 'postgres'), log: () => undefined });
  const close = async (): Promise<void> => {
    await cluster.stop();
    rmSync(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  try {
    return { ...(await prepareWorld(dir, cluster.url, say)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function prepareWorld(dir: string, adminUrl: string, say: (line: string) => void): Promise<Omit<World, 'close'>> {
  const urlOf = (name: string): string => adminUrl.replace(/(@[^/]*\/)[^?]+/, `$1${name}`);
  const config = readConfig({}, { dataDir: dir, port: '0', demo: false });
  const keyring = readKeyring(config);
  const env = (url: string): Record<string, string> => ({
    DATABASE_URL: url,
    SAPAR_DATA_DIR: dir,
    SAPAR_KEY_FILE: config.keyFile,
    SAPAR_DEMO_DATA: 'off',
    SAPAR_USSD_SECRETS: `kcell=${USSD_SECRET}`,
    LOG_LEVEL: 'warn',
  });
  const database = async (name: string, from: 'prepared' | 'empty' = 'prepared'): Promise<string> => {
    const template = from === 'prepared' ? PREPARED : undefined;
    await store.asOwner(adminUrl, (client) => store.createDatabase(client, name, template));
    await store.asOwner(urlOf(name), store.settle);
    return urlOf(name);
  };
  const onPlatform = <T>(url: string, work: (platform: Platform) => Promise<T>): Promise<T> =>
    withPlatform({ ...config, databaseUrl: new Secret(url) }, work);
  const prepared = await database(PREPARED, 'empty');
  say(`opening ${known.count.toLocaleString('en')} numbers and ${PARTNERS} partners`);
  const tokens = await onPlatform(prepared, prepare);
  await store.asOwner(prepared, store.settle);
  return {
    dir,
    keyring,
    keyFile: config.keyFile,
    tokens,
    ussdPath: `/ussd/at/kcell/${USSD_SECRET}`,
    settings: await store.asOwner(adminUrl, store.readSettings),
    database,
    async finish(name, told) {
      const verified = await verify(urlOf(name), told);
      // Nobody cleans up after it while something else is measured.
      await store.asOwner(adminUrl, (client) => store.dropDatabase(client, name));
      return verified;
    },
    server: (url, variant, outside = {}) => startServer({ ...env(url), ...outside }, variant),
    env,
    onPlatform,
  };
}

const PREPARED = 'bench_prepared';
/** Opens nothing but gateways that live as long as this run. */
const USSD_SECRET = 'bench-gateway-of-this-run-alone';

async function withPlatform<T>(config: Config, work: (platform: Platform) => Promise<T>): Promise<T> {
  const platform = await openPlatform(config, { log: pino({ level: 'silent' }) });
  return work(platform).finally(() => platform.close());
}

async function startServer(env: Record<string, string>, variant: Variant): Promise<Server> {
  const service: Service<{ port: number }> = await startService('./server.ts', {
    env,
    flags: serverFlags,
    args: [variant],
  });
  return { port: service.ready.port, pid: service.pid, stop: service.stop };
}

async function prepare(platform: Platform): Promise<string[]> {
  const tokens: string[] = [];
  for (const name of agents) {
    await platform.partners.create(name, 'bench');
    await platform.partners.fund({ name, amountMinor: FLOAT_MINOR, key: 'first', actor: 'bench' });
    tokens.push((await platform.partners.createKey(name, scopes, 'bench')).token.reveal());
  }
  const partner = BigInt((await platform.partners.find('bench-1')).id);
  for (let from = 0; from < known.count; from += BULK) {
    const credits = Array.from({ length: Math.min(BULK, known.count - from) }, (_, index) => {
      const msisdn = parseMsisdn(String(known.first + from + index));
      return {
        partner,
        key: `open-${from + index}`,
        msisdn,
        amountMinor: 100_00n,
        operator: platform.catalogue.operatorOf(msisdn),
      };
    });
    const refused = (await platform.topups.creditMany(credits)).find((answer) => answer instanceof Refusal);
    if (refused) throw refused;
  }
  return tokens;
}

const SETTLE_MS = 200;

/** Top-ups in the ledger once what clients left behind is done: two looks that see the same. */
export function settledTopups(url: string): Promise<number> {
  return store.asOwner(url, async (client) => {
    for (let before = -1; ; ) {
      const { topups } = await store.countCredits(client);
      if (topups === before) return topups;
      before = topups;
      await delay(SETTLE_MS);
    }
  });
}

type Count = 'topups' | 'payments' | 'redemptions' | 'transfers' | 'orders';
/** What clients were told, by kind of credit: `acked` for certain, and at most `open` more whose answer nobody waited for. */
export type Told = Partial<Record<Count, { readonly acked: number; readonly open: number }>>;
export type Verified = { readonly ok: boolean; readonly lines: readonly string[] };

async function verify(url: string, told: Told): Promise<Verified> {
  const counts = await store.asOwner(url, store.countCredits);
  const db = openDb(url, 1);
  const checks = await audit(db).finally(() => closeDb(db));
  const broken = checks.filter((check) => !check.ok);
  const before: Record<Count, number> = { topups: known.count, payments: 0, redemptions: 0, transfers: 0, orders: 0 };
  const compared = (Object.keys(told) as Count[]).map((kind) => {
    const { acked, open } = present(told[kind], 'a key of told has a value');
    const posted = counts[kind] - before[kind];
    const ok = posted >= acked && posted <= acked + open;
    const sum = open === 0 ? 'exactly those' : `${posted - acked} more were under way when the clients left`;
    return { ok, line: `${acked} ${kind} acknowledged, ${posted} in the ledger${ok ? `: ${sum}` : ': THEY DIFFER'}` };
  });
  return {
    ok: broken.length === 0 && compared.every(({ ok }) => ok),
    lines: [
      ...compared.map(({ line }) => line),
      `${checks.length - broken.length} of ${checks.length} invariants hold`,
      ...broken.map((check) => `BROKEN: ${check.name}: ${check.breaches.join('; ')}`),
    ],
  };
}

export { root };
