import type { Language } from './language.ts';

/**
 * Amounts and times as people read them; amounts come and stay decimal text. Runs on the server alone: browsers carry different
 * tables for Kazakh.
 */
const locales: Readonly<Record<Language, string>> = { zh: 'zh-CN', en: 'en', ru: 'ru-KZ', kk: 'kk-KZ' };

/** Kazakhstan keeps one time for the whole country since 2024; screens call it Astana time. */
const timeZone = 'Asia/Almaty';

type Amount = { readonly unit: string; readonly amount: string };

const DECIMAL = /^-?\d{1,15}(\.\d{1,6})?$/;

export function formatAmount(amount: Amount, language: Language): string {
  return show(amount, language, 'auto');
}

/** With its sign, for what a movement did to a balance. */
export function formatChange(amount: Amount, language: Language): string {
  return show(amount, language, 'exceptZero');
}

function show({ unit, amount }: Amount, language: Language, signDisplay: 'auto' | 'exceptZero'): string {
  if (!DECIMAL.test(amount)) return `${amount} ${unit}`;
  const decimal = amount as Intl.StringNumericLiteral;
  const number = (style: Intl.NumberFormatOptions): Intl.NumberFormat =>
    new Intl.NumberFormat(locales[language], { signDisplay, ...style });
  switch (unit) {
    case 'KZT':
    case 'KZT_BONUS':
      return number({
        style: 'currency',
        currency: 'KZT',
        currencyDisplay: 'narrowSymbol',
        trailingZeroDisplay: 'stripIfInteger',
      }).format(decimal);
    case 'MB':
      return number({ style: 'unit', unit: 'megabyte', maximumFractionDigits: 1 }).format(decimal);
    case 'SECOND':
      return number({ style: 'unit', unit: 'minute', maximumFractionDigits: 1 }).format(Number(amount) / 60);
    case 'SMS':
      return `${number({}).format(decimal)} SMS`;
    default:
      return `${number({}).format(decimal)} ${unit}`;
  }
}

/** Symbols of their own; the others keep the letters that tell CN¥ from JP¥ and US$ from the next dollar. */
const narrowSymbols = new Set(['KZT', 'RUB']);

/** A price or charge in a currency: `¥72.50` in zh, `CN¥72.50` in en, `72,50 CN¥` in ru. Tenge drop what is zero after the dot. */
export function formatMoneyIn({ currency, amount }: { currency: string; amount: string }, language: Language): string {
  if (!DECIMAL.test(amount) || !/^[A-Z]{3}$/.test(currency)) return `${amount} ${currency}`;
  const format = new Intl.NumberFormat(locales[language], {
    style: 'currency',
    currency,
    currencyDisplay: narrowSymbols.has(currency) ? 'narrowSymbol' : 'symbol',
    trailingZeroDisplay: currency === 'KZT' ? 'stripIfInteger' : 'auto',
    // A rate has more decimals than money.
    maximumFractionDigits: Math.max(2, amount.split('.')[1]?.length ?? 0),
  });
  return format.format(amount as Intl.StringNumericLiteral);
}

/** `人民币`, `Chinese Yuan`; the code where there is no name. */
export function currencyName(currency: string, language: Language): string {
  if (!/^[A-Z]{3}$/.test(currency)) return currency;
  return new Intl.DisplayNames(locales[language], { type: 'currency' }).of(currency) ?? currency;
}

/** `Kcell, Beeline and Tele2`. */
export function formatList(names: readonly string[], language: Language): string {
  return new Intl.ListFormat(locales[language]).format(names);
}

export function formatInstant(iso: string, language: Language): string {
  return inAstana(iso, language, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' });
}

export function formatDay(iso: string, language: Language): string {
  return inAstana(iso, language, { dateStyle: 'medium' });
}

/** The hour alone, for what is near: `14:35`. */
export function formatTime(iso: string, language: Language): string {
  return inAstana(iso, language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

/** A day to wait for, with its weekday: `Friday, December 4`. */
export function formatWeekday(iso: string, language: Language): string {
  return inAstana(iso, language, { weekday: 'long', day: 'numeric', month: 'long' });
}

function inAstana(iso: string, language: Language, style: Intl.DateTimeFormatOptions): string {
  const instant = new Date(iso);
  if (Number.isNaN(instant.getTime())) return iso;
  return new Intl.DateTimeFormat(locales[language], { timeZone, ...style }).format(instant);
}
