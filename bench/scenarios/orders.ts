import { randomBytes } from 'node:crypto';
import { type Bench, drive, type Outcome, pgbenchSimple, simpleBaseline, warmSeconds } from '../bench.ts';
import { startService } from '../children.ts';
import type { Measured } from '../driver.ts';
import { interleave, medianRate, type Row, rowOf, type Sample } from '../rows.ts';
import { asOwner, openPayments } from '../store.ts';
import { known } from '../world.ts';

const CALLERS = 64;
const DRAFTS = 512;
/** News a second in the latency run: what a platform of a million orders a day has at its peak. */
const NEWS_RATE = 50;
const PAGE_RATE = 50;

/**
 * Orders that customers pay, with a payment provider in a process of its own: prices, orders placed at it, the time from its news to the credit, and the time
 * the site needs for the first page.
 */
export async function orders(bench: Bench): Promise<Outcome> {
  const { world, say } = bench;
  const url = await world.database('bench_orders');
  const secret = randomBytes(24).toString('base64');
  const key = randomBytes(24).toString('hex');
  const outside = await startService<{ sandbox: string; rates: string }>('./outside.ts', {
    env: { BENCH_SANDBOX_SECRET: secret },
  });
  const server = await world.server(url, 'product', {
    SAPAR_SERVICE_KEY: key,
    SANDBOX_URL: outside.ready.sandbox,
    SANDBOX_SECRET: secret,
    SAPAR_RATES_URL: outside.ready.rates,
  });
  const { port } = server;
  const drafts = await openDrafts(port, key);
  let nextNumber = 0;
  let paid = 0;
  const sampleOf = ({ achieved, latency }: Measured): Sample => ({
    rate: achieved,
    p50: latency.p50,
    p99: latency.p99,
  });
  const quote = async (seconds: number): Promise<Sample> =>
    sampleOf(
      await drive(bench, { mode: 'closed', port, seconds, callers: CALLERS, shape: { kind: 'quote', key, drafts } }),
    );
  const place = async (seconds: number): Promise<Sample> => {
    const shape = { kind: 'place', key, firstNumber: known.first + nextNumber } as const;
    const measured = await drive(bench, { mode: 'closed', port, seconds, callers: CALLERS, shape });
    nextNumber += measured.begun;
    return sampleOf(measured);
  };
  const news = async (seconds: number): Promise<Sample> => {
    const payments = await asOwner(url, (client) => openPayments(client, NEWS_RATE * seconds * 2));
    const shape = { kind: 'news', key, secret, payments } as const;
    const measured = await drive(bench, { mode: 'open', port, seconds, rate: NEWS_RATE, linesMax: 64, seed: 1, shape });
    paid += measured.begun;
    return sampleOf(measured);
  };
  const page = async (seconds: number): Promise<Sample> => {
    const shape = { kind: 'page', path: '/en/topup' } as const;
    return sampleOf(await drive(bench, { mode: 'open', port, seconds, rate: PAGE_RATE, linesMax: 16, seed: 1, shape }));
  };
  say('orders: warming up');
  await quote(warmSeconds(bench));
  await place(warmSeconds(bench));
  await page(warmSeconds(bench));
  say(`orders: ${bench.rounds} rounds`);
  const rounds: Partial<Record<'quote' | 'place' | 'news' | 'page' | 'pgbench', Sample[]>> = await interleave(
    bench.rounds,
    {
      quote: () => quote(bench.seconds),
      place: () => place(bench.seconds),
      news: () => news(bench.seconds),
      page: () => page(bench.seconds),
      ...simpleBaseline(bench),
    },
  );
  await server.stop();
  await outside.stop();
  const verified = await world.finish('bench_orders', { orders: { acked: paid, open: 0 } });
  return { rows: rowsOf(rounds), verified };
}

type Rounds = Partial<Record<'quote' | 'place' | 'news' | 'page' | 'pgbench', Sample[]>>;

function rowsOf({ quote = [], place = [], news = [], page = [], pgbench }: Rounds): Row[] {
  const against = { name: pgbenchSimple, value: medianRate(pgbench) };
  const p99 = (samples: readonly Sample[]): Sample[] => samples.map((one) => ({ ...one, rate: one.p99 ?? 0 }));
  return [
    rowOf({ name: 'orders-quotes', what: 'prices quoted in other money', samples: quote, against }),
    rowOf({
      name: 'orders-placed',
      what: 'orders placed: number, price, payment opened at the provider',
      samples: place,
      against,
    }),
    rowOf({
      name: 'orders-news',
      what: "p99 from a provider's news to 'delivered' on the order's page, open loop",
      unit: 'ms',
      samples: p99(news),
    }),
    rowOf({
      name: 'orders-page',
      what: "p99 of the site's first page of a top-up, open loop",
      unit: 'ms',
      samples: p99(page),
    }),
  ];
}

async function openDrafts(port: number, key: string): Promise<string[]> {
  const one = async (_: unknown, nth: number): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/orders`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        'x-forwarded-for': `10.200.${nth >> 8}.${nth & 255}`,
      },
      body: JSON.stringify({ msisdn: String(known.first + known.count - 1 - nth) }),
    });
    const order = (await response.json()) as { id: string };
    return order.id;
  };
  const ids: string[] = [];
  for (let from = 0; from < DRAFTS; from += CALLERS)
    ids.push(...(await Promise.all(Array.from({ length: CALLERS }, (_, index) => one(_, from + index)))));
  return ids;
}
