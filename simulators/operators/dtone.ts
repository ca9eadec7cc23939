import { type Answer, type Call, json, type Routes, sameText } from '../wire/server.ts';
import type { Ask, Book, Transaction } from './book.ts';
import { dtoneCatalogue, lookUp, type Product, productOf } from './dtone_catalogue.ts';
import { transactionView } from './dtone_view.ts';
import { amountOf, numberOf, rangeOf } from './numbers.ts';

export type DtoneSettings = { readonly key: string; readonly secret: string };

const PREFIX = '/dtone/v1';
const EXTERNAL_ID_LENGTH_MAX = 40;
/** How long `/sync` holds the line for the end. */
const SYNC_MS_MAX = 180_000;
const SYNC_POLL_MS = 50;

/** An error of the API: `{"errors":[{"code","message"}]}`. */
class DtoneError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

function errors(status: number, code: number, message: string): Answer {
  return json(status, { errors: [{ code, message }] });
}

/** DT One DVS, version 1: what a client of airtime products needs of it. */
export function dtoneRoutes(book: Book, { key, secret }: DtoneSettings): Routes {
  const expected = `Basic ${Buffer.from(`${key}:${secret}`).toString('base64')}`;
  const behindKey = (handler: (call: Call) => Answer | Promise<Answer>) => async (call: Call) => {
    if (!sameText(call.headers.authorization ?? '', expected)) return errors(401, 1000401, 'Unauthorized');
    try {
      return await handler(call);
    } catch (error) {
      if (error instanceof DtoneError) return errors(error.status, error.code, error.message);
      throw error;
    }
  };
  const routes: Routes = {
    'POST /async/transactions': (call) => json(201, transactionView(create(book, call), 'accepted')),
    'POST /sync/transactions': async (call) => json(201, transactionView(await ended(book, create(book, call)))),
    'POST /async/transactions/:id/confirm': (call) => json(202, transactionView(confirm(book, call), 'accepted')),
    'POST /sync/transactions/:id/confirm': async (call) =>
      json(200, transactionView(await ended(book, confirm(book, call)))),
    'POST /transactions/:id/cancel': (call) => json(200, transactionView(cancel(book, call))),
    'GET /transactions/:id': (call) => json(200, transactionView(named(book, call), hesitation(book))),
    'GET /transactions': (call) =>
      paged(
        call,
        found(book, call).map((one) => transactionView(one, hesitation(book))),
      ),
    'GET /balances': (call) => paged(call, [balance(book)]),
    'GET /lookup/mobile-number/:number': (call) => paged(call, lookedUp(call.params.number)),
    'POST /lookup/mobile-number': (call) => paged(call, lookedUp(bodyOf(call).mobile_number)),
    'GET /products/:id': (call) => {
      const product = productOf(Number(call.params.id));
      if (!product) throw new DtoneError(404, 1003001, 'Product is not available in your account');
      return json(200, product);
    },
    ...Object.fromEntries(
      Object.entries(dtoneCatalogue).map(([path, list]) => [`GET ${path}`, (call: Call) => paged(call, list)]),
    ),
  };
  return Object.fromEntries(
    Object.entries(routes).map(([route, handler]) => [route.replace(' ', ` ${PREFIX}`), behindKey(handler)]),
  );
}

function create(book: Book, call: Call): Transaction {
  const { ask, confirmed } = read(call);
  // Whatever else it says: DT One takes a reference once.
  if (book.find('dtone', ask.reference))
    throw new DtoneError(400, 1007001, 'Transaction external ID has already been used');
  if (!book.hasFunds) throw new DtoneError(400, 1006001, 'Insufficient balance');
  return book.place(ask, { confirmed });
}

function read(call: Call): { ask: Ask; confirmed: boolean } {
  const body = bodyOf(call);
  const reference = body.external_id;
  if (typeof reference !== 'string' || reference === '' || reference.length > EXTERNAL_ID_LENGTH_MAX)
    throw new DtoneError(400, 1000400, 'external_id is text of up to 40 characters');
  const product = productOf(body.product_id);
  if (!product) throw new DtoneError(400, 1003001, 'Product is not available in your account');
  const number = mobileOf(fieldOf(body.credit_party_identifier, 'mobile_number'));
  if (number === undefined) throw new DtoneError(400, 1005003, 'Credit party mobile number is invalid');
  const callbackUrl = typeof body.callback_url === 'string' ? body.callback_url : undefined;
  const ask: Ask = { wire: 'dtone', reference, number, amount: amountIn(body), product: product.id, callbackUrl };
  return { ask, confirmed: body.auto_confirm === true };
}

