/** Decimals by ISO 4217 where they are not two. Not Intl's: it follows what is in use, which differs for HUF, IDR and others. */
const decimals = new Map<string, number>([
  ...[
    'BIF',
    'CLP',
    'DJF',
    'GNF',
    'ISK',
    'JPY',
    'KMF',
    'KRW',
    'PYG',
    'RWF',
    'UGX',
    'VND',
    'VUV',
    'XAF',
    'XOF',
    'XPF',
  ].map((code): [string, number] => [code, 0]),
  ...['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'].map((code): [string, number] => [code, 3]),
]);
const USUAL = 2;

export function decimalsOf(currency: string): number {
  return decimals.get(currency) ?? USUAL;
}

/** `USD`, from however a report writes it; undefined where it is no code of a currency. */
export function parseCurrency(text: string): string | undefined {
  const code = text.trim().toUpperCase();
  return /^[A-Z]{3}$/.test(code) ? code : undefined;
}

const DIGITS_MAX = 15;
const spaces = /[\s'\u00a0\u202f]/g;
const minus = /^[-\u2212\u2013]/;

/**
 * An amount as people and programs write it: `1234.5`, `1,234.50`, `1.234,50`, `1 234,50`, `-12`, `500.0000`. Digits beyond the currency's
 * decimals must be zeros. Undefined where it cannot be read in one way only, as `1,234` of a currency with decimals.
 */
export function parseMinor(text: string, currency: string): bigint | undefined {
  const written = text.replace(spaces, '');
  const places = decimalsOf(currency);
  const split = splitDecimal(written.replace(minus, '').replace(/^\+/, ''), places);
  if (split === undefined) return undefined;
  const { whole, fraction } = split;
  if (!/^0*$/.test(fraction.slice(places)) || whole.length + places > DIGITS_MAX) return undefined;
  const minor = BigInt(whole + fraction.slice(0, places).padEnd(places, '0'));
  return minus.test(written) ? -minor : minor;
}

function splitDecimal(text: string, places: number): { whole: string; fraction: string } | undefined {
  const plain = /^(\d+)(?:([.,])(\d+))?$/.exec(text);
  if (plain) {
    const [, whole = '', point, fraction = ''] = plain;
    const isLikeGroup = point !== undefined && fraction.length === 3;
    if (!isLikeGroup) return { whole, fraction };
    // `1,234` yen is grouped, since yen have no decimals. `500.000` is how programs write a fraction; `500,000` may be either.
    if (places === 0) return { whole: whole + fraction, fraction: '' };
    return point === '.' ? { whole, fraction } : undefined;
  }
  const grouped = /^(\d{1,3}(?:([.,])\d{3})(?:\2\d{3})*)(?:([.,])(\d+))?$/.exec(text);
  const [, digits = '', group, point, fraction = ''] = grouped ?? [];
  return grouped === null || group === point ? undefined : { whole: digits.replace(/[.,]/g, ''), fraction };
}

/** Minor units as decimal text: `1234.50`. */
export function minorText(minor: bigint, currency: string): string {
  const places = decimalsOf(currency);
  const digits = (minor < 0n ? -minor : minor).toString().padStart(places + 1, '0');
  const sign = minor < 0n ? '-' : '';
  return places === 0 ? sign + digits : `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}
