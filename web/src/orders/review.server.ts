import { createHash } from 'node:crypto';
import { m } from '../../../messages/compiled/messages.js';
import type { Operator } from '../api.server.ts';
import { formatDay, formatMoneyIn, formatTime } from '../format.ts';
import type { Language } from '../language.ts';
import type { Order, Quote } from './api.server.ts';
import { contactFacts } from './email.server.ts';
import type { Fact } from './fact.ts';
import { methodNames } from './methods.server.ts';
import { operatorName } from './operators.ts';

/** An order whose price is known. */
export type Quoted = Order & { readonly quote: Quote };

export function isQuoted(order: Order): order is Quoted {
  return order.quote !== null && order.amount !== null;
}

type Review = {
  readonly order: Quoted;
  readonly operators: readonly Operator[];
  readonly language: Language;
  readonly now: Date;
};

/** All a payer should know before paying, ready to read. */
export function showReview(review: Review) {
  const { order, language, now } = review;
  const locale = { locale: language };
  const { quote } = order;
  const isHeld = new Date(quote.expiresAt) > now;
  const method = methodNames(quote.method, language);
  const charge = formatMoneyIn(quote.charge, language);
  const time = m.time_astana({ time: formatTime(quote.expiresAt, language) }, locale);
  return {
    price: formatMoneyIn(quote.price, language),
    number: order.number.grouped ?? order.number.masked,
    isHeld,
    held: isHeld ? m.pay_held({ time }, locale) : m.pay_ended({}, locale),
    facts: factsOf(review),
    charge: isSame(quote)
      ? undefined
      : m.pay_charge_text({ method: method.name, currency: quote.price.currency }, locale),
    go: m.pay_go({ amount: charge }, locale),
    goText: m.pay_go_text({ method: method.name }, locale),
    seen: digestOf(order),
  };
}

/** The method charges what the payer reads. */
function isSame({ price, charge }: Quote): boolean {
  return price.currency === charge.currency && price.amount === charge.amount;
}

function factsOf(review: Review): Fact[] {
  const { order, operators, language } = review;
  const locale = { locale: language };
  const { quote } = order;
  const choice = `/${language}/topup/${order.id}`;
  const gets = formatMoneyIn({ currency: order.currency, amount: order.amount ?? '' }, language);
  return [
    { term: m.pay_you_pay({}, locale), value: formatMoneyIn(quote.price, language), isMain: true },
    {
      term: m.pay_number({}, locale),
      value: order.number.grouped ?? order.number.masked,
      change: order.number.grouped ? `${choice}/number` : undefined,
    },
    { term: m.pay_operator({}, locale), value: operatorName(operators, order.operator, language), change: choice },
    { term: m.pay_phone_gets({}, locale), value: gets, change: choice, isMain: true },
    { term: m.pay_fee({}, locale), value: formatMoneyIn(quote.fee, language) },
    ...(isNothing(quote.margin.amount)
      ? []
      : [{ term: m.pay_margin({}, locale), value: formatMoneyIn(quote.margin, language) }]),
    ...rateFacts(quote.rates, language),
    { term: m.pay_method({}, locale), value: methodNames(quote.method, language).name, change: choice },
    ...chargeFacts(review),
    ...contactFacts(order, language),
  ];
}

function isNothing(amount: string): boolean {
  return /^0(\.0*)?$/.test(amount);
}

/** Every rate the price rests on, and where it is from. */
function rateFacts(rates: Quote['rates'], language: Language): Fact[] {
  const [first] = rates;
  if (!first) return [];
  const locale = { locale: language };
  const inTenge = (rate: string): string => formatMoneyIn({ currency: 'KZT', amount: rate }, language);
  const notes = rates.map(({ source, day }) =>
    m.pay_rate_source({ source: sourceName(source, language), day: formatDay(day, language) }, locale),
  );
  return [
    {
      term: m.pay_rate({}, locale),
      value: rates.map(({ currency, rate }) => `1\u00a0${currency}\u00a0=\u00a0${inTenge(rate)}`).join(', '),
      note: [...new Set(notes)].join('; '),
    },
  ];
}

/** The bank's name in the language of the page; whatever else an installation names is shown as it is. */
function sourceName(source: string, language: Language): string {
  return source === 'National Bank of Kazakhstan' ? m.pay_rate_bank({}, { locale: language }) : source;
}

/** What the payer's bank will show: another currency where the method knows no better, and under which name. */
function chargeFacts({ order: { quote }, language }: Review): Fact[] {
  const locale = { locale: language };
  const { name } = methodNames(quote.method, language);
  return [
    ...(isSame(quote)
      ? []
      : [
          {
            term: m.pay_charge({ method: name }, locale),
            value: formatMoneyIn(quote.charge, language),
            isMain: true as const,
          },
        ]),
    ...(quote.statement === null
      ? []
      : [{ term: m.pay_statement({}, locale), value: quote.statement, isCode: true as const }]),
  ];
}

/**
 * What a payer agrees to, as one word: sent along with the agreement, so that nobody pays for what another window has changed meanwhile. Another
 * number means another quote, and each has its own time; the whole number is not told any more once the order is placed.
 */
export function digestOf({ operator, number, amount, quote }: Quoted): string {
  const seen = [operator, number.masked, amount, quote.price, quote.charge, quote.method, quote.expiresAt];
  return createHash('sha256').update(JSON.stringify(seen)).digest('base64url').slice(0, 22);
}
