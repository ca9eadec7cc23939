import { type Faults, readFaults } from '../wire/faults.ts';
import { type Call, ControlError, json, jsonOf, type Routes } from '../wire/server.ts';
import { misbehaviours, readMisbehaviour, type WebhookSender } from '../wire/webhooks.ts';
import { type Account, type Manners, outcomes } from './account.ts';
import { WireError } from './errors.ts';
import { disputeStatuses, refundStatuses } from './objects.ts';

const flags = ['wrongAmount', 'wrongCurrency', 'foreignOrder'] as const;
const known = new Set([...misbehaviours, ...flags, 'refunds', 'faults', 'advanceMs']);

/**
 * The control address, for tests and demonstrations. `POST /_control` replaces all misbehaviour by what it names (`{}` is good
 * behaviour); `advanceMs` moves the account's clock on.
 */
export function controlRoutes(account: Account, sender: WebhookSender, faults: Faults): Routes {
  const state = (): unknown => ({ ...sender.misbehaviour, ...account.manners, faults: faults.list() });
  return {
    'GET /_control': () => json(200, state()),
    'POST /_control': ({ body }) => {
      const asked = jsonOf(body);
      for (const name of Object.keys(asked)) if (!known.has(name)) throw new ControlError(`there is no ${name}`);
      sender.misbehave(readMisbehaviour(asked));
      account.manners = readManners(asked);
      faults.set(readFaults(asked.faults ?? []));
      if (typeof asked.advanceMs === 'number') account.advance(asked.advanceMs);
      return json(200, state());
    },
    'GET /_control/webhooks': () => json(200, sender.attempts),
    /** `{ "outcome": "pay" }`: what the payer would do on the page. */
    'POST /_control/sessions/:id': (call) => {
      const { outcome, seconds } = jsonOf(call.body);
      const wanted = one(outcome, outcomes, 'outcome');
      return done(call, (id) => account.act(id, wanted, typeof seconds === 'number' ? seconds : 0));
    },
    /** `{ "outcome": "succeeded" | "failed" }`: a slow payment ends now. */
    'POST /_control/sessions/:id/end': (call) => {
      const outcome = one(jsonOf(call.body).outcome, ['succeeded', 'failed'] as const, 'outcome');
      return done(call, (id) => account.endSlow(id, outcome === 'succeeded'));
    },
    'POST /_control/refunds/:id': (call) => {
      const status = one(jsonOf(call.body).status, refundStatuses, 'status');
      return done(call, (id) => account.moveRefund(id, status));
    },
    /** The payer of a payment intent goes to their bank. */
    'POST /_control/payment_intents/:id/dispute': (call) => {
      const asked = jsonOf(call.body);
      const status = one(asked.status ?? 'needs_response', disputeStatuses, 'status');
      const reason = typeof asked.reason === 'string' ? asked.reason : 'fraudulent';
      return done(call, (id) => account.dispute({ intent: id, reason, status }));
    },
    'POST /_control/disputes/:id': (call) => {
      const status = one(jsonOf(call.body).status, disputeStatuses, 'status');
      return done(call, (id) => account.moveDispute(id, status));
    },
    'POST /_control/events/:id/resend': (call) => done(call, (id) => account.resend(id) ?? {}),
  };
}

function readManners(asked: Readonly<Record<string, unknown>>): Manners {
  const set = flags.filter((name) => asked[name] !== undefined);
  const wrong = set.find((name) => typeof asked[name] !== 'boolean');
  if (wrong !== undefined) throw new ControlError(`${wrong} is true or false`);
  const refunds = asked.refunds;
  return {
    ...Object.fromEntries(set.map((name) => [name, asked[name]])),
    ...(refunds !== undefined && { refunds: one(refunds, ['succeeded', 'pending', 'failed'] as const, 'refunds') }),
  };
}

function one<T extends string>(value: unknown, allowed: readonly T[], name: string): T {
  const found = allowed.find((word) => word === value);
  if (found === undefined) throw new ControlError(`${name} is one of ${allowed.join(', ')}`);
  return found;
}

function done(call: Call, work: (id: string) => unknown): ReturnType<typeof json> {
  try {
    return json(200, work(call.params.id ?? ''));
  } catch (error) {
    if (error instanceof WireError) return error.answer;
    throw error;
  }
}
