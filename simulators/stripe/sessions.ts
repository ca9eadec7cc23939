import { type Form, formAt, listOf, textAt } from '../wire/form.ts';
import type { Opening } from './account.ts';
import { invalid, missing } from './errors.ts';
import { type Metadata, newId, type Session } from './objects.ts';

/** What may be asked for when a session is opened. A misspelt parameter is refused, as Stripe refuses it. */
const known = new Set([
  'adaptive_pricing',
  'billing_address_collection',
  'cancel_url',
  'client_reference_id',
  'customer_creation',
  'customer_email',
  'excluded_payment_method_types',
  'expand',
  'expires_at',
  'line_items',
  'locale',
  'metadata',
  'mode',
  'payment_intent_data',
  'payment_method_types',
  'submit_type',
  'success_url',
  'ui_mode',
]);

/** Presentment currencies without decimals are left out: nobody here charges in them. */
const currencies = new Set('usd eur gbp cny kzt rub kgs uzs chf aed try inr thb hkd sgd aud cad'.split(' '));

const locales = new Set(
  `auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk sl sv th tr vi
  zh zh-HK zh-TW`.split(/\s+/),
);

/** The least Stripe charges where it says so in minor units of that currency. */
const minimums: ReadonlyMap<string, number> = new Map([
  ['usd', 50],
  ['eur', 50],
  ['gbp', 30],
]);

const AMOUNT_MAX = 99_999_999;
const HALF_HOUR = 30 * 60;
const DAY = 24 * 60 * 60;
/** Stripe's clock and its caller's differ a little. */
const CLOCK_SPARE = 30;
const REFERENCE_LENGTH_MAX = 200;
const SUFFIX_LENGTH_MAX = 22;

export type Opened = { readonly session: Session; readonly opening: Opening };

/** Reads the parameters of `POST /v1/checkout/sessions`. `pageOf` gives the address of a session's page. */
export function readSession(form: Form, now: number, pageOf: (id: string) => string): Opened {
  for (const name of Object.keys(form))
    if (!known.has(name)) throw invalid(name, `Received unknown parameter: ${name}`, 'parameter_unknown');
  if (textAt(form, 'mode') !== 'payment') throw invalid('mode', 'This simulator knows mode=payment alone.');
  const { amount, currency, name } = readLines(form);
  const id = newId('cs_test_', 56);
  const successUrl = readUrl(form, 'success_url');
  if (successUrl === undefined) throw missing('success_url');
  const reference = textAt(form, 'client_reference_id');
  if (reference !== undefined && (reference === '' || reference.length > REFERENCE_LENGTH_MAX))
    throw invalid('client_reference_id', `Invalid string: must be 1 to ${REFERENCE_LENGTH_MAX} characters`);
  const locale = textAt(form, 'locale');
  if (locale !== undefined && !locales.has(locale)) throw invalid('locale', `Invalid locale: ${locale}`);
  const pricing = textAt(form, 'adaptive_pricing', 'enabled');
  return {
    opening: readOpening(form, name),
    session: {
      id,
      object: 'checkout.session',
      adaptive_pricing: pricing === undefined ? null : { enabled: pricing === 'true' },
      amount_subtotal: amount,
      amount_total: amount,
      cancel_url: readUrl(form, 'cancel_url') ?? null,
      client_reference_id: reference ?? null,
      created: now,
      currency,
      customer: null,
      expires_at: readExpiry(form, now),
      livemode: false,
      locale: locale ?? null,
      metadata: readMetadata(form, 'metadata'),
      mode: 'payment',
      payment_intent: null,
      payment_method_types: ['card'],
      payment_status: 'unpaid',
      status: 'open',
      success_url: successUrl,
      ui_mode: 'hosted_page',
      url: pageOf(id),
    },
  };
}

function readLines(form: Form): { amount: number; currency: string; name: string } {
  const lines = listOf(formAt(form, 'line_items')).filter((line): line is Form => typeof line === 'object');
  const [first] = lines;
  if (first === undefined) throw missing('line_items');
  const currency = textAt(first, 'price_data', 'currency');
  if (currency === undefined) throw missing('line_items[0][price_data][currency]');
  if (!currencies.has(currency))
    throw invalid('line_items[0][price_data][currency]', `Invalid currency: ${currency}`, 'currency_not_supported');
  let amount = 0;
  for (const [index, line] of lines.entries()) {
    const at = `line_items[${index}]`;
    if (textAt(line, 'price_data', 'currency') !== currency)
      throw invalid(`${at}[price_data][currency]`, 'All line items must have one currency');
    const unit = readInteger(textAt(line, 'price_data', 'unit_amount'), `${at}[price_data][unit_amount]`);
    amount += unit * readInteger(textAt(line, 'quantity') ?? '1', `${at}[quantity]`);
  }
  const least = minimums.get(currency) ?? 1;
  if (amount < least)
    throw invalid('line_items', `The total amount must be at least ${least} (${currency})`, 'amount_too_small');
  if (amount > AMOUNT_MAX) throw invalid('line_items', `The total amount is at most ${AMOUNT_MAX}`, 'amount_too_large');
  const name = textAt(first, 'price_data', 'product_data', 'name');
  if (name === undefined || name === '') throw missing('line_items[0][price_data][product_data][name]');
  return { amount, currency, name };
}

export function readInteger(text: string | undefined, param: string): number {
  if (text === undefined) throw missing(param);
  if (!/^\d{1,12}$/.test(text)) throw invalid(param, `Invalid integer: ${text}`, 'parameter_invalid_integer');
  return Number(text);
}

function readExpiry(form: Form, now: number): number {
  const text = textAt(form, 'expires_at');
  if (text === undefined) return now + DAY;
  const at = readInteger(text, 'expires_at');
  if (at < now + HALF_HOUR - CLOCK_SPARE || at > now + DAY + CLOCK_SPARE)
    throw invalid('expires_at', 'The `expires_at` timestamp must be between 30 minutes and 24 hours from now.');
  return at;
}

function readUrl(form: Form, name: string): string | undefined {
  const text = textAt(form, name);
  if (text === undefined) return undefined;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw invalid(name, 'Not a valid URL', 'url_invalid');
  return text;
}

export function readMetadata(form: Form, ...path: readonly string[]): Metadata {
  const entries = Object.entries(formAt(form, ...path) ?? {});
  if (entries.length > 50) throw invalid('metadata', 'Metadata can have at most 50 keys');
  return Object.fromEntries(
    entries.map(([key, value]) => {
      if (typeof value !== 'string' || key.length > 40 || value.length > 500)
        throw invalid(`metadata[${key}]`, 'Metadata keys have at most 40 characters, values 500');
      return [key, value];
    }),
  );
}

function readOpening(form: Form, name: string): Opening {
  const suffix = textAt(form, 'payment_intent_data', 'statement_descriptor_suffix') ?? null;
  const at = 'payment_intent_data[statement_descriptor_suffix]';
  if (suffix !== null && (suffix.length > SUFFIX_LENGTH_MAX || /[<>\\'"*]/.test(suffix)))
    throw invalid(at, `The statement descriptor suffix has at most ${SUFFIX_LENGTH_MAX} plain characters`);
  if (suffix !== null && !/[a-z]/i.test(suffix))
    throw invalid(at, 'The statement descriptor suffix must contain at least one latin letter');
  return {
    name,
    suffix,
    description: textAt(form, 'payment_intent_data', 'description') ?? null,
    metadata: readMetadata(form, 'payment_intent_data', 'metadata'),
  };
}
