import type { Msisdn } from '../base/msisdn.ts';

export const routeIds = ['hosted', 'osmp', 'dtone', 'reloadly'] as const;
/** How credit reaches the number. `hosted`: our ledger is the balance, nothing crosses the network. */
export type RouteId = (typeof routeIds)[number];
export type RemoteRouteId = Exclude<RouteId, 'hosted'>;

/** One credit to be given by somebody else. Tenge only, in tiyn. */
export type DeliveryRequest = {
  /**
   * Ours, made and stored before the call, up to 18 decimal digits: what the other side must treat as one and the same however often it
   * is said, and what we ask by afterwards.
   */
  readonly reference: string;
  readonly msisdn: Msisdn;
  /** Operator id of the catalogue. */
  readonly operator: string;
  readonly amountMinor: bigint;
  /** When this attempt was begun: OSMP repeats it with each call. */
  readonly beganAt: Date;
  /**
   * Set when nothing can have left under this reference before. Only then is what prevents the sending (no connection, an open breaker, a
   * fatal check) a refusal; left out, something may already be on its way and the answer is `unknown`.
   */
  readonly isFirst?: boolean;
};

/** Why the other side said no, in our words. The first three are about the number: the payer can correct it. */
export const deliveryRefusals = [
  'number.invalid',
  'number.not_this_operator',
  'number.barred',
  'amount.not_allowed',
  'operator.unavailable',
  'float.too_low',
  'duplicate',
  'declined',
] as const;
export type DeliveryRefusal = (typeof deliveryRefusals)[number];

/** Reasons the payer can do something about: another number, or another operator. */
export const correctable: ReadonlySet<string> = new Set<DeliveryRefusal>([
  'number.invalid',
  'number.not_this_operator',
  'number.barred',
]);

/**
 * What the world answered. `unknown` is never `refused`: a timeout, a lost connection, a 5xx, a word we do not know.
 * `detail` is the other side's own code, for staff; never holds a number. `isUnderWay`: the other side has said that it is at work on it, so
 * the outcome is open but nothing is amiss.
 */
export type Outcome =
  | { readonly kind: 'delivered'; readonly operatorReference: string }
  | { readonly kind: 'refused'; readonly reason: DeliveryRefusal; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string; readonly isUnderWay?: true };

/** An enquiry may also find that the other side has never heard of the reference. */
export type Enquiry = Outcome | { readonly kind: 'absent' };

/**
 * One way to have an operator credit a number. Both calls cross the network, are bounded in time (`limits.deliverTimeoutMs`), never throw
 * for what the other side does, and never run inside a transaction.
 */
export type DeliveryRoute = {
  readonly id: RemoteRouteId;
  /** Asks for the credit. The same reference again is the same credit: the other side's own rule, or it is looked up first. */
  deliver(request: DeliveryRequest): Promise<Outcome>;
  /** What became of it. Changes nothing that `deliver` has not asked for. */
  enquire(request: DeliveryRequest): Promise<Enquiry>;
};
