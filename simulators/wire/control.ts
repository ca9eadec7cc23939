import { type Faults, readFaults } from './faults.ts';
import { ControlError, json, jsonOf, type Routes } from './server.ts';
import { misbehaviours, readMisbehaviour, type WebhookSender } from './webhooks.ts';

/** How a provider takes money wrongly, beside how its webhooks and its API misbehave. */
export const wrongs = ['wrongAmount', 'wrongCurrency', 'foreignOrder'] as const;
export type Wrongs = { readonly [Name in (typeof wrongs)[number]]?: boolean };

export type Controlled<Manners extends Wrongs> = {
  readonly sender: WebhookSender;
  readonly faults: Faults;
  manners(): Manners;
  behave(manners: Manners): void;
  /** Reads what this provider alone can be asked for, `refunds`. */
  readRefunds(word: unknown): Omit<Manners, keyof Wrongs>;
  advance(ms: number): void;
};

const known = new Set([...misbehaviours, ...wrongs, 'refunds', 'faults', 'advanceMs']);

/**
 * The control address of a payment provider, for tests and demonstrations. `POST /_control` replaces all misbehaviour by what it names
 * (`{}` is good behaviour); `advanceMs` moves its clock on.
 */
export function controlAddress<Manners extends Wrongs>(controlled: Controlled<Manners>): Routes {
  const { sender, faults } = controlled;
  const state = (): unknown => ({ ...sender.misbehaviour, ...controlled.manners(), faults: faults.list() });
  return {
    'GET /_control': () => json(200, state()),
    'POST /_control': ({ body }) => {
      const asked = jsonOf(body);
      for (const name of Object.keys(asked)) if (!known.has(name)) throw new ControlError(`there is no ${name}`);
      const manners = {
        ...readWrongs(asked),
        ...(asked.refunds === undefined ? {} : controlled.readRefunds(asked.refunds)),
      } as Manners;
      sender.misbehave(readMisbehaviour(asked));
      controlled.behave(manners);
      faults.set(readFaults(asked.faults ?? []));
      if (typeof asked.advanceMs === 'number') controlled.advance(asked.advanceMs);
      return json(200, state());
    },
    'GET /_control/webhooks': () => json(200, sender.attempts),
  };
}

function readWrongs(asked: Readonly<Record<string, unknown>>): Wrongs {
  const set = wrongs.filter((name) => asked[name] !== undefined);
  const odd = set.find((name) => typeof asked[name] !== 'boolean');
  if (odd !== undefined) throw new ControlError(`${odd} is true or false`);
  return Object.fromEntries(set.map((name) => [name, asked[name]]));
}
