import {
  type Bench,
  connections,
  drive,
  hammer,
  newSalt,
  type Outcome,
  pgbenchSimple,
  simpleBaseline,
  Tally,
  warmSeconds,
} from '../bench.ts';
import { interleave, medianRate, type Row, rowOf, type Sample } from '../rows.ts';
import { known, type Server, settledTopups, unmet } from '../world.ts';
import { topupScript } from '../wrk.ts';

type Servers = { readonly product: Server; readonly instant: Server; readonly unbatched: Server };
type Kind = 'spread' | 'oneFloat' | 'newNumbers' | 'instant' | 'unbatched' | 'pgbench' | 'tpcb';
type Rounds = Partial<Record<Kind, Sample[]>>;

/** `POST /v1/topups`: the highest rate, beside the same server without a database, the same without batching, and PostgreSQL's own benchmark. */
export async function topups(bench: Bench): Promise<Outcome> {
  const { world, say } = bench;
  const url = await world.database('bench_topups');
  const servers: Servers = {
    product: await world.server(url, 'product'),
    instant: await world.server(url, 'instant'),
    unbatched: await world.server(url, 'unbatched'),
  };
  const tally = new Tally();
  const rounds = await measureRounds(bench, servers, tally);
  const best = medianRate(rounds.spread) ?? 0;
  say(`topups: open loop at half of ${Math.round(best)}/s`);
  const open = await openLoop(bench, servers.product, { url, rate: best / 2, tally });
  await Promise.all([servers.product.stop(), servers.instant.stop(), servers.unbatched.stop()]);
  return {
    rows: [...rowsOf(rounds), ...open],
    verified: await bench.world.finish('bench_topups', { topups: tally.told }),
  };
}

async function measureRounds(bench: Bench, servers: Servers, tally: Tally): Promise<Rounds> {
  const { world, say } = bench;
  let firstUnmet = unmet.first;
  const credit = async (
    server: Server,
    what: { tokens: readonly string[]; seconds?: number; order?: 'once' },
  ): Promise<Sample> => {
    const { tokens, seconds = bench.seconds, order = 'random' } = what;
    const numbers =
      order === 'once'
        ? { firstNumber: firstUnmet, numbers: unmet.count }
        : { firstNumber: known.first, numbers: known.count };
    const result = await hammer(bench, {
      port: server.port,
      seconds,
      script: topupScript({ tokens, salt: newSalt(), order, ...numbers }),
    });
    if (order === 'once') firstUnmet += result.asked;
    // What is answered without a database is in no ledger.
    if (server !== servers.instant) tally.add(result);
    return result;
  };
  say('topups: warming up');
  for (const server of Object.values(servers))
    await credit(server, { tokens: world.tokens, seconds: warmSeconds(bench) });
  say(`topups: ${bench.rounds} rounds`);
  const { pgbench } = bench;
  return interleave<Kind>(bench.rounds, {
    spread: () => credit(servers.product, { tokens: world.tokens }),
    oneFloat: () => credit(servers.product, { tokens: world.tokens.slice(0, 1) }),
    instant: () => credit(servers.instant, { tokens: world.tokens }),
    unbatched: () => credit(servers.unbatched, { tokens: world.tokens }),
    newNumbers: () => credit(servers.product, { tokens: world.tokens, order: 'once' }),
    ...simpleBaseline(bench),
    ...(pgbench ? { tpcb: () => pgbench.measure('tpcb', bench.seconds) } : {}),
  });
}

const SEED = 20_260_103;

type Pace = { readonly url: string; readonly rate: number; readonly tally: Tally };

async function openLoop(bench: Bench, server: Server, { url, rate, tally }: Pace): Promise<Row[]> {
  const shape = {
    kind: 'topup',
    tokens: bench.world.tokens,
    salt: newSalt(),
    firstNumber: known.first,
    numbers: known.count,
  } as const;
  const before = await settledTopups(url);
  const measured = await drive(bench, {
    mode: 'open',
    port: server.port,
    seconds: bench.seconds,
    rate,
    seed: SEED,
    linesMax: connections * 2,
    shape,
  });
  // Each of these callers waited for its answer, so here the ledger holds exactly what was acknowledged.
  const posted = (await settledTopups(url)) - before;
  if (posted !== measured.done) throw new Error(`${measured.done} top-ups acknowledged, ${posted} in the ledger`);
  tally.add({ answers: measured.done, asked: measured.done });
  const sample = { rate: measured.achieved, p50: measured.latency.p50, p99: measured.latency.p99 };
  return [
    {
      ...rowOf({
        name: 'topups-open-loop-p99',
        what: 'p99 at half the maximum rate, open loop',
        unit: 'ms',
        value: measured.latency.p99,
        mark: { of: 'value', atMost: 100 },
      }),
      p50: sample.p50,
      p99: sample.p99,
    },
    rowOf({
      name: 'topups-open-loop-rate',
      what: 'achieved of what was offered, open loop',
      samples: [sample],
      against: { name: 'offered', value: measured.offered },
      mark: { of: 'ratio', atLeast: 0.99 },
    }),
  ];
}

function rowsOf(rounds: Rounds): Row[] {
  const { spread = [], oneFloat = [], newNumbers = [], tpcb } = rounds;
  const simple = { name: pgbenchSimple, value: medianRate(rounds.pgbench) };
  const rows = [
    rowOf({
      name: 'topups',
      what: 'POST /v1/topups',
      samples: spread,
      against: simple,
      mark: { of: 'value', atLeast: 6_000 },
    }),
    rowOf({
      name: 'topups-no-database',
      what: 'of the same route without a database',
      samples: spread,
      against: { name: 'no database', value: medianRate(rounds.instant) },
      mark: { of: 'ratio', atLeast: 0.55 },
    }),
    rowOf({
      name: 'topups-batching-off',
      what: 'of the same server with batching off',
      samples: spread,
      against: { name: 'batching off', value: medianRate(rounds.unbatched) },
      mark: { of: 'ratio', atLeast: 6 },
    }),
    rowOf({
      name: 'topups-one-float',
      what: 'all through one partner float',
      samples: oneFloat,
      against: { name: '50 floats', value: medianRate(spread) },
      mark: { of: 'ratio', atLeast: 0.85 },
    }),
    rowOf({
      name: 'topups-new-numbers',
      what: 'every number met for the first time',
      samples: newNumbers,
      against: simple,
    }),
  ];
  return tpcb
    ? [...rows, rowOf({ name: 'pgbench-tpcb', what: 'pgbench TPC-B, for comparison', samples: tpcb, against: simple })]
    : rows;
}
