import { outcomes } from '../wire/checkout.ts';
import { controlAddress } from '../wire/control.ts';
import type { Faults } from '../wire/faults.ts';
import { type Call, json, jsonOf, type Routes, wordOf } from '../wire/server.ts';
import type { WebhookSender } from '../wire/webhooks.ts';
import type { Account, Manners } from './account.ts';
import { WireError } from './errors.ts';
import { disputeStatuses, refundStatuses } from './objects.ts';

/** The control address: misbehaviour, and what payers, banks and time do. */
export function controlRoutes(account: Account, sender: WebhookSender, faults: Faults): Routes {
  return {
    ...controlAddress<Manners>({
      sender,
      faults,
      manners: () => account.manners,
      behave(manners) {
        account.manners = manners;
      },
      readRefunds: (word) => ({ refunds: wordOf(word, ['succeeded', 'pending', 'failed'], 'refunds') }),
      advance: (ms) => account.advance(ms),
    }),
    /** `{ "outcome": "pay" }`: what the payer would do on the page. */
    'POST /_control/sessions/:id': (call) => {
      const { outcome, seconds } = jsonOf(call.body);
      const wanted = wordOf(outcome, outcomes, 'outcome');
      return done(call, (id) => account.act(id, wanted, typeof seconds === 'number' ? seconds : 0));
    },
    /** `{ "outcome": "succeeded" | "failed" }`: a slow payment ends now. */
    'POST /_control/sessions/:id/end': (call) => {
      const outcome = wordOf(jsonOf(call.body).outcome, ['succeeded', 'failed'], 'outcome');
      return done(call, (id) => account.endSlow(id, outcome === 'succeeded'));
    },
    'POST /_control/refunds/:id': (call) => {
      const status = wordOf(jsonOf(call.body).status, refundStatuses, 'status');
      return done(call, (id) => account.moveRefund(id, status));
    },
    /** The payer of a payment intent goes to their bank. */
    'POST /_control/payment_intents/:id/dispute': (call) => {
      const asked = jsonOf(call.body);
      const status = wordOf(asked.status ?? 'needs_response', disputeStatuses, 'status');
      const reason = typeof asked.reason === 'string' ? asked.reason : 'fraudulent';
      return done(call, (id) => account.dispute({ intent: id, reason, status }));
    },
    'POST /_control/disputes/:id': (call) => {
      const status = wordOf(jsonOf(call.body).status, disputeStatuses, 'status');
      return done(call, (id) => account.moveDispute(id, status));
    },
    'POST /_control/events/:id/resend': (call) => done(call, (id) => account.resend(id) ?? {}),
  };
}

function done(call: Call, work: (id: string) => unknown): ReturnType<typeof json> {
  try {
    return json(200, work(call.params.id ?? ''));
  } catch (error) {
    if (error instanceof WireError) return error.answer;
    throw error;
  }
}
