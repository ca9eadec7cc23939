import { randomUUID } from 'node:crypto';
import { type Answer, type Call, json, type Routes, sameText } from '../wire/server.ts';
import type { Ask, Book, Transaction } from './book.ts';
import { TENGE_A_DOLLAR } from './dtone_catalogue.ts';
import type { Ending } from './endings.ts';
import { AMOUNT_MAX, AMOUNT_MIN, amountOf, numberOf, operators, rangeOf } from './numbers.ts';

export type ReloadlySettings = {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly tokenSeconds: number;
};

class ReloadlyError extends Error {
  readonly status: number;
  readonly errorCode: string;

  constructor(status: number, errorCode: string) {
    super(errorCode);
    this.status = status;
    this.errorCode = errorCode;
  }
}

/** Tokens live in memory: after a restart clients must ask for a new one. */
export class Tokens {
  readonly #until = new Map<string, number>();

  issue(seconds: number): string {
    const token = randomUUID();
    this.#until.set(token, Date.now() + seconds * 1_000);
    return token;
  }

  check(header: string | undefined): void {
    const until = this.#until.get(header?.replace(/^Bearer /, '') ?? '');
    if (until === undefined) throw new ReloadlyError(401, 'INVALID_TOKEN');
    if (until <= Date.now()) throw new ReloadlyError(401, 'TOKEN_EXPIRED');
  }

  revokeAll(): void {
    this.#until.clear();
  }
}

/** Reloadly Airtime: `/reloadly-auth` for tokens, `/reloadly` for the rest. */
export function reloadlyRoutes(book: Book, settings: ReloadlySettings, tokens: Tokens): Routes {
  const told = (handler: (call: Call) => Answer) => (call: Call) => {
    try {
      return handler(call);
    } catch (error) {
      if (error instanceof ReloadlyError) return failure(error.status, error.errorCode, call.path);
      throw error;
    }
  };
  const behindToken = (handler: (call: Call) => Answer) =>
    told((call) => {
      tokens.check(call.headers.authorization);
      return handler(call);
    });
  return {
    'POST /reloadly-auth/oauth/token': told((call) => token(call, settings, tokens)),
    'GET /reloadly/accounts/balance': behindToken(() => json(200, balance(book))),
    'GET /reloadly/operators/countries/:iso': behindToken(() => json(200, operators.map(operatorView))),
    'GET /reloadly/operators/:id': behindToken(({ params }) => json(200, operatorView(operatorOf(params.id)))),
    'POST /reloadly/topups': behindToken((call) => json(200, topup(book, call))),
    'GET /reloadly/topups/reports/transactions': behindToken((call) => json(200, report(book, call))),
    'GET /reloadly/topups/reports/transactions/:id': behindToken(({ params }) => {
      const found = book.findById('reloadly', Number(params.id));
      if (!found || !isReported(found)) throw new ReloadlyError(404, 'TRANSACTION_NOT_FOUND');
      return json(200, view(book, found));
    }),
  };
}

function failure(status: number, errorCode: string, path: string): Answer {
  return json(status, {
    timeStamp: stamp(Date.now()),
    message: `Simulated: ${errorCode}`,
    path,
    errorCode,
    infoLink: null,
    details: [],
  });
}

function token(call: Call, { clientId, clientSecret, tokenSeconds }: ReloadlySettings, tokens: Tokens): Answer {
  const body = bodyOf(call);
  const isKnown = sameText(textOf(body.client_id), clientId) && sameText(textOf(body.client_secret), clientSecret);
  if (!isKnown || body.grant_type !== 'client_credentials' || textOf(body.audience) === '')
    throw new ReloadlyError(401, 'INVALID_CREDENTIALS');
  const issued = tokens.issue(tokenSeconds);
  return json(200, { access_token: issued, scope: 'developer', expires_in: tokenSeconds, token_type: 'Bearer' });
}

/** What is turned away at once leaves no top-up in the report; what failed on its way does. */
const turnedAway: Readonly<Partial<Record<Ending, [number, string]>>> = {
  invalid: [400, 'INVALID_RECIPIENT_PHONE'],
  down: [503, 'OPERATOR_UNAVAILABLE_OR_CURRENTLY_INACTIVE'],
  duplicate: [400, 'PHONE_RECENTLY_RECHARGED'],
};
const failed: Readonly<Partial<Record<Ending, [number, string]>>> = {
  barred: [400, 'TRANSACTION_FAILED_ON_OPERATOR'],
  declined: [400, 'TRANSACTION_FAILED_ON_OPERATOR'],
  exception: [400, 'TOPUP_TRANSACTION_FAILED'],
};

