import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { openPlatform, type Platform, type PlatformOptions } from './app.ts';
import { present } from './base/assert.ts';
import { matcherOf } from './base/networks.ts';
import { Refusal } from './base/refusal.ts';
import { Secret } from './base/secret.ts';
import { buildServer, SITE } from './channels/api/index.ts';
import { callbackRoutes } from './channels/callbacks/index.ts';
import { agentRoutes } from './channels/partners/index.ts';
import {
  createUssdEngine,
  type HttpGateway,
  type UssdEngine,
  ussdAtRoutes,
  ussdGateway,
  ussdHttpRoutes,
} from './channels/ussd/index.ts';
import type { Config } from './config.ts';
import { isAlive } from './db/index.ts';
import { type Demo, openDemo, ussdUrls } from './demo.ts';
import { createDocuments, type Documents } from './documents/index.ts';
import { readGatewayFile } from './gateway_file.ts';
import { openHttpRows } from './gateway_http.ts';
import { type Gateways, type GatewaysDeps, openGateways } from './gateways.ts';
import { createLog } from './log.ts';
import { agentAnswersIn, createMetrics, gatewayMetricsIn, type Metrics, smsMetricsIn } from './metrics.ts';
import type { Client } from './parties/index.ts';
import { startSimulated } from './simulated.ts';
import { smsDoor } from './sms.ts';

export type Serving = {
  readonly url: string;
  readonly demo: Demo | undefined;
  readonly platform: Platform;
  close(): Promise<void>;
};

const SWEEP_MS = 5_000;
/** A start waits so long for today's rates; without them the platform serves all but foreign money. */
const RATES_WAIT_MS = 2_000;

/** Puts something else in the place of a part: the benchmark measures the same server without its database, or without batching. */
export type Adapt = (platform: Platform) => Platform;

/** Opens the platform and every door of this process, and listens. */
export async function serve(wanted: Config, adapt: Adapt = (platform) => platform): Promise<Serving> {
  const simulated = wanted.demo ? await startSimulated(wanted) : undefined;
  try {
    const serving = await open(simulated?.config ?? wanted, adapt);
    return {
      ...serving,
      async close() {
        await serving.close();
        await simulated?.close();
      },
    };
  } catch (error) {
    await simulated?.close();
    throw error;
  }
}

async function open(config: Config, adapt: Adapt): Promise<Serving> {
  const log = createLog(config.logLevel);
  const metrics = createMetrics(
    () => platform.topups.waiting,
    () => platform.orders.context.delivery.status(),
  );
  const smsFigures = smsMetricsIn(
    metrics.registry,
    () => platform.sms.waiting(),
    () => platform.clock.now(),
  );
  const opened = await openPlatform(config, { log, ...figuresOf(metrics, smsFigures) });
  const platform: Platform = adapt(opened);
  try {
    const demo = config.demo ? await openDemo(platform) : undefined;
    const service = config.serviceKey ?? new Secret(randomBytes(32).toString('base64url'));
    const documents = createDocuments({
      onExit: (why) => log.error({ err: why }, 'the worker that makes documents ended'),
    });
    const engine = engineOf(platform, log);
    // Read before anything listens: what is nonsense stops the start.
    const gatewayFile = readGatewayFile(config.env, platform.catalogue);
    const http = openHttpRows(gatewayFile, { ...platform, engine, language: config.ussdLanguage });
    const app = await openDoors({ config, platform, metrics, log, service, demo, documents, engine, http });
    await listen(app, config);
    const gateways = await openLinks({ file: gatewayFile, platform, engine, http, log }, metrics, smsFigures);
    const url = urlOf(app, config);
    tellSite({ url, service, demo, origins: platform.orders.pageOrigins() });
    platform.orders.startWorking();
    if (platform.orders.methods().length > 0)
      await Promise.race([refreshRates(platform, log), delay(RATES_WAIT_MS, undefined, { ref: false })]);
    const stopSweeping = startSweeping(platform, log);
    return {
      url,
      demo,
      platform,
      async close() {
        stopSweeping();
        await Promise.all([app.close(), gateways.close()]);
        await documents.close();
        await platform.close();
      },
    };
  } catch (error) {
    await platform.close();
    throw error;
  }
}

type SmsFigures = ReturnType<typeof smsMetricsIn>;

