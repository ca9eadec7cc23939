import { parsePhoneNumberFromString } from 'libphonenumber-js/mobile';

/** A Kazakh mobile number as E.164 digits without +, or what is wrong with it. */
export type NumberRead =
  | { readonly kind: 'mobile'; readonly msisdn: string }
  | { readonly kind: 'invalid' | 'russian' | 'foreign' | 'landline' };

/** Reads a number however people write it: `8 701…`, `701…`, `+7 (701)…`, with full-width digits, with any spaces. */
export function readNumber(typed: string): NumberRead {
  const found = parsePhoneNumberFromString(typed, { defaultCountry: 'KZ', extract: false });
  // The mobile tables do not know landlines: Kazakhstan's begin with 71 and 72.
  if (found?.country === 'KZ' && /^7[12]\d{8}$/.test(found.nationalNumber)) return { kind: 'landline' };
  if (!found?.isValid()) return { kind: 'invalid' };
  if (found.country === 'RU') return { kind: 'russian' };
  return found.country === 'KZ' ? { kind: 'mobile', msisdn: found.number.slice(1) } : { kind: 'foreign' };
}

/** Grouped 3-3-4 for reading back: `+7 701 123 4567`. */
export function formatNumber(msisdn: string): string {
  return `+7 ${msisdn.slice(1, 4)} ${msisdn.slice(4, 7)} ${msisdn.slice(7)}`;
}
