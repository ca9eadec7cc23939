import type { Language } from './language.ts';

/**
 * Amounts and times as people read them; amounts come and stay decimal text. Runs on the server alone: browsers carry different
 * tables for Kazakh.
 */
const locales: Readonly<Record<Language, string>> = { zh: 'zh-CN', en: 'en', ru: 'ru-KZ', kk: 'kk-KZ' };

/** Kazakhstan keeps one time for the whole country since 2024; screens call it Astana time. */
const timeZone = 'Asia/Almaty';

type Amount = { readonly unit: string; readonly amount: string };

const DECIMAL = /^-?\d{1,15}(\.\d{1,3})?$/;

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

export function formatInstant(iso: string, language: Language): string {
  return inAstana(iso, language, { dateStyle: 'medium', timeStyle: 'short', hourCycle: 'h23' });
}

export function formatDay(iso: string, language: Language): string {
  return inAstana(iso, language, { dateStyle: 'medium' });
}

function inAstana(iso: string, language: Language, style: Intl.DateTimeFormatOptions): string {
  const instant = new Date(iso);
  if (Number.isNaN(instant.getTime())) return iso;
  return new Intl.DateTimeFormat(locales[language], { timeZone, ...style }).format(instant);
}
