import pino from 'pino';
import { openPlatform, type Platform } from '../src/app.ts';
import { present } from '../src/base/assert.ts';
import { eventId, referenceOf } from '../src/base/ids.ts';
import { formatAmount } from '../src/base/money.ts';
import { buildServer, type ServerOptions } from '../src/channels/api/index.ts';
import { createUssdEngine, ussdAtRoutes, ussdGateway } from '../src/channels/ussd/index.ts';
import { readConfig } from '../src/config.ts';
import { isAlive } from '../src/db/index.ts';
import { createMetrics } from '../src/metrics.ts';
import type { Credit, Topup } from '../src/topups/index.ts';
import { endWithParent } from './children.ts';

/**
 * The server under test, a process of its own. `product` is what ships; `unbatched` is the same with one transaction an item over
 * ten connections; `instant` is the same with credits answered at once, without a database: what HTTP, sign-in,
 * validation and hashing leave room for.
 */
export type Variant = 'product' | 'unbatched' | 'instant';

const UNBATCHED_LANES = 10;

async function start(variant: Variant): Promise<void> {
  const log = pino({ level: process.env['LOG_LEVEL'] ?? 'warn' }, pino.destination(2));
  const metrics = createMetrics(() => platform.topups.waiting);
  const config = readConfig(process.env, { port: '0', demo: false });
  const platform: Platform = await openPlatform(
    variant === 'unbatched' ? { ...config, lanes: UNBATCHED_LANES } : config,
    {
      log,
      ...(variant === 'unbatched' ? { batchMax: 1 } : {}),
      onBatch: (lane, batch) => {
        metrics.batches.observe({ lane }, batch.size);
        metrics.commits.observe({ lane }, batch.ms / 1000);
      },
    },
  );
  const { subscribers, partners, catalogue } = platform;
  const topups = variant === 'instant' ? { ...platform.topups, credit: instantCredit(platform) } : platform.topups;
  const app = await buildServer({
    topups,
    subscribers,
    catalogue,
    authenticate: (token) => partners.authenticate(token),
    ready: () => isAlive(platform.db),
    metrics: { contentType: metrics.registry.contentType, text: () => metrics.registry.metrics() },
    version: 'bench',
    logger: log,
    doors: [ussdDoor(platform)],
    onAnswer: (request, reply) => {
      const route = request.routeOptions.url ?? 'site';
      metrics.requests.inc({ route, status: reply.statusCode });
      metrics.seconds.observe({ route }, reply.elapsedTime / 1000);
    },
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  process.once('SIGTERM', () => {
    const closing = app.close().then(() => platform.close());
    closing.then(
      () => process.exit(0),
      () => process.exit(1),
    );
  });
  const address = present(app.server.address(), 'a listening server has an address');
  process.send?.({ port: typeof address === 'string' ? 0 : address.port });
}

function ussdDoor(platform: Platform): ServerOptions['doors'][number] {
  const { topups, subscribers, catalogue, dialogues, keyring, clock, config } = platform;
  const engine = createUssdEngine({ topups, subscribers, catalogue, dialogues, keyring, clock });
  const gateways = new Map(
    [...config.ussdSecrets].map(([id, secrets]) => {
      const operator = catalogue.parseOperator(id);
      return [id, { gateway: ussdGateway({ id: `at-${id}`, operator, language: config.ussdLanguage }), secrets }];
    }),
  );
  return ussdAtRoutes({ engine, gateways });
}

/** Everything `credit` does before and after the database, and nothing of it: the hashes of the order and of the number, a queue emptied once a turn, an answer. */
function instantCredit({ subscribers }: Platform): (command: Credit) => Promise<Topup> {
  type Waiter = { readonly command: Credit; readonly id: Topup['id']; resolve(topup: Topup): void };
  let queue: Waiter[] = [];
  const flush = (): void => {
    const batch = queue;
    queue = [];
    const createdAt = new Date().toISOString();
    for (const { command, id, resolve } of batch) {
      const amount = formatAmount(command.amountMinor, 'KZT');
      resolve({ id, reference: referenceOf(id), status: 'delivered', amount, currency: 'KZT', createdAt, fresh: true });
    }
  };
  return (command) => {
    const id = eventId('topup', String(command.partner), command.key);
    subscribers.refer(command.msisdn);
    return new Promise((resolve) => {
      queue.push({ command, id, resolve });
      if (queue.length === 1) setImmediate(flush);
    });
  };
}

endWithParent();
await start((process.argv[2] ?? 'product') as Variant);