function amountIn(body: Record<string, unknown>): string {
  const { calculation_mode: mode, destination } = body;
  const isTenge = fieldOf(destination, 'unit_type') === 'CURRENCY' && fieldOf(destination, 'unit') === 'KZT';
  if (mode !== 'DESTINATION_AMOUNT' || !isTenge)
    throw new DtoneError(400, 1000400, 'calculation_mode is DESTINATION_AMOUNT, destination is in KZT');
  const value = fieldOf(destination, 'amount');
  const amount = typeof value === 'number' ? amountOf(String(value)) : undefined;
  if (amount === undefined) throw new DtoneError(400, 1000400, 'amount is a number');
  if (rangeOf(amount) !== 'within') throw new DtoneError(400, 1003002, 'Amount is out of range');
  return amount;
}

function confirm(book: Book, call: Call): Transaction {
  const transaction = named(book, call);
  if (transaction.state === 'cancelled') throw new DtoneError(400, 1007004, 'Transaction can no longer be confirmed');
  if (transaction.state !== 'created') throw new DtoneError(400, 1007002, 'Transaction has already been confirmed');
  return book.confirm(transaction);
}

function cancel(book: Book, call: Call): Transaction {
  const transaction = named(book, call);
  if (transaction.state === 'cancelled') throw new DtoneError(400, 1007005, 'Transaction has already been cancelled');
  if (transaction.state !== 'created') throw new DtoneError(400, 1007007, 'Transaction can no longer be cancelled');
  return book.cancel(transaction);
}

async function ended(book: Book, transaction: Transaction): Promise<Transaction> {
  const until = Date.now() + SYNC_MS_MAX;
  let now = transaction;
  while (now.state === 'pending' && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, SYNC_POLL_MS));
    now = book.findById('dtone', transaction.id) ?? now;
  }
  return now;
}

function named(book: Book, call: Call): Transaction {
  const transaction = book.findById('dtone', Number(call.params.id));
  if (!transaction) throw new DtoneError(404, 1008004, 'Transaction not found');
  return transaction;
}

function found(book: Book, { query }: Call): Transaction[] {
  const reference = query.get('external_id');
  if (reference === null) return book.all('dtone');
  const one = book.find('dtone', reference);
  return one ? [one] : [];
}

/** Credited, and still told as if it were not: an outcome that is unknown before it is known. */
function hesitation(book: Book): 'submitted' | undefined {
  return book.hesitates() ? 'submitted' : undefined;
}

function balance(book: Book): object {
  return {
    id: 1,
    unit_type: 'CURRENCY',
    unit: 'USD',
    available: book.hasFunds ? 10_000 : 0,
    holding: 0,
    credit_limit: 0,
  };
}

function lookedUp(value: unknown): object[] {
  const number = mobileOf(value);
  if (number === undefined) throw new DtoneError(400, 1005003, 'Mobile number is invalid');
  return lookUp(number);
}

function mobileOf(value: unknown): string | undefined {
  return typeof value === 'string' && value.startsWith('+7') ? numberOf(value) : undefined;
}

function bodyOf(call: Call): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(call.body.toString('utf8'));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Answered below.
  }
  throw new DtoneError(400, 1000400, 'the body is a JSON object');
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}

const PER_PAGE = 50;
const PER_PAGE_MAX = 100;

function paged({ query }: Call, list: readonly (object | Product)[]): Answer {
  const page = whole(query.get('page'), 1);
  const perPage = Math.min(whole(query.get('per_page'), PER_PAGE), PER_PAGE_MAX);
  const pages = Math.ceil(list.length / perPage);
  return json(200, list.slice((page - 1) * perPage, page * perPage), {
    'x-total': String(list.length),
    'x-total-pages': String(pages),
    'x-page': String(page),
    'x-per-page': String(perPage),
    'x-next-page': page < pages ? String(page + 1) : '',
    'x-prev-page': page > 1 ? String(page - 1) : '',
  });
}

function whole(text: string | null, otherwise: number): number {
  return text !== null && /^[1-9]\d{0,6}$/.test(text) ? Number(text) : otherwise;
}