/** What the platform tells of its work, as figures. */
function figuresOf(metrics: Metrics, sms: SmsFigures): Omit<PlatformOptions, 'log'> {
  return {
    onBatch: (lane, batch) => {
      metrics.batches.observe({ lane }, batch.size);
      metrics.commits.observe({ lane }, batch.ms / 1000);
    },
    onItemError: (lane) => metrics.failures.inc({ lane }),
    onDatabaseExit: () => metrics.databaseExits.inc(),
    onAlarm: ({ kind, provider = 'none' }) => metrics.alarms.inc({ kind, provider }),
    onLetter: (outcome) => metrics.letters.inc({ outcome }),
    onSms: (operator, state) => sms.moves.inc({ operator, state }),
    onDeliveryCall: ({ route, operator, verb, outcome }) => metrics.deliveries.inc({ route, operator, verb, outcome }),
  };
}

/** The links of this process to operators' networks, and the text messages that go through them. */
async function openLinks(
  links: Omit<GatewaysDeps, 'onCount' | 'onSms'>,
  metrics: Metrics,
  smsFigures: SmsFigures,
): Promise<Gateways> {
  const figures = gatewayMetricsIn(metrics.registry);
  const sms = smsDoor(links.platform, (operator, command) => smsFigures.commands.inc({ operator, command }));
  const gateways = await openGateways({
    ...links,
    onCount: (counted) => figures.messages.inc(counted),
    onSms: sms.onSms,
  });
  figures.watch(gateways.list);
  sms.start(gateways.smpp);
  return gateways;
}

type Opening = {
  config: Config;
  platform: Platform;
  metrics: Metrics;
  log: Logger;
  service: Secret;
  demo: Demo | undefined;
  documents: Documents;
  engine: UssdEngine;
  http: readonly HttpGateway[];
};

/** One engine behind all gateways, whatever they speak. */
function engineOf(platform: Platform, log: Logger): UssdEngine {
  const { topups, subscribers, catalogue, dialogues, keyring, clock } = platform;
  const onError = (error: unknown): void => log.error({ err: error }, 'a USSD step failed');
  return createUssdEngine({ topups, subscribers, catalogue, dialogues, keyring, clock, onError });
}

async function openDoors({
  config,
  platform,
  metrics,
  log,
  service,
  demo,
  documents,
  engine,
  http,
}: Opening): Promise<FastifyInstance> {
  const { topups, orders, subscribers, partners, catalogue } = platform;
  const site = await loadSite(config.root);
  const secrets = demo ? new Map([...demo.ussdSecrets, ...config.ussdSecrets]) : config.ussdSecrets;
  const gateways = new Map(
    [...secrets].map(([id, accepted]) => {
      const operator = catalogue.parseOperator(id);
      return [
        id,
        { gateway: ussdGateway({ id: `at-${id}`, operator, language: config.ussdLanguage }), secrets: accepted },
      ];
    }),
  );
  return buildServer({
    topups,
    orders,
    papers: { documents, seller: config.seller },
    subscribers,
    catalogue,
    isSite: (token) => token === service.reveal(),
    authenticate: (token) => serviceClient(token, service) ?? partners.authenticate(token),
    ready: () => isAlive(platform.db),
    metrics: { contentType: metrics.registry.contentType, text: () => metrics.registry.metrics() },
    version: versionOf(config.root),
    logger: log,
    doors: [
      ussdAtRoutes({ engine, gateways }),
      ussdHttpRoutes(http),
      callbackRoutes({ orders }),
      agentDoor({ config, platform, metrics, log }),
    ],
    ...(site ? { site } : {}),
    ...(config.trustProxy === undefined ? {} : { trustProxy: config.trustProxy }),
    onAnswer: measure(metrics),
  });
}

/** Kiosks and banks: a client's certificate is what a proxy of ours says it is. */
function agentDoor({ config, platform, metrics, log }: Pick<Opening, 'config' | 'platform' | 'metrics' | 'log'>) {
  const answers = agentAnswersIn(metrics.registry);
  return agentRoutes({
    ...platform,
    isProxy: matcherOf((config.trustProxy ?? '').split(',').map((one) => one.trim())),
    onAnswer: (answer) => answers.inc(answer),
    onError: (error) => log.error({ err: error }, "an agent's payment failed"),
  });
}

/** The site acts for its visitors with a credential of its own: it is nobody's partner and has no float. */
function serviceClient(token: string, service: Secret): Client | undefined {
  // Compared with the one secret this process has made or been given.
  return token === service.reveal()
    ? { partner: 0n, name: 'site', key: SITE, scopes: new Set(['subscribers:read', 'vouchers:redeem', 'orders:write']) }
    : undefined;
}

