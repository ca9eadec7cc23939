import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { assert } from '../../base/assert.ts';
import { limits } from '../../base/limits.ts';
import { formatAmount } from '../../base/money.ts';
import type { Secret } from '../../base/secret.ts';
import { type Answer, basicAuth, call, readJson } from '../call.ts';
import { notSent, refused, underWay, unknown } from '../outcome.ts';
import type { DeliveryRefusal, DeliveryRequest, DeliveryRoute, Enquiry, Outcome } from '../route.ts';

export type DtoneOptions = {
  /** With its version: `https://dvs-api.dtone.com/v1`. */
  readonly url: string;
  readonly key: string;
  readonly secret: Secret;
  /** Operator of the catalogue to the id of its product of any amount. */
  readonly products: ReadonlyMap<string, number>;
  /** Where changes of a transaction are posted. They are unsigned, so they are hints to ask and nothing more. */
  readonly callbackUrl?: string | undefined;
  readonly timeoutMs?: number;
};

/**
 * DT One DVS, version 1. A transaction is asked for without waiting for its end (`/async`), which usually comes a few seconds later; what counts
 * is the class of its status. Our reference is its `external_id`, which DT One takes once: the second time it answers that it has it, and
 * we look it up.
 */
export function createDtone(options: DtoneOptions): DeliveryRoute {
  // A broken address stops the start, not an order.
  assert(URL.canParse(options.url), 'the DT One address is a URL');
  const deadline = (): AbortSignal => AbortSignal.timeout(options.timeoutMs ?? limits.deliverTimeoutMs);
  return {
    id: 'dtone',
    deliver: (request) => order(options, request, deadline()),
    enquire: (request) => find(options, request, deadline()),
  };
}

async function order(options: DtoneOptions, request: DeliveryRequest, within: AbortSignal): Promise<Outcome> {
  const product = options.products.get(request.operator);
  if (product === undefined) return notSent(request, 'no product');
  const answer = await call(new URL(`${base(options)}/async/transactions`), {
    method: 'POST',
    headers: { ...headersOf(options), 'content-type': 'application/json' },
    body: bodyOf(options, request, product),
    deadline: within,
  });
  if (answer.kind === 'unsent') return notSent(request, answer.detail);
  if (answer.kind === 'lost') return unknown(answer.detail);
  if (answer.status === 200 || answer.status === 201) {
    const transaction = readJson(answer.body);
    return Transaction.Check(transaction) ? outcomeOf(transaction, request) : unknown('not a transaction');
  }
  return afterError(options, request, { within, error: errorOf(answer) });
}

/** Nothing was taken by this call. Whether an earlier one was is asked before its no is believed. */
async function afterError(
  options: DtoneOptions,
  request: DeliveryRequest,
  { within, error }: { within: AbortSignal; error: string },
): Promise<Outcome> {
  const isKnown = knownErrors.has(error);
  const reason = refusingErrors.get(error);
  if (!isKnown && !reason) return unknown(error);
  if (reason && request.isFirst) return refused(reason, error);
  const found = await find(options, request, within);
  if (found.kind !== 'absent') return found;
  // "I have it" and "I have never heard of it" cannot both be true.
  return reason ? refused(reason, error) : unknown(error);
}

async function find(options: DtoneOptions, request: DeliveryRequest, within: AbortSignal): Promise<Enquiry> {
  const url = new URL(`${base(options)}/transactions`);
  url.searchParams.set('external_id', request.reference);
  const answer = await call(url, { method: 'GET', headers: headersOf(options), deadline: within });
  if (answer.kind !== 'answered') return unknown(answer.detail);
  if (answer.status !== 200) return unknown(errorOf(answer));
  const list = readJson(answer.body);
  if (!Transactions.Check(list)) return unknown('not a list');
  const [transaction, ...others] = list;
  if (!transaction) return { kind: 'absent' };
  // With more than was asked for the filter has not worked, and ours may be on another page.
  return others.length > 0 ? unknown('several transactions') : outcomeOf(transaction, request);
}

function base({ url }: DtoneOptions): string {
  return url.replace(/\/+$/, '');
}

function headersOf({ key, secret }: DtoneOptions): Record<string, string> {
  // Revealed to the one address it is for.
  return { accept: 'application/json', authorization: basicAuth(key, secret.reveal()) };
}

