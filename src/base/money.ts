import { Refusal } from './refusal.ts';

/**
 * What an account counts, always in whole minor units as `bigint`; no float anywhere.
 * KZT is ISO 4217 398 with two decimals (tiyn); data is counted in kilobytes so that a MB splits without a fraction.
 */
export const units = {
  KZT: { decimals: 2, kind: 'money' },
  KZT_BONUS: { decimals: 2, kind: 'bonus' },
  MB: { decimals: 3, kind: 'data' },
  SECOND: { decimals: 0, kind: 'voice' },
  SMS: { decimals: 0, kind: 'sms' },
} as const;

export type Unit = keyof typeof units;

export const unitNames = Object.keys(units) as Unit[];

export function isUnit(text: string): text is Unit {
  return Object.hasOwn(units, text);
}

/**
 * What people pay in: ISO 4217, with the decimals of that standard. Tenge is both: what a phone is credited in and one of the
 * currencies it can be paid for in.
 */
export const currencies = {
  KZT: { decimals: 2 },
  CNY: { decimals: 2 },
  USD: { decimals: 2 },
  EUR: { decimals: 2 },
  RUB: { decimals: 2 },
  GBP: { decimals: 2 },
  KGS: { decimals: 2 },
  UZS: { decimals: 2 },
} as const;

export type Currency = keyof typeof currencies;

export const currencyNames = Object.keys(currencies) as Currency[];

export function isCurrency(text: string): text is Currency {
  return Object.hasOwn(currencies, text);
}

/** Everything the ledger keeps accounts in. */
export type LedgerUnit = Unit | Currency;

function decimalsOf(unit: LedgerUnit): number {
  return isUnit(unit) ? units[unit].decimals : currencies[unit].decimals;
}

const DIGITS_MAX = 15;

/**
 * Decimal text to minor units: `"1000"`, `"1000.5"`, `"1000.50"`. Plain digits and one dot only; no sign, exponent,
 * grouping or more decimals than the unit has. Refuses with `amount.invalid`.
 */
export function parseAmount(text: string, unit: LedgerUnit): bigint {
  const decimals = decimalsOf(unit);
  const match = /^(\d{1,15})(?:\.(\d{1,3}))?$/.exec(text);
  const whole = match?.[1];
  const fraction = match?.[2] ?? '';
  if (whole === undefined || fraction.length > decimals || whole.length > DIGITS_MAX - decimals) {
    throw new Refusal('amount.invalid');
  }
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

/** Minor units to the wire form, always with all decimals: `100050n` KZT is `"1000.50"`. */
export function formatAmount(minor: bigint, unit: LedgerUnit): string {
  const decimals = decimalsOf(unit);
  if (decimals === 0) return minor.toString();
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(decimals + 1, '0');
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
