import type { Uuid } from '../base/ids.ts';
import type { Currency } from '../base/money.ts';
import type { Language } from '../i18n/index.ts';
import type { PartyId } from '../ledger/index.ts';
import type { ProviderId } from '../payments/index.ts';

/**
 * The life of an order. A move is compare-and-set on the state, so of two who try the same one wins and the other finds nothing to do.
 * `delivered`, `refunded` and `expired` are ends; from `expired` money that lands late still has its way back, and what was
 * delivered may be given back by staff or taken back by a bank. A refund may come back to its provider weeks after it was made.
 */
export const moves = {
  draft: { quote: 'quoted' },
  quoted: { revise: 'draft', place: 'awaiting_payment' },
  awaiting_payment: { capture: 'paid', lapse: 'expired', revise: 'draft', mismatch: 'case' },
  expired: { revise: 'draft', late: 'refunding', mismatch: 'case' },
  paid: { send: 'sending', give_up: 'refunding', cancel: 'refunding' },
  sending: { confirm: 'delivered', reject: 'refused', lose: 'unknown' },
  unknown: { confirm: 'delivered', reject: 'refused', escalate: 'case' },
  refused: { correct: 'paid', retry: 'paid', refund: 'refunding' },
  refunding: { refunded: 'refunded', escalate: 'case' },
  case: { confirm: 'delivered', reject: 'refused', refund: 'refunding', close: 'expired' },
  delivered: {},
  refunded: { returned: 'case' },
} as const;

export type OrderState = keyof typeof moves;
export type Move = { [State in OrderState]: keyof (typeof moves)[State] }[OrderState];

export const orderStates = Object.keys(moves) as OrderState[];

/** Where a move leads, or undefined where this state has no such move. */
export function destination(state: OrderState, move: Move): OrderState | undefined {
  const table: Partial<Record<Move, OrderState>> = moves[state];
  return table[move];
}

/** Nothing was sent yet, or it came back: the recipient may still be changed. */
export const correctableStates: ReadonlySet<OrderState> = new Set(['draft', 'quoted', 'paid', 'refused']);

/** Evidence for one foreign currency in a quote. */
export type QuotedRate = {
  readonly currency: Currency;
  /** Tenge for one unit, decimal text: `519.43`. */
  readonly rate: string;
  readonly day: string;
  readonly source: string;
};

/** What a price is made of. Tenge parts in tiyn; face + fee + margin is what the charge is worth at the rate. */
export type Quote = {
  readonly faceMinor: bigint;
  /** As the payer reads it, in the currency they chose. */
  readonly currency: Currency;
  readonly priceMinor: bigint;
  readonly method: ProviderId;
  /** What the method charges: the same money, or another currency where the method does not know the payer's. */
  readonly chargeCurrency: Currency;
  readonly chargeMinor: bigint;
  readonly feeMinor: bigint;
  readonly marginMinor: bigint;
  readonly rates: readonly QuotedRate[];
  readonly quotedAt: Date;
  readonly expiresAt: Date;
};

export type Order = {
  readonly id: Uuid;
  readonly state: OrderState;
  readonly stateSince: Date;
  readonly subscriber: PartyId;
  readonly operator: string;
  readonly language: Language;
  /** The number is somebody else's, who passed it on by a link: the payer sees a part of it. */
  readonly isByLink: boolean;
  /** Known from the first choice of an amount on. */
  readonly faceMinor: bigint | undefined;
  readonly quote: Quote | undefined;
  readonly payments: number;
  readonly paidBy: number | undefined;
  readonly deliveries: number;
  readonly nextAt: Date | undefined;
  readonly deadlineAt: Date | undefined;
  readonly tries: number;
  readonly createdAt: Date;
};

/** What the charge is worth in tenge at the quoted rate, in tiyn. */
export function worthOf(quote: Pick<Quote, 'faceMinor' | 'feeMinor' | 'marginMinor'>): bigint {
  return quote.faceMinor + quote.feeMinor + quote.marginMinor;
}

/** The part of a payment's worth that refunds give back: cumulative, so that parts add up to the whole without a tiyn over. */
export function worthRefunded(payment: { worthMinor: bigint; amountMinor: bigint }, refundedMinor: bigint): bigint {
  return (payment.worthMinor * refundedMinor) / payment.amountMinor;
}