function bodyOf({ callbackUrl }: DtoneOptions, request: DeliveryRequest, product: number): string {
  const fields = JSON.stringify({
    external_id: request.reference,
    product_id: product,
    calculation_mode: 'DESTINATION_AMOUNT',
    auto_confirm: true,
    credit_party_identifier: { mobile_number: `+${request.msisdn}` },
    ...(callbackUrl === undefined ? {} : { callback_url: callbackUrl }),
  });
  // The amount is a number on this wire: written digit by digit, it is never one of ours.
  const amount = formatAmount(request.amountMinor, 'KZT').replace(/\.?0+$/, (end) => (end.startsWith('.') ? '' : end));
  return `${fields.slice(0, -1)},"destination":{"unit_type":"CURRENCY","unit":"KZT","amount":${amount}}}`;
}

const transactionShape = Type.Object({
  id: Type.Integer(),
  external_id: Type.String(),
  status: Type.Object({ message: Type.String(), class: Type.Object({ id: Type.Integer() }) }),
  operator_reference: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  credit_party_identifier: Type.Object({ mobile_number: Type.String() }),
});
const Transaction = Compile(transactionShape);
const Transactions = Compile(Type.Array(transactionShape));

function outcomeOf(transaction: Static<typeof transactionShape>, request: DeliveryRequest): Outcome {
  const { message } = transaction.status;
  const isOurs = transaction.external_id === request.reference;
  const isToOurs = transaction.credit_party_identifier.mobile_number === `+${request.msisdn}`;
  // An answer about another transaction says nothing about this one, whatever it says.
  if (!isOurs || !isToOurs) return unknown('foreign transaction');
  switch (transaction.status.class.id) {
    case 1: // CREATED
    case 2: // CONFIRMED
    case 5: // SUBMITTED
      return underWay(message);
    case 7: // COMPLETED
      return { kind: 'delivered', operatorReference: transaction.operator_reference ?? String(transaction.id) };
    case 3: // REJECTED, by DT One
    case 4: // CANCELLED
    case 8: // REVERSED: it was completed and has been taken back
    case 9: // DECLINED, by the operator
      return refused(reasonOf(message), message);
    default:
      return unknown(`class ${transaction.status.class.id}`);
  }
}

/** What follows `DECLINED-` or `REJECTED-`. The class has decided; this says why. */
const reasons = new Map<string, DeliveryRefusal>([
  ['INVALID-CREDIT-PARTY', 'number.invalid'],
  ['BARRED-CREDIT-PARTY', 'number.barred'],
  ['INELIGIBLE-CREDIT-PARTY', 'number.barred'],
  ['OPERATOR-CURRENTLY-UNAVAILABLE', 'operator.unavailable'],
  ['LIMITATIONS-ON-CREDIT-PARTY-AMOUNT', 'amount.not_allowed'],
  ['LIMITATIONS-ON-CREDIT-PARTY-QUANTITY', 'declined'],
  ['DUPLICATED-TRANSACTION', 'duplicate'],
  ['INSUFFICIENT-BALANCE', 'float.too_low'],
]);

function reasonOf(message: string): DeliveryRefusal {
  return reasons.get(message.replace(/^(DECLINED|REJECTED)-/, '')) ?? 'declined';
}

/** Errors that mean that nothing was taken by this call. */
const refusingErrors = new Map<string, DeliveryRefusal>([
  ['1000400', 'declined'],
  ['1000401', 'operator.unavailable'],
  ['1000404', 'operator.unavailable'],
  ['1000429', 'operator.unavailable'],
  ['1003001', 'operator.unavailable'],
  ['1003002', 'amount.not_allowed'],
  ['1005003', 'number.invalid'],
  ['1006001', 'float.too_low'],
]);
/** Errors that mean that it has our reference already: taken, or confirmed. */
const knownErrors = new Set(['1007001', '1007002']);

const Errors = Compile(Type.Object({ errors: Type.Array(Type.Object({ code: Type.Integer() }), { minItems: 1 }) }));

/** The code of a refused call, or the HTTP status where there is none we may go by: a 5xx is never a no. */
function errorOf(answer: Answer & { kind: 'answered' }): string {
  const body = answer.status >= 400 && answer.status < 500 ? readJson(answer.body) : undefined;
  const code = Errors.Check(body) ? body.errors[0]?.code : undefined;
  return code === undefined ? `http ${answer.status}` : String(code);
}
