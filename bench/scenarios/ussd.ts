import {
  type Bench,
  drive,
  newSalt,
  type Outcome,
  pgbenchSimple,
  simpleBaseline,
  Tally,
  warmSeconds,
} from '../bench.ts';
import { loadCards } from '../cards.ts';
import { interleave, medianRate, rowOf, type Sample } from '../rows.ts';
import { known } from '../world.ts';

const RATE_MAX = 4_000;
const CALLERS = 192;

/** Whole dialogues through a gateway's address: dial, the card's code, yes. A card and a number of its own each. */
export async function ussd(bench: Bench): Promise<Outcome> {
  const { world, say } = bench;
  const url = await world.database('bench_ussd');
  const needed = RATE_MAX * (warmSeconds(bench) + bench.seconds * bench.rounds);
  say(`ussd: loading ${needed.toLocaleString('en')} cards`);
  const cards = await loadCards(world, url, needed);
  const server = await world.server(url, 'product');
  const tally = new Tally();
  let nextNumber = 0;
  const talk = async (seconds: number): Promise<Sample> => {
    const pins = cards.take(seconds * RATE_MAX);
    const shape = {
      kind: 'ussd',
      path: world.ussdPath,
      serviceCode: '*111#',
      salt: newSalt(),
      pins,
      firstNumber: known.first + nextNumber,
    } as const;
    const measured = await drive(bench, { mode: 'closed', port: server.port, seconds, callers: CALLERS, shape });
    cards.putBack(pins.length - measured.begun);
    // A number that has just been credited is told so when it dials again: the next dialogue is another number's.
    nextNumber += measured.begun;
    tally.add({ answers: measured.done, asked: measured.begun });
    return { rate: measured.achieved, p50: measured.latency.p50, p99: measured.latency.p99 };
  };
  say('ussd: warming up');
  await talk(warmSeconds(bench));
  say(`ussd: ${bench.rounds} rounds`);
  const rounds: Partial<Record<'ussd' | 'pgbench', Sample[]>> = await interleave(bench.rounds, {
    ussd: () => talk(bench.seconds),
    ...simpleBaseline(bench),
  });
  await server.stop();
  const row = rowOf({
    name: 'ussd',
    what: 'USSD dialogues of three steps: dial, code, yes',
    samples: rounds.ussd ?? [],
    against: { name: pgbenchSimple, value: medianRate(rounds.pgbench) },
    mark: { of: 'value', atLeast: 1_500 },
  });
  return { rows: [row], verified: await bench.world.finish('bench_ussd', { redemptions: tally.told }) };
}
