import { type Bench, hammer, type Outcome, pgbenchSimple, simpleBaseline, Tally, warmSeconds } from '../bench.ts';
import { type Cards, loadCards } from '../cards.ts';
import { interleave, medianRate, numberText, rowOf, type Sample } from '../rows.ts';
import { known, type Server, type Verified } from '../world.ts';
import { redemptionScript, writePinFiles } from '../wrk.ts';

/** No machine this is meant for redeems more a second; cards are set aside for it. */
const RATE_MAX = 30_000;

type Stock = { readonly name: string; readonly cards: Cards; readonly server: Server; readonly tally: Tally };

/** `POST /v1/vouchers/redemptions` with very many live cards, beside the same with a tenth of them. */
export async function vouchers(bench: Bench): Promise<Outcome> {
  const needed = RATE_MAX * (warmSeconds(bench) + bench.seconds * bench.rounds);
  const counts = { large: Math.max(bench.vouchers, needed), small: Math.max(Math.floor(bench.vouchers / 10), needed) };
  const small = await stock(bench, 'bench_vouchers_small', counts.small);
  const large = await stock(bench, 'bench_vouchers_large', counts.large);
  bench.say('vouchers: warming up');
  for (const each of [small, large]) await redeem(bench, each, warmSeconds(bench));
  bench.say(`vouchers: ${bench.rounds} rounds`);
  const rounds: Partial<Record<'large' | 'small' | 'pgbench', Sample[]>> = await interleave(bench.rounds, {
    large: () => redeem(bench, large, bench.seconds),
    small: () => redeem(bench, small, bench.seconds),
    ...simpleBaseline(bench),
  });
  const verified: Verified[] = [];
  for (const each of [large, small]) {
    await each.server.stop();
    verified.push(await bench.world.finish(each.name, { redemptions: each.tally.told }));
  }
  const live = `${numberText(counts.large)} live cards`;
  return {
    rows: [
      rowOf({
        name: 'vouchers',
        what: `voucher redemption over HTTP, ${live}`,
        samples: rounds.large ?? [],
        against: { name: pgbenchSimple, value: medianRate(rounds.pgbench) },
        mark: { of: 'value', atLeast: 4_500 },
      }),
      rowOf({
        name: 'vouchers-by-size',
        what: `redemption with ${live}`,
        samples: rounds.large ?? [],
        against: { name: `${numberText(counts.small)} live cards`, value: medianRate(rounds.small) },
        mark: { of: 'ratio', atLeast: 0.8 },
      }),
    ],
    verified: { ok: verified.every(({ ok }) => ok), lines: verified.flatMap(({ lines }) => lines) },
  };
}

async function stock(bench: Bench, name: string, count: number): Promise<Stock> {
  bench.say(`vouchers: loading ${count.toLocaleString('en')} cards`);
  const url = await bench.world.database(name);
  const cards = await loadCards(bench.world, url, count);
  return { name, cards, server: await bench.world.server(url, 'product'), tally: new Tally() };
}

async function redeem(bench: Bench, { cards, server, tally }: Stock, seconds: number): Promise<Sample> {
  const { dir, tokens } = bench.world;
  const pins = cards.take(seconds * RATE_MAX);
  const script = redemptionScript({
    token: tokens[0] ?? '',
    pinFiles: writePinFiles(dir, pins),
    firstNumber: known.first,
    numbers: known.count,
  });
  const result = await hammer(bench, { port: server.port, seconds, script });
  cards.putBack(Math.max(0, pins.length - result.asked));
  tally.add(result);
  return result;
}
