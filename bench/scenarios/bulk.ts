import {
  type Bench,
  hammer,
  newSalt,
  type Outcome,
  pgbenchSimple,
  simpleBaseline,
  Tally,
  warmSeconds,
} from '../bench.ts';
import { interleave, medianRate, rowOf, type Sample } from '../rows.ts';
import { known } from '../world.ts';
import { bulkScript } from '../wrk.ts';

const ITEMS = 1_000;
const CONNECTIONS = 4;

/** `POST /v1/topups/bulk`: credits a second in requests of 1,000. */
export async function bulk(bench: Bench): Promise<Outcome> {
  const { world, say } = bench;
  const url = await world.database('bench_bulk');
  const server = await world.server(url, 'product');
  const tally = new Tally();
  const credit = async (seconds: number): Promise<Sample> => {
    const script = bulkScript(
      { tokens: world.tokens, salt: newSalt(), firstNumber: known.first, numbers: known.count },
      ITEMS,
    );
    const result = await hammer(bench, { port: server.port, seconds, script, connections: CONNECTIONS });
    tally.add(result, ITEMS);
    return { rate: result.rate * ITEMS, p50: result.p50, p99: result.p99 };
  };
  say('bulk: warming up');
  await credit(warmSeconds(bench));
  say(`bulk: ${bench.rounds} rounds`);
  const rounds: Partial<Record<'bulk' | 'pgbench', Sample[]>> = await interleave(bench.rounds, {
    bulk: () => credit(bench.seconds),
    ...simpleBaseline(bench),
  });
  await server.stop();
  const row = rowOf({
    name: 'bulk',
    what: `POST /v1/topups/bulk, ${ITEMS.toLocaleString('en')} items a request`,
    samples: rounds.bulk ?? [],
    against: { name: pgbenchSimple, value: medianRate(rounds.pgbench) },
    mark: { of: 'value', atLeast: 20_000 },
  });
  return { rows: [row], verified: await bench.world.finish('bench_bulk', { topups: tally.told }) };
}
