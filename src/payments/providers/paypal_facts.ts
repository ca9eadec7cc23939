import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { isCurrency, parseAmount } from '../../base/money.ts';
import { orRefusal, Refusal } from '../../base/refusal.ts';
import type { Money, PaymentFacts, PaymentState } from '../provider.ts';

// PayPal's resources, the fields we read. Ids and words are bounded: what is stored from them has an end.

const id = Type.String({ minLength: 1, maxLength: 100 });
const word = Type.String({ minLength: 1, maxLength: 255 });

export const paypalAmount = Type.Object({ currency_code: Type.String(), value: Type.String() });

export const paypalCapture = Type.Object({
  id,
  status: word,
  amount: Type.Optional(paypalAmount),
  custom_id: Type.Optional(Type.String()),
});

const paypalRefund = Type.Object({
  id,
  status: word,
  amount: Type.Optional(paypalAmount),
  custom_id: Type.Optional(Type.String()),
});
export type PaypalRefund = Static<typeof paypalRefund>;

const paypalUnit = Type.Object({
  amount: Type.Optional(paypalAmount),
  custom_id: Type.Optional(Type.String()),
  payments: Type.Optional(
    Type.Object({
      captures: Type.Optional(Type.Array(paypalCapture)),
      refunds: Type.Optional(Type.Array(paypalRefund)),
    }),
  ),
});

const paypalOrder = Type.Object({
  id,
  status: word,
  update_time: Type.Optional(Type.String()),
  // We make orders of one unit, and read no others.
  purchase_units: Type.Optional(Type.Array(paypalUnit, { maxItems: 1 })),
  links: Type.Optional(Type.Array(Type.Object({ href: Type.String(), rel: Type.String() }))),
});
export type PaypalOrder = Static<typeof paypalOrder>;

const orderShape = Compile(paypalOrder);
const refundShape = Compile(paypalRefund);

/** The order, or undefined for something else. */
export function parseOrder(body: unknown): PaypalOrder | undefined {
  return orderShape.Check(body) ? body : undefined;
}

export function parseRefund(body: unknown): PaypalRefund | undefined {
  return refundShape.Check(body) ? body : undefined;
}

/** What the order is while nothing has been taken. Maps, because an object would answer to 'constructor'. */
const orderStates = new Map<string, PaymentState>([
  ['CREATED', 'open'],
  ['SAVED', 'open'],
  ['PAYER_ACTION_REQUIRED', 'open'],
  ['APPROVED', 'approved'],
  ['VOIDED', 'expired'],
]);

/** A capture outweighs its order: a completed order whose capture is pending holds no money yet. */
const captureStates = new Map<string, PaymentState>([
  ['COMPLETED', 'captured'],
  ['PARTIALLY_REFUNDED', 'captured'],
  ['REFUNDED', 'captured'],
  ['PENDING', 'pending'],
  ['DECLINED', 'refused'],
  ['FAILED', 'refused'],
]);

/** A word we do not know is something under way: neither money nor an end. */
export function captureStateOf(status: string): PaymentState {
  return captureStates.get(status) ?? 'pending';
}

/** The one that says most: money before what may become money before what came to nothing. */
const weight: readonly PaymentState[] = ['captured', 'pending', 'refused'];

export function factsOf(order: PaypalOrder): PaymentFacts {
  const unit = order.purchase_units?.[0];
  const captures = (unit?.payments?.captures ?? []).map((capture) => ({
    ...capture,
    state: captureStateOf(capture.status),
  }));
  const capture = weight.flatMap((state) => captures.find((one) => one.state === state) ?? []).at(0);
  const taken = moneyOf(capture?.amount);
  return {
    externalId: order.id,
    reference: unit?.custom_id ?? capture?.custom_id,
    // COMPLETED without a capture in sight is one more thing under way.
    state: capture?.state ?? orderStates.get(order.status) ?? 'pending',
    money: capture === undefined ? moneyOf(unit?.amount) : taken,
    captureId: capture?.id,
    refundedMinor:
      capture?.status === 'REFUNDED' ? (taken?.amountMinor ?? 0n) : refundedOf(unit?.payments?.refunds ?? [], taken),
  };
}

/** PayPal forgets orders that were not paid after some hours, then it knows nothing of them. */
export function goneFacts(externalId: string): PaymentFacts {
  return {
    externalId,
    reference: undefined,
    state: 'expired',
    money: undefined,
    captureId: undefined,
    refundedMinor: 0n,
  };
}

function refundedOf(refunds: readonly PaypalRefund[], taken: Money | undefined): bigint {
  let sum = 0n;
  for (const refund of refunds) {
    const money = moneyOf(refund.amount);
    // FAILED and CANCELLED gave nothing back; a word we do not know may have.
    if (refund.status === 'FAILED' || refund.status === 'CANCELLED' || money?.currency !== taken?.currency) continue;
    sum += money?.amountMinor ?? 0n;
  }
  return sum;
}

/** Undefined for a currency or a form that is not ours: such money cannot be what we asked for. */
export function moneyOf(amount: Static<typeof paypalAmount> | undefined): Money | undefined {
  if (amount === undefined || !isCurrency(amount.currency_code)) return undefined;
  const currency = amount.currency_code;
  const amountMinor = orRefusal(() => parseAmount(amount.value, currency));
  return amountMinor instanceof Refusal ? undefined : { currency, amountMinor };
}
