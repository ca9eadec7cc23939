import type { Currency } from '../base/money.ts';
import type { Language } from '../i18n/index.ts';

/** An amount of money in minor units of its currency (ISO 4217). */
export type Money = { readonly currency: Currency; readonly amountMinor: bigint };

export const providerIds = ['stripe', 'paypal', 'sandbox'] as const;
export type ProviderId = (typeof providerIds)[number];

/**
 * What the payer has done, in our words; each provider's own words are mapped in its file, in one exhaustive place, the default being the
 * cautious one.
 *
 * - `open`: nothing yet. `approved`: agreed to by the payer, to be captured by us (PayPal). `pending`: taken but not final.
 * - `captured`: the money is ours. It stays so after a refund. `refused`: this attempt is over, the payer may try another.
 * - `expired`: can no longer be paid.
 */
export type PaymentState = 'open' | 'approved' | 'pending' | 'captured' | 'refused' | 'expired';

/** What a provider says of one payment, from a notification or from an enquiry: both are the same facts. */
export type PaymentFacts = {
  /** The provider's name for it: a Checkout Session, a PayPal order. */
  readonly externalId: string;
  /** What we called it when it was opened, as the provider gives it back; undefined where it names none. */
  readonly reference: string | undefined;
  readonly state: PaymentState;
  /** What was taken, once captured; what is asked for, before. */
  readonly money: Money | undefined;
  /** The provider's name for the money, by which it is refunded. */
  readonly captureId: string | undefined;
  /** Given back so far, in minor units, including what is under way. A notification may not know it and say 0: it never falls. */
  readonly refundedMinor: bigint;
};

export type DisputeFacts = {
  readonly externalId: string;
  readonly captureId: string;
  readonly state: 'open' | 'won' | 'lost';
  readonly money: Money;
  readonly reason: string;
};

/** A notification whose signature was checked. `kind` is the provider's own word for it. */
export type Notification = { readonly eventId: string; readonly kind: string } & (
  | { readonly about: 'payment'; readonly facts: PaymentFacts }
  /** Something happened to this payment; what, is to be asked (`inspect`). */
  | { readonly about: 'hint'; readonly externalId: string | undefined; readonly captureId: string | undefined }
  | { readonly about: 'dispute'; readonly facts: DisputeFacts }
  | { readonly about: 'nothing' }
);

export type OpenPayment = {
  /** Ours, and the idempotency key: `<order id>/<no>`. The provider must give it back in its facts. */
  readonly reference: string;
  /** `7KQ4-M2XD-9RTB`, for people: shown on the provider's page and in its reports. */
  readonly orderReference: string;
  readonly money: Money;
  /** One line for the provider's page, in the payer's language. Never holds a full number. */
  readonly description: string;
  readonly language: Language;
  /** Where the browser goes afterwards. Neither address proves anything. */
  readonly returnUrl: string;
  readonly cancelUrl: string;
  /** Until when we wait for it. A page that may live longer by a provider's rules is bounded by it; the same at each repeat. */
  readonly expiresAt: Date;
};

export type OpenedPayment = { readonly externalId: string; readonly url: string };

export type RefundRequest = {
  /** Idempotency key: `<order id>/refund/<no>`. The same key is never two refunds. */
  readonly reference: string;
  readonly externalId: string;
  readonly captureId: string;
  readonly money: Money;
};

/** `refused` is final; `pending` is under way and ends by itself or by notification; `unknown` is asked again with the same key. */
export type RefundOutcome =
  | { readonly kind: 'done'; readonly externalId: string }
  | { readonly kind: 'pending'; readonly externalId: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The provider did not answer, or not in a way we understand: nothing is known, and the same may be asked again. */
export class ProviderUnavailable extends Error {
  constructor(provider: ProviderId, cause: unknown) {
    super(`${provider} gave no answer we can use`, { cause });
    this.name = 'ProviderUnavailable';
  }
}

/**
 * One way to take money. Every call crosses the network and none runs inside a transaction. All are bounded in time and may be
 * repeated: what creates something carries a key. They throw `ProviderUnavailable` where the answer is not known.
 */
export type PaymentProvider = {
  readonly id: ProviderId;
  /** What it can charge. The first is used where the payer's own currency is none of them. */
  readonly currencies: readonly Currency[];
  /** Origins its pages live at, for the site's content security policy: `https://checkout.stripe.com`. */
  readonly pageOrigins: readonly string[];
  open(payment: OpenPayment): Promise<OpenedPayment>;
  inspect(externalId: string): Promise<PaymentFacts>;
  /** Takes what the payer has approved; where approval and capture are one, the same as `inspect`. */
  capture(externalId: string, reference: string): Promise<PaymentFacts>;
  /** Makes it unpayable. Answers what it then is: `captured` when the payer was faster. */
  expire(externalId: string): Promise<PaymentFacts>;
  refund(request: RefundRequest): Promise<RefundOutcome>;
  /**
   * Checks signature and age, then reads. Refuses with `webhook.signature`, `webhook.stale` or `webhook.invalid`. Asynchronous, because
   * one of them must fetch a certificate. `headers` have lower-case names.
   */
  readNotification(body: Buffer, headers: Readonly<Record<string, string | undefined>>): Promise<Notification>;
};