function topup(book: Book, call: Call): object {
  const ask = read(call);
  if (book.find('reloadly', ask.reference)) throw new ReloadlyError(400, 'CUSTOM_IDENTIFIER_ALREADY_USED');
  if (!book.hasFunds) throw new ReloadlyError(400, 'INSUFFICIENT_BALANCE');
  const placed = book.place(ask, { confirmed: true });
  if (placed.state === 'ended') {
    const no = turnedAway[placed.ending] ?? failed[placed.ending];
    if (no) throw new ReloadlyError(...no);
  }
  // A number in this answer and text in the report: so it is in their description.
  return { ...view(book, placed), recipientPhone: Number(placed.number) };
}

function read(call: Call): Ask {
  const body = bodyOf(call);
  const operator = operatorOf(body.operatorId);
  const amount = amountOf(textOf(body.amount));
  if (amount === undefined || body.useLocalAmount !== true) throw new ReloadlyError(400, 'INVALID_AMOUNT');
  if (rangeOf(amount) !== 'within') throw new ReloadlyError(400, 'INVALID_AMOUNT_FOR_OPERATOR');
  const phone = typeof body.recipientPhone === 'object' && body.recipientPhone !== null ? body.recipientPhone : {};
  if (Reflect.get(phone, 'countryCode') !== 'KZ') throw new ReloadlyError(409, 'COUNTRY_NOT_SUPPORTED');
  const number = numberOf(textOf(Reflect.get(phone, 'number')));
  if (number === undefined) throw new ReloadlyError(400, 'INVALID_RECIPIENT_PHONE');
  const reference = textOf(body.customIdentifier) || randomUUID();
  return { wire: 'reloadly', reference, number, amount, product: operator.reloadly, callbackUrl: undefined };
}

function report(book: Book, { query }: Call): object {
  const reference = query.get('customIdentifier');
  const found = reference === null ? book.all('reloadly') : [book.find('reloadly', reference)];
  const content = found
    .filter((one) => one !== undefined && isReported(one))
    .map((one) => view(book, one as Transaction));
  return {
    content,
    totalElements: content.length,
    totalPages: content.length === 0 ? 0 : 1,
    last: true,
    first: true,
    size: 200,
    number: 0,
    numberOfElements: content.length,
  };
}

function isReported({ ending, dueAt, confirmedAt }: Transaction): boolean {
  const wasAtOnce = dueAt === confirmedAt;
  return !(wasAtOnce && turnedAway[ending]);
}

function view(book: Book, transaction: Transaction): object {
  const { id, reference, number, amount, product, createdAt, ending, state } = transaction;
  const isKnown = state === 'ended' && !book.hesitates();
  const isGood = isKnown && !turnedAway[ending] && !failed[ending];
  const dollars = Math.round((Number(amount) / TENGE_A_DOLLAR) * 100) / 100;
  return {
    transactionId: id,
    status: !isKnown ? 'PROCESSING' : isGood ? 'SUCCESSFUL' : 'FAILED',
    operatorTransactionId: isGood ? `SIM${id}:OrderConfirmed` : null,
    customIdentifier: reference,
    recipientPhone: number,
    recipientEmail: null,
    senderPhone: null,
    countryCode: 'KZ',
    operatorId: product,
    operatorName: operatorOf(product).name,
    discount: 0,
    discountCurrencyCode: 'USD',
    requestedAmount: dollars,
    requestedAmountCurrencyCode: 'USD',
    deliveredAmount: Number(amount),
    deliveredAmountCurrencyCode: 'KZT',
    transactionDate: stamp(createdAt),
    pinDetail: null,
    balanceInfo: {
      oldBalance: 10_000,
      newBalance: 10_000 - dollars,
      cost: dollars,
      currencyCode: 'USD',
      updatedAt: stamp(createdAt),
    },
  };
}

function operatorOf(id: unknown): (typeof operators)[number] {
  const operator = operators.find((one) => String(one.reloadly) === String(id));
  if (!operator) throw new ReloadlyError(404, 'INVALID_OPERATOR');
  return operator;
}

function operatorView({ reloadly, name }: (typeof operators)[number]): object {
  return {
    id: reloadly,
    operatorId: reloadly,
    name,
    denominationType: 'RANGE',
    senderCurrencyCode: 'USD',
    destinationCurrencyCode: 'KZT',
    minAmount: AMOUNT_MIN / TENGE_A_DOLLAR,
    maxAmount: AMOUNT_MAX / TENGE_A_DOLLAR,
    localMinAmount: AMOUNT_MIN,
    localMaxAmount: AMOUNT_MAX,
    supportsLocalAmounts: true,
    country: { isoName: 'KZ', name: 'Kazakhstan' },
    fx: { rate: TENGE_A_DOLLAR, currencyCode: 'KZT' },
  };
}

function balance(book: Book): object {
  return {
    balance: book.hasFunds ? 10_000 : 0,
    currencyCode: 'USD',
    currencyName: 'US Dollar',
    updatedAt: stamp(Date.now()),
  };
}

/** `2024-12-06 08:13:39`. */
function stamp(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function bodyOf(call: Call): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(call.body.toString('utf8'));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Answered below.
  }
  throw new ReloadlyError(400, 'INVALID_REQUEST');
}
