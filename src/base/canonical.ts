import { assert } from './assert.ts';

/** What can be hashed and signed. No fractions, whose text differs between programs: amounts and ids travel as text. */
export type Canonical =
  | string
  | number
  | boolean
  | null
  | readonly Canonical[]
  | { readonly [name: string]: Canonical };

/** One text for one value, whoever writes it: JSON without spaces, names sorted by UTF-16 code units (RFC 8785 for these types). */
export function canonicalJson(value: Canonical): string {
  if (value === null || typeof value !== 'object') {
    assert(typeof value !== 'number' || Number.isSafeInteger(value), 'a canonical number is a whole one');
    return JSON.stringify(value);
  }
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`).join(',')}}`;
}

function isList(value: object): value is readonly Canonical[] {
  return Array.isArray(value);
}
