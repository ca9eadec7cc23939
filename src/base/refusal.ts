/**
 * Our own "no". One table: the code is stable and public, the HTTP status is the API's rendering; each code has a text in
 * every language (messages/*.json, key `refusal_<code with dots as underscores>`), checked by test/tidy.test.ts.
 * What the outside world answers is not a refusal but an outcome (see docs/STYLE.md, rule 9).
 */
export const refusals = {
  'request.invalid': 400,
  'request.too_large': 413,
  'request.unsupported_type': 415,
  'request.not_found': 404,
  'request.method_not_allowed': 405,
  'request.timeout': 408,
  'auth.missing': 401,
  'auth.invalid': 401,
  'auth.scope': 403,
  'rate.limited': 429,
  'key.missing': 400,
  'key.invalid': 400,
  'key.reused': 422,
  'msisdn.invalid': 422,
  'msisdn.russian': 422,
  'msisdn.landline': 422,
  'msisdn.foreign': 422,
  'msisdn.not_served': 422,
  'amount.invalid': 422,
  'amount.too_small': 422,
  'amount.too_large': 422,
  'amount.not_whole': 422,
  'currency.unsupported': 422,
  'subscriber.not_found': 404,
  'subscriber.closed': 422,
  'topup.not_found': 404,
  'operator.not_found': 404,
  'float.too_low': 422,
  'account.too_low': 422,
  'account.not_found': 422,
  'hold.not_found': 422,
  'hold.ended': 422,
  'hold.too_large': 422,
  'partner.not_found': 404,
  'partner.exists': 409,
  'partner.suspended': 403,
  'agent.not_found': 404,
  'agent.exists': 409,
  'agent.unguarded': 422,
  'account.format': 422,
  'pin.invalid': 422,
  'voucher.refused': 422,
  'voucher.wrong_operator': 422,
  'voucher.guess_barred': 429,
  'voucher.daily_limit': 429,
  'batch.not_found': 404,
  'batch.wrong_state': 409,
  'batch.range_invalid': 422,
  'batch.too_many_digits_in_use': 422,
  'approval.not_found': 404,
  'approval.same_person': 403,
  'approval.expired': 409,
  'approval.mismatch': 409,
  'approval.used': 409,
  'serial.not_found': 404,
  'ussd.unknown_gateway': 404,
  'gateway.not_found': 404,
  'order.not_found': 404,
  'order.wrong_state': 409,
  'receipt.not_found': 404,
  'link.not_found': 404,
  'email.invalid': 422,
  'email.unavailable': 422,
  'email.changed_often': 429,
  'msisdn.confirm': 422,
  'quote.expired': 409,
  'quote.no_rate': 422,
  'method.unsupported': 422,
  'refund.too_large': 422,
  'payment.unavailable': 503,
  'webhook.signature': 400,
  'webhook.stale': 400,
  'webhook.invalid': 400,
  'webhook.mismatch': 422,
  'report.invalid': 422,
  'difference.not_found': 404,
  'difference.resolved': 409,
  'sms.not_found': 404,
  'system.busy': 503,
  'system.unavailable': 503,
  'system.error': 500,
} as const;

export type RefusalCode = keyof typeof refusals;

export type RefusalDetails = Readonly<Record<string, string | number>>;

/** Thrown, rolls back by itself, translated once per channel. `details` never holds a PIN, a token or a full number. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly details: RefusalDetails;

  constructor(code: RefusalCode, details: RefusalDetails = {}) {
    super(code);
    this.name = 'Refusal';
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return refusals[this.code];
  }
}

/** The result, or the refusal it was met with: for lists, where one item's no is that item's answer. */
export function orRefusal<T>(work: () => T): T | Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}
