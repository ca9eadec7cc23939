import { eventId, referenceOf } from '../src/base/ids.ts';
import { formatAmount } from '../src/base/money.ts';
import { readConfig } from '../src/config.ts';
import { type Adapt, serve } from '../src/serve.ts';
import { type Credit, createTopups, type Topup } from '../src/topups/index.ts';
import { endWithParent } from './children.ts';

/**
 * The server under test, a process of its own, as `sapar serve` runs it. `product` is what ships; `unbatched` is the same with one
 * transaction an item over ten connections; `instant` is the same with credits answered at once: what HTTP, sign-in,
 * validation, hashing and a queue leave room for when there is no database.
 */
const variants = {
  product: (platform) => platform,
  unbatched: (platform) => ({
    ...platform,
    topups: createTopups({ ...platform, lanes: UNBATCHED_LANES, batchMax: 1 }),
  }),
  instant: (platform) => ({ ...platform, topups: { ...platform.topups, credit: instantCredit(platform) } }),
} satisfies Record<string, Adapt>;

export type Variant = keyof typeof variants;

const UNBATCHED_LANES = 10;

/** All of `credit` but its database: the hashes of order and number, a queue emptied once a turn, the answer. */
function instantCredit({ subscribers }: Parameters<Adapt>[0]): (command: Credit) => Promise<Topup> {
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

function isVariant(text: string | undefined): text is Variant {
  return text !== undefined && Object.hasOwn(variants, text);
}

const variant = process.argv[2];
if (!isVariant(variant)) throw new Error(`a variant is one of ${Object.keys(variants).join(', ')}`);
endWithParent();
const serving = await serve(readConfig(process.env, { port: '0', demo: false }), variants[variant]);
process.once('SIGTERM', () => {
  serving.close().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
process.send?.({ port: Number(new URL(serving.url).port) });
