import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import pino from 'pino';
import { openPlatform, type Platform } from '../../src/app.ts';
import { present } from '../../src/base/assert.ts';
import type { Clock } from '../../src/base/clock.ts';
import { type Msisdn, parseMsisdn } from '../../src/base/msisdn.ts';
import { buildServer, type ServerOptions, SITE } from '../../src/channels/api/index.ts';
import { callbackRoutes } from '../../src/channels/callbacks/index.ts';
import { readConfig } from '../../src/config.ts';
import { isAlive } from '../../src/db/index.ts';
import { createDocuments } from '../../src/documents/index.ts';
import { type Client, scopes } from '../../src/parties/index.ts';
import type { Alarm, Patience } from '../../src/topups/index.ts';

export { issueVouchers, newPin } from './vouchers.ts';

/** The real platform on a PostgreSQL of its own, with a way past the application's narrow role for assertions. */
export type TestPlatform = Platform & {
  readonly dataDir: string;
  readonly owner: pg.Pool;
  /** As the owner of the schema, a superuser. Integers of eight bytes come back as bigint. */
  sql<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<R[]>;
};

export type TestOptions = {
  readonly clock?: Clock;
  readonly lanes?: number;
  /** Settings of the parties outside, as the environment would name them. */
  readonly env?: NodeJS.ProcessEnv;
  readonly patience?: Partial<Patience>;
  readonly onAlarm?: (alarm: Alarm) => void;
  /** A folder that another platform has made: a database that runs in it is adopted. */
  readonly dataDir?: string;
  /** Whether the folder goes when this one closes; by default it does when this one made it. */
  readonly keep?: boolean;
};

/** One a test file: it takes about two seconds. Everything it makes is in a temporary folder and goes with `close`. */
export async function openTestPlatform(options: TestOptions = {}): Promise<TestPlatform> {
  const isKept = options.keep ?? options.dataDir !== undefined;
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'sapar-test-'));
  const platform = await openPlatform(
    readConfig(
      { LOG_LEVEL: 'silent', SAPAR_LANES: String(options.lanes ?? 2), ...options.env },
      { dataDir, port: '0', demo: false },
    ),
    {
      log: pino({ level: 'silent' }),
      ...(options.clock ? { clock: options.clock } : {}),
      ...(options.patience ? { patience: options.patience } : {}),
      ...(options.onAlarm ? { onAlarm: options.onAlarm } : {}),
    },
  );
  const owner = ownerPool(platform.ownerUrl);
  return {
    ...platform,
    dataDir,
    owner,
    async sql<R extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<R[]> {
      const result = await owner.query<R>(text, [...values]);
      return result.rows;
    },
    async close() {
      await owner.end();
      await platform.close();
      if (!isKept) rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    },
  };
}

/** Past the application's role. A database that goes away is the business of the query that needs it. */
export function ownerPool(url: string): pg.Pool {
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.INT8, (text: string) => BigInt(text));
  const pool = new pg.Pool({ connectionString: url, max: 4, types });
  pool.on('error', () => undefined);
  return pool;
}

export type TestPartner = { readonly id: bigint; readonly name: string; readonly token: string };

let partners = 0;

/** A partner with every scope and this much in its float, in tiyn. */
export async function newPartner(platform: Platform, { float }: { float: bigint }): Promise<TestPartner> {
  partners += 1;
  const name = `partner-${process.pid}-${partners}`;
  const partner = await platform.partners.create(name, 'test');
  if (float > 0n) await platform.partners.fund({ name, amountMinor: float, key: 'first', actor: 'test' });
  return { id: BigInt(partner.id), name, token: await newKey(platform, name) };
}

/** A further key of the same partner. */
export async function newKey(platform: Platform, name: string): Promise<string> {
  const { token } = await platform.partners.createKey(name, scopes, 'test');
  return token.reveal();
}

let numbers = 0;

/** A number nobody else in this process has had. */
export function newNumber(): Msisdn {
  numbers += 1;
  return parseMsisdn(`7701${String(numbers).padStart(7, '0')}`);
}

export type TestServer = { readonly url: string; close(): Promise<void> };

/** The HTTP door of the platform on a loopback port; with `siteKey`, for the site and for those outside who tell us things, too. */
export async function serveOnSocket(
  platform: Platform,
  port = 0,
  { siteKey, doors = [], trustProxy }: { siteKey?: string } & Partial<Pick<ServerOptions, 'doors' | 'trustProxy'>> = {},
): Promise<TestServer> {
  const site: Client = { partner: 0n, name: 'site', key: SITE, scopes: new Set(['subscribers:read', 'orders:write']) };
  const app = await buildServer({
    topups: platform.topups,
    orders: platform.orders,
    papers: { documents: createDocuments(), seller: platform.config.seller },
    subscribers: platform.subscribers,
    catalogue: platform.catalogue,
    isSite: (token) => token === siteKey,
    authenticate: (token) => (token === siteKey ? site : platform.partners.authenticate(token)),
    ready: () => isAlive(platform.db),
    metrics: { contentType: 'text/plain', text: async () => '' },
    version: 'test',
    logger: pino({ level: 'silent' }),
    doors: siteKey === undefined ? doors : [callbackRoutes(platform), ...doors],
    ...(trustProxy === undefined ? {} : { trustProxy }),
  });
  await app.listen({ port, host: '127.0.0.1' });
  const address = present(app.server.address(), 'a listening server has an address');
  const bound = typeof address === 'string' ? port : address.port;
  return { url: `http://127.0.0.1:${bound}`, close: () => app.close() };
}