/** Counts answers by route and status. The labelled children are kept, because looking them up costs more than counting. */
function measure(metrics: Metrics) {
  const known = new Map<string, { count(): void; took(seconds: number): void }>();
  const childOf = (route: string, status: number) => {
    const requests = metrics.requests.labels({ route, status });
    const seconds = metrics.seconds.labels({ route });
    return { count: () => requests.inc(), took: (time: number) => seconds.observe(time) };
  };
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const route = request.routeOptions.url ?? 'site';
    const key = `${reply.statusCode} ${route}`;
    const child = known.get(key) ?? childOf(route, reply.statusCode);
    known.set(key, child);
    child.count();
    child.took(reply.elapsedTime / 1000);
  };
}

async function listen(app: FastifyInstance, config: Config): Promise<void> {
  try {
    await app.listen({ port: config.port, host: config.host });
  } catch (error) {
    await app.close();
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EADDRINUSE')
      throw new Error(`port ${config.port} is taken: choose another with --port N, or stop what listens there`, {
        cause: error,
      });
    if (code === 'EACCES')
      throw new Error(`port ${config.port} needs more rights than this user has: choose one above 1023 with --port N`, {
        cause: error,
      });
    throw error;
  }
}

function urlOf(app: FastifyInstance, config: Config): string {
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : config.port;
  const host = config.host === '0.0.0.0' || config.host === '::' ? '127.0.0.1' : config.host;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

type Telling = { url: string; service: Secret; demo: Demo | undefined; origins: readonly string[] };

/** The site runs in this process and reads these at each request (web/src/settings.server.ts). */
function tellSite({ url, service, demo, origins }: Telling): void {
  process.env.SAPAR_API_URL = url;
  // Forms may lead there: browsers check where a form's answer sends them.
  process.env.SAPAR_PAYMENT_ORIGINS = origins.join(',');
  // Revealed to the site's server side alone, through the environment of this process.
  process.env.SAPAR_SERVICE_KEY = service.reveal();
  if (demo) process.env.SAPAR_DEMO = JSON.stringify({ ussd: ussdUrls(demo, url), vouchers: demo.vouchers });
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const FORWARDED_PROTOCOL = 'x-sapar-protocol';
const FORWARDED_ADDRESS = 'x-sapar-address';

/** The built site as a handler; undefined while it has not been built. */
async function loadSite(root: string): Promise<((request: FastifyRequest, reply: FastifyReply) => void) | undefined> {
  const file = join(root, 'web', 'build', 'handler.js');
  if (!existsSync(file)) return undefined;
  // The site's adapter assumes https unless a header says otherwise, and would refuse every plain form.
  process.env.PROTOCOL_HEADER = FORWARDED_PROTOCOL;
  // Behind a trusted proxy the connection is the proxy's; limits are for the visitor.
  process.env.ADDRESS_HEADER = FORWARDED_ADDRESS;
  const loaded: { handler: Handler } = await import(pathToFileURL(file).href);
  return (request, reply) => {
    request.raw.headers[FORWARDED_PROTOCOL] = request.protocol;
    request.raw.headers[FORWARDED_ADDRESS] = request.ip;
    loaded.handler(request.raw, reply.raw);
  };
}

function versionOf(root: string): string {
  const file: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return String(
    Reflect.get(present(file instanceof Object ? file : undefined, 'package.json holds an object'), 'version'),
  );
}

/** A bank that does not answer leaves the rates there are, until they are too old for foreign money. */
async function refreshRates({ rates }: Platform, log: Logger): Promise<void> {
  try {
    await rates.refresh();
  } catch (error) {
    log.warn({ err: error }, 'exchange rates could not be fetched');
  }
}

/** What is done in the background: sealing the audit chain, ending what is due, forgetting old dialogues. One round at a time. */
function startSweeping(platform: Platform, log: Logger): () => void {
  let busy = false;
  const sweep = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      await platform.sweep();
      if (platform.orders.methods().length > 0) await refreshRates(platform, log);
    } catch (error) {
      // The next round does what this one could not. A database that is away needs no stack.
      log.warn(error instanceof Refusal ? { code: error.code } : { err: error }, 'a background round failed');
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void sweep(), SWEEP_MS);
  timer.unref();
  return () => clearInterval(timer);
}
