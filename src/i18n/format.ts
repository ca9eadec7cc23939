import * as m from '../../messages/compiled/messages.js';
import { assert, present } from '../base/assert.ts';
import { type Currency, currencyNames, type Unit } from '../base/money.ts';
import type { Language } from './language.ts';

/** An amount as it travels: decimal text in its unit, signed where it is a change. */
export type Quantity = { readonly unit: Unit; readonly amount: string };

const locales: Readonly<Record<Language, string>> = { zh: 'zh-CN', en: 'en', ru: 'ru-KZ', kk: 'kk-KZ' };

/** Kazakhstan keeps one time for the whole country since 2024-03-01; screens call it Astana time. */
const TIME_ZONE = 'Asia/Almaty';

const DECIMAL = /^-?\d{1,15}(\.\d{1,3})?$/;

/** Formatters are built once: making one costs a thousand times using it. */
function byLanguage<T>(make: (locale: string) => T): Readonly<Record<Language, T>> {
  return { zh: make(locales.zh), en: make(locales.en), ru: make(locales.ru), kk: make(locales.kk) };
}

const tenge = (display: 'narrowSymbol' | 'code') => (locale: string) =>
  new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'KZT',
    currencyDisplay: display,
    trailingZeroDisplay: 'stripIfInteger',
  });
const bySymbol = byLanguage(tenge('narrowSymbol'));
const byCode = byLanguage(tenge('code'));
const plain = byLanguage((locale) => new Intl.NumberFormat(locale, { maximumFractionDigits: 3 }));

/** Intl reads decimal text without passing through a float. */
function decimal(amount: string): Intl.StringNumericLiteral {
  assert(DECIMAL.test(amount), 'an amount is decimal text');
  return amount as Intl.StringNumericLiteral;
}

/** Tenge as the language writes them, without tiyn where there are none: `₸1,234`, `1 234 ₸` (with U+00A0). */
export function formatMoney(amount: string, language: Language): string {
  return bySymbol[language].format(decimal(amount));
}

/** Signs that one currency alone has. The others keep the letters that tell CN¥ from JP¥; the som's own sign is in hardly any font. */
const ownSigns: ReadonlySet<Currency> = new Set(['KZT', 'RUB']);
const inCurrency = byLanguage(
  (locale) =>
    new Map(
      currencyNames.map((currency) => [
        currency,
        new Intl.NumberFormat(locale, {
          style: 'currency',
          currency,
          currencyDisplay: ownSigns.has(currency) ? 'narrowSymbol' : 'symbol',
          minimumFractionDigits: 2,
          maximumFractionDigits: 2,
        }),
      ]),
    ),
);

/**
 * What people pay in. Tenge as above; other money with the sign that no other currency has in that language (`CN¥12.50`, `US$12.50`)
 * and always with its cents.
 */
export function formatPrice({ currency, amount }: { currency: Currency; amount: string }, language: Language): string {
  if (currency === 'KZT') return formatMoney(amount, language);
  return present(inCurrency[language].get(currency), 'every currency has a format').format(decimal(amount));
}

const rates = byLanguage(
  (locale) =>
    new Intl.NumberFormat(locale, {
      style: 'currency',
      currency: 'KZT',
      currencyDisplay: 'narrowSymbol',
      maximumFractionDigits: 6,
    }),
);

const RATE = /^\d{1,9}(\.\d{1,6})?$/;

/** Tenge for one unit of another currency, to the last digit it is quoted with: `₸519.43`, `0,0431 ₸`. */
export function formatRate(tenge: string, language: Language): string {
  assert(RATE.test(tenge), 'a rate is decimal text');
  return rates[language].format(tenge as Intl.StringNumericLiteral);
}

/**
 * The same for a phone's own screens, USSD and SMS: plain spaces, because old handsets draw U+00A0 as a box. In English the code stands for the
 * sign: ₸ is not in the GSM 7-bit alphabet and would halve the room of the whole text, while `KZT 1,000` is read by any traveller.
 */
export function formatMoneyPhone(amount: string, language: Language): string {
  const formatter = language === 'en' ? byCode.en : bySymbol[language];
  return plainSpaces(formatter.format(decimal(amount)));
}

