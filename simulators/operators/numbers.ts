/** Any common way to write a Kazakh mobile number, to its eleven digits; undefined where it is none. */
export function numberOf(text: string): string | undefined {
  const digits = text.replace(/^\+/, '');
  if (!/^\d{10,11}$/.test(digits)) return undefined;
  const national = digits.length === 10 ? digits : /^[78]/.test(digits) ? digits.slice(1) : '';
  return national.startsWith('7') ? `7${national}` : undefined;
}

/** Decimal text to two decimals: `500` and `500.5` to `500.00` and `500.50`. */
export function amountOf(text: string): string | undefined {
  const match = /^(\d{1,9})(?:\.(\d{1,2})0*)?$/.exec(text);
  return match ? `${BigInt(match[1] ?? '0')}.${(match[2] ?? '').padEnd(2, '0')}` : undefined;
}

/** What every operator here takes at once, in tenge. */
export const AMOUNT_MIN = 100;
export const AMOUNT_MAX = 50_000;

/** `small` and `large` are outside of what is taken. */
export function rangeOf(amount: string): 'small' | 'large' | 'within' {
  const tenge = Number(amount);
  if (tenge < AMOUNT_MIN) return 'small';
  return tenge > AMOUNT_MAX ? 'large' : 'within';
}

/** Operators of the demo under the numbers they have on each wire. The numbers are invented. */
export const operators = [
  { id: 'kcell', name: 'Kcell', dtone: 2101, product: 6004, reloadly: 601, prefixes: ['701', '702', '775', '778'] },
  {
    id: 'beeline',
    name: 'Beeline',
    dtone: 2102,
    product: 6005,
    reloadly: 602,
    prefixes: ['705', '771', '776', '777', '706'],
  },
  { id: 'tele2', name: 'Tele2', dtone: 2103, product: 6006, reloadly: 603, prefixes: ['707', '747', '700', '708'] },
] as const;

export type SimulatedOperator = (typeof operators)[number];
