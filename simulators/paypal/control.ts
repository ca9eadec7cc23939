import { wrongs } from '../wire/control.ts';
import { type Faults, readFaults } from '../wire/faults.ts';
import { type Answer, type Call, ControlError, json, jsonOf, type Routes, wordOf } from '../wire/server.ts';
import { misbehaviours, readMisbehaviour, type WebhookSender } from '../wire/webhooks.ts';
import { newId, type StoredDispute } from './account.ts';
import type { CertificateWishes } from './certificate.ts';
import { lies, type Paypal } from './context.ts';
import { answerTo, PaypalError } from './errors.ts';
import { amountOf, approve, change, isObject, orderOf, settle, tick } from './orders.ts';
import { captureOf, giveBack, settleRefund } from './payments.ts';
import { disputeResource, refundResource } from './resources.ts';
import type { Tokens } from './tokens.ts';

const known = new Set<string>([
  ...misbehaviours,
  ...wrongs,
  'lies',
  'certUrl',
  'nextCapture',
  'nextRefund',
  'refunds',
  'faults',
  'advanceMs',
]);
const refundStatuses = ['COMPLETED', 'PENDING', 'FAILED'] as const;
const fundings = ['good', 'declined', 'late', 'late-fail'] as const;
const outcomes = [
  'RESOLVED_BUYER_FAVOUR',
  'RESOLVED_SELLER_FAVOUR',
  'RESOLVED_WITH_PAYOUT',
  'CANCELED_BY_BUYER',
  'ACCEPTED',
  'DENIED',
  'NONE',
] as const;

export type Controlled = {
  readonly paypal: Paypal;
  readonly sender: WebhookSender;
  readonly faults: Faults;
  readonly tokens: Tokens;
  /** A new key and certificate sign from now on; the old certificate stays readable. */
  rotate(wishes: Partial<CertificateWishes>): Promise<{ certUrl: string }>;
};

/**
 * The control address, for tests and demonstrations. `POST /_control` replaces all misbehaviour by what it names (`{}` is good
 * behaviour); `advanceMs` moves the account's clock on.
 */
export function controlRoutes(controlled: Controlled): Routes {
  const { paypal, sender, faults, tokens } = controlled;
  return {
    'GET /_control': () => json(200, stateOf(controlled)),
    'POST /_control': (call) =>
      done(call, (asked) => {
        for (const name of Object.keys(asked)) if (!known.has(name)) throw new ControlError(`there is no ${name}`);
        sender.misbehave(readMisbehaviour(asked));
        faults.set(readFaults(asked.faults ?? []));
        readWishes(paypal, asked);
        if (typeof asked.advanceMs === 'number') paypal.account.advance(asked.advanceMs);
        tick(paypal);
        return stateOf(controlled);
      }),
    'GET /_control/webhooks': () => json(200, sender.attempts),
    'POST /_control/tokens/revoke': () => {
      tokens.revoke();
      return json(200, {});
    },
    /** PayPal keeps the names of requests for a time; it is over now. */
    'POST /_control/requests/forget': () => {
      for (const { key } of paypal.requests.values()) paypal.requests.remove(key);
      return json(200, {});
    },
    /** `{ "notAfter": "2026-01-01T00:00:00Z", "commonName": … }`: as it should be where nothing is said. */
    'POST /_control/certificates': async ({ body }) =>
      json(200, await controlled.rotate(readCertificate(jsonOf(body)))),
    ...moneyRoutes(paypal),
  };
}

/** What people do at PayPal: the payer, the seller's staff, PayPal itself. */
function moneyRoutes(paypal: Paypal): Routes {
  const { account } = paypal;
  return {
    /** `{ "funding": "good" }`: the payer says yes without a browser. */
    'POST /_control/orders/:id/approve': (call) =>
      done(call, (asked) => {
        approve(paypal, orderOf(paypal, call.params.id), {
          funding: wordOf(asked.funding ?? 'good', fundings, 'funding'),
        });
      }),
    'POST /_control/orders/:id/void': (call) =>
      done(call, () => {
        change(paypal, orderOf(paypal, call.params.id), { status: 'VOIDED' });
      }),
    /** `{ "as": "COMPLETED" }`: a pending capture ends now. */
    'POST /_control/captures/:id/settle': (call) =>
      done(call, (asked) =>
        settle(
          paypal,
          captureOf(paypal, call.params.id).id,
          wordOf(asked.as, ['COMPLETED', 'DECLINED'] as const, 'as'),
        ),
      ),
    /** `{ "amount": { … } }`: the seller gives back at PayPal's site, past the shop. All that is left where nothing is said. */
    'POST /_control/captures/:id/refund': (call) =>
      done(call, ({ amount }) => {
        const given = amount === undefined ? {} : { amount: amountOf(amount, 'amount') };
        const refund = giveBack(paypal, captureOf(paypal, call.params.id), { ...given, status: 'COMPLETED' });
        return refundResource(account, paypal.url, refund);
      }),
    'POST /_control/refunds/:id/settle': (call) =>
      done(call, (asked) =>
        settleRefund(paypal, call.params.id ?? '', wordOf(asked.as, ['COMPLETED', 'FAILED'] as const, 'as')),
      ),
    /** `{ "reason": "UNAUTHORISED", "amount": { … } }`: the payer goes to PayPal. */
    'POST /_control/captures/:id/dispute': (call) => done(call, (asked) => dispute(paypal, call, asked)),
    /** `{ "outcome": "RESOLVED_SELLER_FAVOUR" }`, or without one: PayPal looks into it. */
    'POST /_control/disputes/:id': (call) => done(call, (asked) => moveDispute(paypal, call, asked)),
  };
}

