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

const DIGITS_MAX = 15;

/**
 * Decimal text to minor units: `"1000"`, `"1000.5"`, `"1000.50"`. Plain digits and one dot only; no sign, exponent,
 * grouping or more decimals than the unit has. Refuses with `amount.invalid`.
 */
export function parseAmount(text: string, unit: Unit): bigint {
  const { decimals } = units[unit];
  const match = /^(\d{1,15})(?:\.(\d{1,3}))?$/.exec(text);
  const whole = match?.[1];
  const fraction = match?.[2] ?? '';
  if (whole === undefined || fraction.length > decimals || whole.length > DIGITS_MAX - decimals) {
    throw new Refusal('amount.invalid');
  }
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

/** Minor units to the wire form, always with all decimals: `100050n` KZT is `"1000.50"`. */
export function formatAmount(minor: bigint, unit: Unit): string {
  const { decimals } = units[unit];
  if (decimals === 0) return minor.toString();
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(decimals + 1, '0');
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}
