import type { Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { type Currency, formatAmount } from '../base/money.ts';
import type { Msisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import { type Tx, withTx } from '../db/index.ts';
import type { Language } from '../i18n/index.ts';
import type { ProviderId } from '../payments/index.ts';
import type { Rate } from '../rates/index.ts';
import { correctableStates, type Order, type Quote, type QuotedRate } from './order.ts';
import { after, lock, type OrdersContext } from './order_context.ts';
import * as store from './order_store.ts';
import { type Price, priceOf } from './quote.ts';

/** Who is to be topped up. Without an operator the number's prefix is taken for a hint. */
export type Recipient = { readonly msisdn: Msisdn; readonly operator: string | undefined };

export type Correction = { readonly msisdn?: Msisdn | undefined; readonly operator?: string | undefined };

/** A first answer to "this number": an order that nobody has to pay. */
export async function draft(
  context: OrdersContext,
  wish: { recipient: Recipient; language: Language; amountMinor?: bigint | undefined; isByLink?: true },
): Promise<Uuid> {
  const id = context.newId();
  const operator = operatorOf(context, wish.recipient);
  const createdAt = context.clock.now();
  await withTx(context.db, async (tx) => {
    const subscriber = await subscriberOf(context, tx, { msisdn: wish.recipient.msisdn, operator });
    store.insertOrder(tx, {
      id,
      subscriber,
      operator,
      language: wish.language,
      isByLink: wish.isByLink ?? false,
      faceMinor: wish.amountMinor,
      createdAt,
    });
  });
  return id;
}

function operatorOf({ catalogue }: OrdersContext, { msisdn, operator }: Recipient): string {
  if (operator !== undefined) return catalogue.parseOperator(operator);
  const guessed = catalogue.operatorOf(msisdn);
  if (guessed === undefined) throw new Refusal('msisdn.not_served');
  return guessed;
}

/** The subscriber of a number, opened where nobody has had to do with it before. */
async function subscriberOf(
  { subscribers }: OrdersContext,
  tx: Tx,
  { msisdn, operator }: { msisdn: Msisdn; operator: string },
): Promise<bigint> {
  const number = subscribers.refer(msisdn);
  const known = (await subscribers.find(tx, [number.index])).get(number.index);
  if (known?.status === 'closed') throw new Refusal('subscriber.closed');
  if (known) return known.id;
  const opened = (await subscribers.register(tx, [{ ...number, operator }])).get(number.index);
  if (!opened) throw new Refusal('system.error');
  return opened.id;
}

/**
 * Another number or another operator, while nothing has been sent or it came back. Before payment the price is asked for anew; afterwards the order goes
 * out again to the new recipient.
 */
export async function correct(context: OrdersContext, id: Uuid, change: Correction): Promise<void> {
  await withTx(context.db, async (tx) => {
    const order = await lock(tx, id);
    if (!correctableStates.has(order.state)) throw new Refusal('order.wrong_state');
    const msisdn = change.msisdn ?? (await context.subscribers.revealIn(tx, order.subscriber))?.msisdn;
    if (!msisdn) throw new Refusal('order.wrong_state');
    const keepsOperator = change.operator === undefined && change.msisdn === undefined;
    const operator = keepsOperator ? order.operator : operatorOf(context, { msisdn, operator: change.operator });
    // The amount was chosen, and paid for, within the limits of the first operator.
    if (order.faceMinor !== undefined && !isUnpaid(order)) checkFace(context, operator, order.faceMinor);
    const subscriber = await subscriberOf(context, tx, { msisdn, operator });
    store.setRecipient(tx, id, { subscriber, operator });
    const at = context.clock.now();
    if (order.state === 'refused')
      store.moveOrder(tx, {
        order,
        move: 'correct',
        at,
        actor: 'payer',
        nextAt: at,
        deadlineAt: after(at, context.patience.unsentMs),
      });
  });
  context.changed(id);
}

function isUnpaid(order: Order): boolean {
  return order.state === 'draft' || order.state === 'quoted';
}

/** Refuses an amount the operator does not take. */
export function checkFace({ catalogue }: OrdersContext, operator: string, faceMinor: bigint): void {
  const { minMinor, maxMinor, stepMinor } = catalogue.denominations(catalogue.parseOperator(operator));
  if (faceMinor < minMinor) throw new Refusal('amount.too_small', { min: formatAmount(minMinor, 'KZT') });
  if (faceMinor > maxMinor) throw new Refusal('amount.too_large', { max: formatAmount(maxMinor, 'KZT') });
  if (faceMinor % stepMinor !== 0n) throw new Refusal('amount.not_whole', { step: formatAmount(stepMinor, 'KZT') });
}

/** What is asked for when a price is. Amounts in tiyn. */
export type Asked = { readonly faceMinor: bigint; readonly currency: Currency; readonly method: ProviderId };

type Pricing = { readonly asked: Asked; readonly operator: string; readonly rates: ReadonlyMap<Currency, Rate> };

type Priced = {
  readonly shown: Price;
  readonly charged: Price;
  readonly chargeCurrency: Currency;
  readonly rates: readonly QuotedRate[];
};

/**
 * In the payer's currency, and in what the method charges where it does not know that one. The charge is what counts; the other is the same
 * price by the same rule.
 */
function price(context: OrdersContext, { asked, operator, rates }: Pricing): Priced {
  const { faceMinor, currency, method } = asked;
  const provider = context.providers.get(method);
  const [fallback] = provider?.currencies ?? [];
  if (!provider || fallback === undefined) throw new Refusal('method.unsupported');
  const chargeCurrency = provider.currencies.includes(currency) ? currency : fallback;
  const pricing = context.catalogue.pricing(context.catalogue.parseOperator(operator), method);
  const inCurrency = (wanted: Currency): Price =>
    priceOf(faceMinor, { currency: wanted, microTenge: rateOf(context, rates, wanted).microTenge, pricing });
  const foreign = [...new Set([currency, chargeCurrency])].filter((one) => one !== 'KZT');
  return {
    shown: inCurrency(currency),
    charged: inCurrency(chargeCurrency),
    chargeCurrency,
    rates: foreign.map((one) => evidenceOf(rateOf(context, rates, one))),
  };
}

function rateOf({ rates: book, clock }: OrdersContext, rates: ReadonlyMap<Currency, Rate>, currency: Currency): Rate {
  const rate = rates.get(currency);
  if (!rate || !book.isUsable(rate, clock.now())) throw new Refusal('quote.no_rate');
  return rate;
}

const MICRO_DECIMALS = 6;

function evidenceOf({ currency, microTenge, day, source }: Rate): QuotedRate {
  const digits = microTenge.toString().padStart(MICRO_DECIMALS + 1, '0');
  const whole = digits.slice(0, -MICRO_DECIMALS);
  const fraction = digits.slice(-MICRO_DECIMALS).replace(/0{1,4}$/, '');
  return { currency, rate: `${whole}.${fraction}`, day, source };
}

export type PriceLine = Asked & {
  readonly priceMinor: bigint;
  readonly chargeCurrency: Currency;
  readonly chargeMinor: bigint;
  readonly feeMinor: bigint;
};

/** What amounts cost in each way they can be paid; ways that cannot be used now are left out. Changes nothing. */
export async function prices(
  context: OrdersContext,
  wish: { operator: string; facesMinor: readonly bigint[]; currencies: readonly Currency[] },
): Promise<PriceLine[]> {
  const { operator, facesMinor, currencies } = wish;
  for (const faceMinor of facesMinor) checkFace(context, operator, faceMinor);
  const rates = await context.rates.current();
  const methods = [...context.providers.keys()];
  return facesMinor.flatMap((faceMinor) =>
    methods.flatMap((method) =>
      currencies.flatMap((currency) => lineOf(context, { asked: { faceMinor, currency, method }, operator, rates })),
    ),
  );
}

function lineOf(context: OrdersContext, pricing: Pricing): PriceLine[] {
  try {
    const { shown, charged, chargeCurrency } = price(context, pricing);
    return [
      {
        ...pricing.asked,
        priceMinor: shown.amountMinor,
        chargeCurrency,
        chargeMinor: charged.amountMinor,
        feeMinor: charged.feeMinor,
      },
    ];
  } catch (error) {
    if (error instanceof Refusal && error.code === 'quote.no_rate') return [];
    throw error;
  }
}

const TAIL_DIGITS = 4;

/** A price, held for a quarter of an hour. Asked again it is a new one. `confirm`: the number's last four digits, typed again. */
export async function quote(
  context: OrdersContext,
  id: Uuid,
  wish: Asked & { language: Language; confirm: string | undefined },
): Promise<void> {
  const order = await store.readOrder(context.db, id);
  if (!order) throw new Refusal('order.not_found');
  if (!isUnpaid(order)) throw new Refusal('order.wrong_state');
  checkFace(context, order.operator, wish.faceMinor);
  if (wish.confirm !== undefined) await checkTail(context, order, wish.confirm);
  else if (await needsConfirmation(context, { ...order, faceMinor: wish.faceMinor }))
    throw new Refusal('msisdn.confirm');
  const rates = await context.rates.current();
  const {
    shown,
    charged,
    chargeCurrency,
    rates: evidence,
  } = price(context, { asked: wish, operator: order.operator, rates });
  const quotedAt = context.clock.now();
  const made: Quote = {
    faceMinor: wish.faceMinor,
    currency: wish.currency,
    priceMinor: shown.amountMinor,
    method: wish.method,
    chargeCurrency,
    chargeMinor: charged.amountMinor,
    feeMinor: charged.feeMinor,
    marginMinor: charged.marginMinor,
    rates: evidence,
    quotedAt,
    expiresAt: after(quotedAt, context.patience.quoteMs),
  };
  await withTx(context.db, async (tx) => {
    const current = await lock(tx, id);
    if (!isUnpaid(current) || current.operator !== order.operator) throw new Refusal('order.wrong_state');
    store.setQuote(tx, id, { quote: made, language: wish.language });
  });
  context.changed(id);
}

/** Much money for a number that has never been topped up here: a slip of the finger would be expensive. */
export async function needsConfirmation(
  context: Pick<OrdersContext, 'db'>,
  order: Pick<Order, 'faceMinor' | 'subscriber'>,
): Promise<boolean> {
  if (order.faceMinor === undefined || order.faceMinor <= limits.confirmAboveMinor) return false;
  return !(await store.isKnownRecipient(context.db, order.subscriber));
}

async function checkTail({ subscribers }: OrdersContext, order: Order, typed: string): Promise<void> {
  const found = await subscribers.reveal(order.subscriber);
  if (found?.msisdn.slice(-TAIL_DIGITS) !== typed.trim()) throw new Refusal('msisdn.confirm');
}
