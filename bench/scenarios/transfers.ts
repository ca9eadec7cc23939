import { type Bench, newSalt, type Outcome, pgbenchSimple, simpleBaseline, Tally, warmSeconds } from '../bench.ts';
import { ask } from '../children.ts';
import { interleave, medianRate, numberText, rowOf, type Sample } from '../rows.ts';
import type { TransferJob, TransferResult } from '../transfers.ts';

const settings = { lanes: 2, accounts: 10_000, list: 500, lists: 4 } as const;

/** The ledger alone, in process: lists of transfers between random accounts, durable like all the rest. */
export async function transfers(bench: Bench): Promise<Outcome> {
  const url = await bench.world.database('bench_transfers');
  const tally = new Tally();
  const move = async (seconds: number): Promise<Sample> => {
    const job: TransferJob = { url, seconds, salt: newSalt(), ...settings };
    const result = await ask<TransferResult>('./transfers.ts', job);
    tally.add({ answers: result.posted, asked: result.posted });
    return result;
  };
  bench.say('transfers: warming up');
  await move(warmSeconds(bench));
  bench.say(`transfers: ${bench.rounds} rounds`);
  const rounds: Partial<Record<'transfers' | 'pgbench', Sample[]>> = await interleave(bench.rounds, {
    transfers: () => move(bench.seconds),
    ...simpleBaseline(bench),
  });
  const row = rowOf({
    name: 'transfers',
    what: `ledger transfers in process, ${numberText(settings.accounts)} accounts, ${settings.lanes} lanes`,
    samples: rounds.transfers ?? [],
    against: { name: pgbenchSimple, value: medianRate(rounds.pgbench) },
    mark: { of: 'value', atLeast: 40_000 },
  });
  return { rows: [row], verified: await bench.world.finish('bench_transfers', { transfers: tally.told }) };
}