type Asked = Readonly<Record<string, unknown>>;

function dispute(paypal: Paypal, call: Call, asked: Asked): unknown {
  const { account, url } = paypal;
  const capture = captureOf(paypal, call.params.id);
  const at = account.now().toISOString();
  const opened: StoredDispute = {
    id: `PP-D-${newId().slice(0, 8)}`,
    captureId: capture.id,
    reason: typeof asked.reason === 'string' ? asked.reason : 'MERCHANDISE_OR_SERVICE_NOT_RECEIVED',
    amount: asked.amount === undefined ? capture.amount : amountOf(asked.amount, 'amount'),
    status: 'OPEN',
    createTime: at,
    updateTime: at,
  };
  account.disputes.put(opened.id, opened);
  const resource = disputeResource(account, url, opened);
  paypal.tell('CUSTOMER.DISPUTE.CREATED', resource);
  return resource;
}

function moveDispute(paypal: Paypal, call: Call, { outcome }: Asked): unknown {
  const { account, url } = paypal;
  const opened = account.disputes.get(call.params.id ?? '');
  if (opened === undefined) throw new ControlError('there is no such dispute');
  const moved: StoredDispute = {
    ...opened,
    status: outcome === undefined ? 'UNDER_REVIEW' : 'RESOLVED',
    ...(outcome !== undefined && { outcome: wordOf(outcome, outcomes, 'outcome') }),
    updateTime: account.now().toISOString(),
  };
  account.disputes.put(moved.id, moved);
  const resource = disputeResource(account, url, moved);
  paypal.tell(outcome === undefined ? 'CUSTOMER.DISPUTE.UPDATED' : 'CUSTOMER.DISPUTE.RESOLVED', resource);
  return resource;
}

function stateOf({ paypal, sender, faults }: Controlled): unknown {
  const { wrongs: set, ...wishes } = paypal.wishes;
  return { ...sender.misbehaviour, ...set, ...wishes, faults: faults.list() };
}

function readWishes({ wishes }: Paypal, asked: Asked): void {
  wishes.wrongs = Object.fromEntries(wrongs.filter((name) => asked[name] === true).map((name) => [name, true]));
  wishes.lies = Array.isArray(asked.lies) ? asked.lies.map((lie) => wordOf(lie, lies, 'a lie')) : [];
  wishes.certUrl = typeof asked.certUrl === 'string' ? asked.certUrl : undefined;
  const { nextCapture: capture, nextRefund: refund } = asked;
  wishes.nextCapture = isObject(capture)
    ? {
        ...(typeof capture.issue === 'string' && { issue: capture.issue }),
        ...(capture.amount !== undefined && { amount: amountOf(capture.amount, 'amount') }),
      }
    : undefined;
  wishes.nextRefund = isObject(refund) && typeof refund.issue === 'string' ? { issue: refund.issue } : undefined;
  wishes.refunds = asked.refunds === undefined ? undefined : wordOf(asked.refunds, refundStatuses, 'refunds');
}

function readCertificate({ commonName, notBefore, notAfter }: Asked): Partial<CertificateWishes> {
  return {
    ...(typeof commonName === 'string' && { commonName }),
    ...(typeof notBefore === 'string' && { notBefore: new Date(notBefore) }),
    ...(typeof notAfter === 'string' && { notAfter: new Date(notAfter) }),
  };
}

function done(call: Call, work: (asked: Asked) => unknown): Answer {
  try {
    return json(200, work(jsonOf(call.body)) ?? {});
  } catch (error) {
    if (error instanceof PaypalError) return answerTo(error);
    throw error;
  }
}
