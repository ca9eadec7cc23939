import type { Wrongs } from '../wire/control.ts';
import { type Answer, type Call, json } from '../wire/server.ts';
import {
  type Account,
  type Amount,
  captureOfOrder,
  type Funding,
  findOrder,
  minorOf,
  newId,
  type StoredCapture,
  type StoredOrder,
  valueText,
} from './account.ts';
import type { Paypal } from './context.ts';
import { invalid, notFound, unprocessable } from './errors.ts';
import { once, requestIdOf } from './requests.ts';
import { captureResource, minimalOrder, orderResource, pageOf } from './resources.ts';

export function createOrder(paypal: Paypal, call: Call): Answer {
  return once(paypal, call, {
    requestId: requestIdOf(call),
    make: () => {
      const order = orderFrom(paypal.account, bodyOf(call), requestIdOf(call));
      paypal.account.orders.put(order.id, order);
      return { kind: 'order', id: order.id };
    },
    tell: ({ id }, status) => tellOrder(paypal, call, { id, status }),
  });
}

export function getOrder(paypal: Paypal, call: Call): Answer {
  return json(200, orderResource(paypal.account, paypal.url, orderOf(paypal, call.params.id)));
}

export function captureOrder(paypal: Paypal, call: Call): Answer {
  const { id } = orderOf(paypal, call.params.id);
  return once(paypal, call, {
    requestId: requestIdOf(call),
    make: () => {
      bodyOf(call);
      capture(paypal, orderOf(paypal, id));
      return { kind: 'order', id };
    },
    tell: (made, status) => tellOrder(paypal, call, { id: made.id, status }),
  });
}

export function orderOf({ account }: Paypal, id: string | undefined): StoredOrder {
  const order = findOrder(account, id ?? '');
  if (order === undefined) throw notFound();
  return order;
}

export function change(paypal: Paypal, order: StoredOrder, changes: Partial<StoredOrder>): StoredOrder {
  const changed = { ...order, ...changes, updateTime: paypal.account.now().toISOString() };
  paypal.account.orders.put(order.id, changed);
  return changed;
}

/** The payer says yes on PayPal's page. Saying it again, with other funding, is a new approval. */
export function approve(paypal: Paypal, order: StoredOrder, how: { funding: Funding; lateSeconds?: number }): void {
  const approved = change(paypal, order, { status: 'APPROVED', declined: false, ...how });
  paypal.tell('CHECKOUT.ORDER.APPROVED', orderResource(paypal.account, paypal.url, approved));
}

function capture(paypal: Paypal, order: StoredOrder): void {
  const { account, wishes, url } = paypal;
  if (order.status === 'COMPLETED') throw unprocessable('ORDER_ALREADY_CAPTURED');
  if (order.status !== 'APPROVED') throw unprocessable('ORDER_NOT_APPROVED');
  const wish = wishes.nextCapture;
  wishes.nextCapture = undefined;
  const issue = wish?.issue ?? (order.funding === 'declined' ? 'INSTRUMENT_DECLINED' : undefined);
  if (issue !== undefined) {
    // It stays approved, and nothing tells a reader of the order that its capture was refused.
    account.orders.put(order.id, { ...order, declined: true });
    throw unprocessable(issue, [{ href: pageOf(url, order.id), rel: 'redirect', method: 'GET' }]);
  }
  const invoice = order.unit.invoice_id;
  const isRepeated = account.captures.values().some(({ invoice_id: one }) => one !== undefined && one === invoice);
  if (isRepeated) throw unprocessable('DUPLICATE_INVOICE_ID');
  const unit = {
    ...order.unit,
    amount: wish?.amount ?? amountTaken(order.unit.amount, wishes.wrongs),
    ...(wishes.wrongs.foreignOrder && { custom_id: 'another-shop/1' }),
  };
  const taken = captureFrom(account, { ...order, unit });
  account.captures.put(taken.id, taken);
  change(paypal, order, { status: 'COMPLETED', unit });
  paypal.tell(`PAYMENT.CAPTURE.${taken.status}`, captureResource(account, url, taken));
}

/** How long what comes late takes where nothing is said. */
export const LATE_SECONDS = 20;

function amountTaken(asked: Amount, { wrongAmount, wrongCurrency }: Wrongs): Amount {
  const other = asked.currency_code === 'USD' ? 'EUR' : 'USD';
  return {
    currency_code: wrongCurrency ? other : asked.currency_code,
    value: wrongAmount ? valueText(minorOf(asked) + 1n, asked) : asked.value,
  };
}

function captureFrom(account: Account, order: StoredOrder): StoredCapture {
  const isLate = order.funding === 'late' || order.funding === 'late-fail';
  const now = account.now();
  const at = now.toISOString();
  const later = new Date(now.getTime() + (order.lateSeconds ?? LATE_SECONDS) * 1_000).toISOString();
  return {
    id: newId(),
    orderId: order.id,
    status: isLate ? 'PENDING' : 'COMPLETED',
    amount: order.unit.amount,
    ...(order.unit.custom_id !== undefined && { custom_id: order.unit.custom_id }),
    ...(order.unit.invoice_id !== undefined && { invoice_id: order.unit.invoice_id }),
    ...(isLate && {
      settles: { at: later, as: order.funding === 'late' ? ('COMPLETED' as const) : ('DECLINED' as const) },
    }),
    createTime: at,
    updateTime: at,
  };
}