/** Any balance for a phone's own screens: `1 000 ₸`, `500 МБ`, `60 мин`, `30 SMS`. */
export function formatQuantityPhone({ unit, amount }: Quantity, language: Language): string {
  const options = { locale: language };
  switch (unit) {
    case 'KZT':
      return formatMoneyPhone(amount, language);
    case 'KZT_BONUS':
      return m.unit_bonus({ amount: formatMoneyPhone(amount, language) }, options);
    case 'MB':
      return m.unit_megabytes({ number: numberOf(amount, language) }, options);
    case 'SECOND':
      return m.unit_minutes({ number: minutesOf(amount, language) }, options);
    case 'SMS':
      return m.unit_messages({ number: numberOf(amount, language) }, options);
  }
}

function numberOf(amount: string, language: Language): string {
  return plainSpaces(plain[language].format(decimal(amount)));
}

/** Whole minutes, or minutes and seconds as a clock shows them. */
function minutesOf(amount: string, language: Language): string {
  decimal(amount);
  const seconds = BigInt(amount);
  const size = seconds < 0n ? -seconds : seconds;
  const minutes = `${seconds < 0n ? '-' : ''}${numberOf(String(size / 60n), language)}`;
  return size % 60n === 0n ? minutes : `${minutes}:${String(size % 60n).padStart(2, '0')}`;
}

function plainSpaces(text: string): string {
  return text.replace(/[\u00a0\u202f]/g, ' ');
}

const full = byLanguage(
  (locale) =>
    new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : locale, {
      timeZone: TIME_ZONE,
      dateStyle: 'long',
      timeStyle: 'short',
      hourCycle: 'h23',
    }),
);

/** In full, with the words that say which clock is meant. */
export function formatMoment(at: Date, language: Language): string {
  return m.time_astana({ time: full[language].format(at) }, { locale: language });
}

const fullDay = byLanguage(
  (locale) => new Intl.DateTimeFormat(locale === 'en' ? 'en-GB' : locale, { timeZone: 'UTC', dateStyle: 'long' }),
);

/** A day of the calendar, `2026-12-04`, in full: `4 December 2026`. */
export function formatDate(day: string, language: Language): string {
  return fullDay[language].format(new Date(`${day}T00:00:00Z`));
}

const isoDay = new Intl.DateTimeFormat('sv-SE', { timeZone: TIME_ZONE });

/** The day it is in Astana, `2026-12-04`: what readers of every language take for the same day. */
export function dayOf(at: Date): string {
  return isoDay.format(at);
}

const numeric = new Intl.DateTimeFormat('en-GB', {
  timeZone: TIME_ZONE,
  year: '2-digit',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** For small screens: `05.11 14:05`. In English and Chinese the month is marked, because 05.11 would be read both ways. */
export function formatShort(at: Date, language: Language): string {
  const { day, month, hour, minute } = partsOf(at);
  return `${dayAndMonth(day, month, language)} ${hour}:${minute}`;
}

/** The day something ends, with its year: `05.11.27`. */
export function formatDay(at: Date, language: Language): string {
  const { day, month, year } = partsOf(at);
  switch (language) {
    case 'zh':
      return `20${year}年${dayAndMonth(day, month, language)}`;
    case 'en':
      return `${dayAndMonth(day, month, language)} 20${year}`;
    case 'ru':
    case 'kk':
      return `${day}.${month}.${year}`;
  }
}

function dayAndMonth(day: string, month: string, language: Language): string {
  switch (language) {
    case 'zh':
      return `${Number(month)}月${Number(day)}日`;
    case 'en':
      return `${Number(day)} ${MONTHS[Number(month) - 1]}`;
    case 'ru':
    case 'kk':
      return `${day}.${month}`;
  }
}

function partsOf(at: Date): { day: string; month: string; year: string; hour: string; minute: string } {
  const parts = new Map(numeric.formatToParts(at).map((part) => [part.type, part.value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  return { day: part('day'), month: part('month'), year: part('year'), hour: part('hour'), minute: part('minute') };
}
