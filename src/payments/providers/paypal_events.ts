import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Refusal } from '../../base/refusal.ts';
import type { DisputeFacts, Notification } from '../provider.ts';
import { moneyOf, paypalAmount } from './paypal_facts.ts';

const id = Type.String({ minLength: 1, maxLength: 100 });
const word = Type.String({ minLength: 1, maxLength: 255 });

const event = Compile(
  Type.Object({ id, event_type: word, resource_type: Type.Optional(word), resource: Type.Optional(Type.Unknown()) }),
);

/** A body whose signature was checked. Refuses with `webhook.invalid` what is not an event, or not of the form its kind has. */
export function readEvent(body: Buffer): Notification {
  const said = shaped(event, parseJson(body));
  const kind = said.event_type;
  const named = { eventId: said.id, kind };
  if (kind.startsWith('CUSTOMER.DISPUTE.')) return { ...named, about: 'dispute', facts: disputeOf(said.resource) };
  const { externalId, captureId } = namesIn(kind, said.resource);
  return externalId === undefined && captureId === undefined
    ? { ...named, about: 'nothing' }
    : { ...named, about: 'hint', externalId, captureId };
}

/**
 * What a notification is about; what happened is asked of PayPal itself. Its signature does not bind what it says of money
 * (paypal_signature.ts), and its order is any: a capture may be told pending after it was told completed.
 */
function namesIn(kind: string, resource: unknown): { externalId: string | undefined; captureId: string | undefined } {
  if (kind.startsWith('CHECKOUT.ORDER.')) return { externalId: shaped(anOrder, resource).id, captureId: undefined };
  // The payer's approval lapsed before it was captured; an object of its own.
  if (kind === 'CHECKOUT.PAYMENT-APPROVAL.REVERSED') {
    return { externalId: shaped(anApproval, resource).order_id, captureId: undefined };
  }
  if (!kind.startsWith('PAYMENT.CAPTURE.') && !kind.startsWith('PAYMENT.REFUND.')) {
    return { externalId: undefined, captureId: undefined };
  }
  // REFUNDED and REVERSED bring the refund, which names its capture by a link; the others bring the capture.
  const money = shaped(someMoney, resource);
  return { externalId: money.supplementary_data?.related_ids?.order_id, captureId: captureOf(money) };
}

const anOrder = Compile(Type.Object({ id }));
const anApproval = Compile(Type.Object({ order_id: id }));

const someMoneyShape = Type.Object({
  id,
  links: Type.Optional(Type.Array(Type.Object({ href: Type.String({ maxLength: 500 }), rel: Type.String() }))),
  supplementary_data: Type.Optional(
    Type.Object({
      related_ids: Type.Optional(Type.Object({ order_id: Type.Optional(id), capture_id: Type.Optional(id) })),
    }),
  ),
});
const someMoney = Compile(someMoneyShape);

const CAPTURE_LINK = /\/v2\/payments\/captures\/(\w{1,100})(\/refund)?$/;

/** A capture links to itself, a refund up to its capture. */
function captureOf({ links, supplementary_data: more }: Static<typeof someMoneyShape>): string | undefined {
  const link = links?.find(({ rel, href }) => (rel === 'self' || rel === 'up') && CAPTURE_LINK.test(href));
  return CAPTURE_LINK.exec(link?.href ?? '')?.[1] ?? more?.related_ids?.capture_id;
}

const disputeShape = Type.Object({
  dispute_id: id,
  status: word,
  reason: Type.Optional(word),
  dispute_amount: paypalAmount,
  // A dispute over several payments at once is told of the first: staff see the others at PayPal.
  disputed_transactions: Type.Array(Type.Object({ seller_transaction_id: id }), { minItems: 1 }),
  dispute_outcome: Type.Optional(Type.Object({ outcome_code: Type.Optional(word) })),
});
const dispute = Compile(disputeShape);

/** Who keeps the money. `RESOLVED_WITH_PAYOUT` (PayPal paid from its own) and any other word stay open for staff to read. */
const outcomes = new Map<string, DisputeFacts['state']>([
  ['RESOLVED_SELLER_FAVOUR', 'won'],
  ['CANCELED_BY_BUYER', 'won'],
  ['DENIED', 'won'],
  ['RESOLVED_BUYER_FAVOUR', 'lost'],
  ['ACCEPTED', 'lost'],
]);

function disputeOf(resource: unknown): DisputeFacts {
  const said = shaped(dispute, resource);
  const money = moneyOf(said.dispute_amount);
  const captureId = said.disputed_transactions[0]?.seller_transaction_id;
  if (money === undefined || captureId === undefined) throw new Refusal('webhook.invalid');
  const outcome = said.status === 'RESOLVED' ? outcomes.get(said.dispute_outcome?.outcome_code ?? '') : undefined;
  return { externalId: said.dispute_id, captureId, state: outcome ?? 'open', money, reason: said.reason ?? 'OTHER' };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refusal('webhook.invalid');
  }
}

function shaped<Shape>(shape: { Check(value: unknown): value is Shape }, value: unknown): Shape {
  if (!shape.Check(value)) throw new Refusal('webhook.invalid');
  return value;
}
