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
import { known, agents as names, type Server } from '../world.ts';
import { paymentScript } from '../wrk.ts';

type Kind = 'pay' | 'oneAgent' | 'check' | 'pgbench';

/** `GET /osmp/{agent}?command=pay`: kiosks that bring what they have collected, each payment under a name of its own, kept with its answer. */
export async function agents(bench: Bench): Promise<Outcome> {
  const { world, say } = bench;
  const url = await world.database('bench_agents');
  await world.onPlatform(url, async (platform) => {
    for (const name of names)
      await platform.agents.create({
        name,
        protocol: 'osmp',
        settings: { networks: ['127.0.0.0/8'] },
        hasPassword: false,
        actor: 'bench',
      });
  });
  const server = await world.server(url, 'product');
  const tally = new Tally();
  const ask = async (what: Asking): Promise<Sample> => {
    const result = await hammer(bench, loadOf(bench, server, what));
    if (what.command === 'pay') tally.add(result);
    return result;
  };
  say('agents: warming up');
  await ask({ command: 'pay', agents: names, seconds: warmSeconds(bench) });
  say(`agents: ${bench.rounds} rounds`);
  const rounds = await interleave<Kind>(bench.rounds, {
    pay: () => ask({ command: 'pay', agents: names }),
    oneAgent: () => ask({ command: 'pay', agents: names.slice(0, 1) }),
    check: () => ask({ command: 'check', agents: names }),
    ...simpleBaseline(bench),
  });
  await server.stop();
  const simple = { name: pgbenchSimple, value: medianRate(rounds.pgbench) };
  return {
    rows: [
      rowOf({
        name: 'agents',
        what: 'OSMP pay, each kept with its answer',
        samples: rounds.pay ?? [],
        against: simple,
        mark: { of: 'value', atLeast: 4_000 },
      }),
      rowOf({
        name: 'agents-one',
        what: 'all through one agent',
        samples: rounds.oneAgent ?? [],
        against: { name: '50 agents', value: medianRate(rounds.pay) },
      }),
      rowOf({ name: 'agents-check', what: 'OSMP check', samples: rounds.check ?? [] }),
    ],
    // An answer that is no yes is none in the ledger, and would be seen here.
    verified: await world.finish('bench_agents', { payments: tally.told }),
  };
}

type Asking = { readonly command: 'pay' | 'check'; readonly agents: readonly string[]; readonly seconds?: number };

function loadOf(bench: Bench, server: Server, { command, agents, seconds = bench.seconds }: Asking) {
  const numbers = { firstNumber: known.first, numbers: known.count };
  return { port: server.port, seconds, script: paymentScript({ command, agents, salt: newSalt(), ...numbers }) };
}