/** Ends what is pending and due. */
export function tick(paypal: Paypal): void {
  const now = paypal.account.now().toISOString();
  for (const { id, settles } of paypal.account.captures.values())
    if (settles !== undefined && settles.at <= now) settle(paypal, id, settles.as);
}

/** A pending capture ends: the money is there, or will never be. */
export function settle(paypal: Paypal, captureId: string, as: 'COMPLETED' | 'DECLINED'): void {
  const { account, url } = paypal;
  const pending = account.captures.get(captureId);
  if (pending?.status !== 'PENDING') return;
  const { settles: _, ...rest } = pending;
  const settled = { ...rest, status: as, updateTime: account.now().toISOString() };
  account.captures.put(captureId, settled);
  const kind = as === 'COMPLETED' ? 'PAYMENT.CAPTURE.COMPLETED' : 'PAYMENT.CAPTURE.DENIED';
  paypal.tell(kind, captureResource(account, url, settled));
}

function tellOrder(paypal: Paypal, call: Call, { id, status }: { id: string; status: 200 | 201 }): Answer {
  const { account, url } = paypal;
  const order = orderOf(paypal, id);
  const isWhole = call.headers.prefer === 'return=representation' || captureOfOrder(account, id) !== undefined;
  return json(status, isWhole ? orderResource(account, url, order) : minimalOrder(url, order));
}

export function bodyOf({ body }: Call): Record<string, unknown> {
  try {
    const value: unknown = body.length === 0 ? {} : JSON.parse(body.toString('utf8'));
    if (isObject(value)) return value;
  } catch {
    // Answered below like any other text that is no object.
  }
  throw invalid('MALFORMED_REQUEST_JSON', '');
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function orderFrom(account: Account, body: Record<string, unknown>, requestId: string | undefined): StoredOrder {
  if (body.intent !== 'CAPTURE') throw invalid('INVALID_PARAMETER_VALUE', '/intent');
  const units = body.purchase_units;
  const unit: unknown = Array.isArray(units) && units.length === 1 ? units[0] : undefined;
  if (!isObject(unit)) throw invalid('INVALID_ARRAY_MAX_ITEMS', '/purchase_units');
  const wallet = isObject(body.payment_source) ? body.payment_source.paypal : undefined;
  // With a payment source the request is one to pay, and PayPal insists on a name for it.
  if (wallet !== undefined && requestId === undefined) throw invalid('PAYPAL_REQUEST_ID_REQUIRED', 'PayPal-Request-Id');
  const context = isObject(wallet) && isObject(wallet.experience_context) ? wallet.experience_context : {};
  const at = account.now().toISOString();
  return {
    id: newId(),
    status: wallet === undefined ? 'CREATED' : 'PAYER_ACTION_REQUIRED',
    unit: {
      reference_id: textOf(unit, 'reference_id', 256) ?? 'default',
      amount: amountOf(unit.amount, '/purchase_units/@reference_id/amount'),
      ...optional(unit, 'custom_id'),
      ...optional(unit, 'invoice_id'),
      ...optional(unit, 'description'),
    },
    ...(wallet !== undefined && {
      returnUrl: addressOf(context, 'return_url'),
      cancelUrl: addressOf(context, 'cancel_url'),
    }),
    ...(typeof context.locale === 'string' && { locale: context.locale }),
    createTime: at,
    updateTime: at,
  };
}

function textOf(from: Record<string, unknown>, field: string, lengthMax: number): string | undefined {
  const value = from[field];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '' || value.length > lengthMax)
    throw invalid('INVALID_STRING_LENGTH', field);
  return value;
}

function optional(
  unit: Record<string, unknown>,
  field: 'custom_id' | 'invoice_id' | 'description',
): Record<string, string> {
  const value = textOf(unit, field, 127);
  return value === undefined ? {} : { [field]: value };
}

function addressOf(context: Record<string, unknown>, field: string): string {
  const value = textOf(context, field, 2_048);
  const url = value === undefined ? null : URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) throw invalid('INVALID_PARAMETER_SYNTAX', field);
  return url.href;
}

const CURRENCIES: ReadonlySet<string> = new Set(
  'AUD BRL CAD CNY CZK DKK EUR HKD HUF ILS JPY MYR MXN TWD NZD NOK PHP PLN GBP SGD SEK CHF THB USD'.split(' '),
);
const WITHOUT_DECIMALS: ReadonlySet<string> = new Set(['HUF', 'JPY', 'TWD']);

export function amountOf(value: unknown, field: string): Amount {
  const { currency_code: currency, value: text } = isObject(value) ? value : {};
  if (typeof currency !== 'string' || typeof text !== 'string') throw invalid('MISSING_REQUIRED_PARAMETER', field);
  if (!CURRENCIES.has(currency)) throw unprocessable('CURRENCY_NOT_SUPPORTED');
  const [, whole = '', fraction] = /^(\d{1,13})(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === '') throw invalid('INVALID_PARAMETER_SYNTAX', field);
  if (fraction !== undefined && WITHOUT_DECIMALS.has(currency)) throw unprocessable('DECIMALS_NOT_SUPPORTED');
  if (fraction !== undefined && fraction.length > 2) throw unprocessable('DECIMAL_PRECISION');
  if (/^[0.]+$/.test(text)) throw unprocessable('CANNOT_BE_ZERO_OR_NEGATIVE');
  if (WITHOUT_DECIMALS.has(currency)) return { currency_code: currency, value: whole };
  return { currency_code: currency, value: `${whole}.${(fraction ?? '').padEnd(2, '0')}` };
}
