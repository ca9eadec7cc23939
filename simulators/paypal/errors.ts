import { randomBytes } from 'node:crypto';
import { type Answer, json } from '../wire/server.ts';

/** An error in PayPal's form: a name for the kind, and issues that say what is wrong. Thrown by handlers, answered by `answerTo`. */
export class PaypalError extends Error {
  readonly status: number;
  readonly kind: string;
  readonly issues: readonly Issue[];
  readonly links: readonly Link[];

  constructor(status: number, kind: string, { issues = [], links = [] }: { issues?: Issue[]; links?: Link[] } = {}) {
    super(kind);
    this.status = status;
    this.kind = kind;
    this.issues = issues;
    this.links = links;
  }
}

export type Issue = { readonly issue: string; readonly description: string; readonly field?: string };
export type Link = { readonly href: string; readonly rel: string; readonly method: string };

const messages = new Map([
  ['INVALID_REQUEST', 'Request is not well-formed, syntactically incorrect, or violates schema.'],
  [
    'AUTHENTICATION_FAILURE',
    'Authentication failed due to missing authorization header, or invalid authentication credentials.',
  ],
  ['RESOURCE_NOT_FOUND', 'The specified resource does not exist.'],
  [
    'UNPROCESSABLE_ENTITY',
    'The requested action could not be performed, semantically incorrect, or failed business validation.',
  ],
  ['INTERNAL_SERVER_ERROR', 'An internal server error has occurred.'],
  ['SERVICE_UNAVAILABLE', 'Service Unavailable.'],
]);

const descriptions = new Map([
  ['ORDER_ALREADY_CAPTURED', "Order already captured. If 'intent=CAPTURE' only one capture per order is allowed."],
  ['ORDER_NOT_APPROVED', 'Payer has not yet approved the Order for payment.'],
  [
    'INSTRUMENT_DECLINED',
    "The instrument presented was either declined by the processor or bank, or it can't be used for this payment.",
  ],
  ['TRANSACTION_REFUSED', 'The request was refused.'],
  ['DUPLICATE_INVOICE_ID', 'Duplicate Invoice ID detected.'],
  ['CURRENCY_NOT_SUPPORTED', 'Currency code is not currently supported.'],
  ['DECIMAL_PRECISION', 'The value of the field should not be more than two decimal places.'],
  ['DECIMALS_NOT_SUPPORTED', 'Currency does not support decimals.'],
  ['CANNOT_BE_ZERO_OR_NEGATIVE', 'Must be greater than zero.'],
  ['CAPTURE_FULLY_REFUNDED', 'The capture has already been fully refunded.'],
  [
    'REFUND_AMOUNT_EXCEEDED',
    'The refund amount must be less than or equal to the capture amount that has not yet been refunded.',
  ],
  ['REFUND_CAPTURE_CURRENCY_MISMATCH', 'Refund must be in the same currency as the capture.'],
  ['PENDING_CAPTURE', 'Cannot initiate a refund as the capture is pending.'],
  ['PAYPAL_REQUEST_ID_REQUIRED', 'A PayPal-Request-Id is required if you are trying to process payment for an Order.'],
]);

export function unprocessable(issue: string, links: Link[] = []): PaypalError {
  const description = descriptions.get(issue) ?? issue;
  return new PaypalError(422, 'UNPROCESSABLE_ENTITY', { issues: [{ issue, description }], links });
}

export function invalid(issue: string, field: string): PaypalError {
  const description = descriptions.get(issue) ?? 'The value of a field does not conform to the expected format.';
  return new PaypalError(400, 'INVALID_REQUEST', { issues: [{ issue, description, field }] });
}

export function notFound(): PaypalError {
  const description = 'Specified resource ID does not exist. Please check the resource ID and try again.';
  return new PaypalError(404, 'RESOURCE_NOT_FOUND', { issues: [{ issue: 'INVALID_RESOURCE_ID', description }] });
}

export function answerTo({ status, kind, issues, links }: PaypalError): Answer {
  return json(status, {
    name: kind,
    message: messages.get(kind) ?? kind,
    debug_id: randomBytes(7).toString('hex').slice(0, 13),
    ...(issues.length > 0 && { details: issues }),
    links: [
      {
        href: 'https://developer.paypal.com/api/rest/reference/orders/v2/errors/',
        rel: 'information_link',
        method: 'GET',
      },
      ...links,
    ],
  });
}

/** A status asked for as a fault. */
export function failure(status: number): Answer {
  if (status === 401) return answerTo(new PaypalError(401, 'AUTHENTICATION_FAILURE'));
  return answerTo(new PaypalError(status, status === 503 ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_SERVER_ERROR'));
}
