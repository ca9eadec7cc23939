import { Refusal, type RefusalCode } from './refusal.ts';

/** A Kazakh mobile number we serve, as the 11 digits of E.164 without '+': `77011234567`. Only `parseMsisdn` makes one. */
export type Msisdn = string & { readonly msisdn: unique symbol };

/** The longest tidy form is 20 characters; 64 leaves room for stray marks and bounds the work a caller can ask for. */
const TEXT_LENGTH_MAX = 64;

/**
 * Any way a person or a program writes a Kazakh number, or a `Refusal` that says what kind of number it is instead.
 * The numbering plan is that of ITU-T E.164 code +7 as libphonenumber publishes it. Never throws anything but a
 * `Refusal`, and never puts the number into it.
 */
export function parseMsisdn(text: string): Msisdn {
  // The API's own form comes by the ten thousand a second: it is decided by character codes, without a copy.
  const national = isBare(text) ? text : `7${nationalOf(text)}`;
  const kind = plan[prefixNumber(national)] ?? 'msisdn.invalid';
  if (kind !== 'served') throw new Refusal(kind);
  return national as Msisdn;
}

/** Grouped 3-3-4 for reading back: `+7 701 123 4567`. */
export function formatMsisdn(msisdn: Msisdn): string {
  return `+7 ${msisdn.slice(1, 4)} ${msisdn.slice(4, 7)} ${msisdn.slice(7)}`;
}

/** For receipts and screens that others may see: `+7 701 ••• 45 67`. */
export function maskMsisdn(msisdn: Msisdn): string {
  return `+7 ${msisdn.slice(1, 4)} ••• ${msisdn.slice(7, 9)} ${msisdn.slice(9)}`;
}

/** The three digits that once named the operator, `701`; since portability (2016) they are only a hint. */
export function prefixOf(msisdn: Msisdn): string {
  return msisdn.slice(1, 4);
}

type Kind = 'served' | RefusalCode;

const served = new Set([700, 701, 702, 705, 706, 707, 708, 747, 771, 775, 776, 777, 778]);
/** Mobile by the plan, but satellite (Kulan, 760-764) and Darkhan Telecom (785): nobody here can credit them. */
const unserved = new Set([760, 761, 762, 763, 764, 785]);

function kindOf(prefix: number): Kind {
  if (served.has(prefix)) return 'served';
  if (unserved.has(prefix)) return 'msisdn.not_served';
  if (prefix >= 710 && prefix <= 729) return 'msisdn.landline';
  // Russia's share of +7: 3xx, 4xx and 81x-89x by place, 9xx mobile. 80x is toll-free and premium in both countries.
  if ((prefix >= 300 && prefix <= 499) || prefix >= 810) return 'msisdn.russian';
  return 'msisdn.invalid';
}

/** One lookup a number: every prefix decided once at start. */
const plan: readonly Kind[] = Array.from({ length: 1000 }, (_, prefix) => kindOf(prefix));

const ZERO = 48;
const SEVEN = 55;

function isBare(text: string): boolean {
  if (text.length !== 11 || text.charCodeAt(0) !== SEVEN || text.charCodeAt(1) !== SEVEN) return false;
  for (let at = 2; at < 11; at += 1) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return false;
  }
  return true;
}

function prefixNumber(msisdn: string): number {
  return (msisdn.charCodeAt(1) - ZERO) * 100 + (msisdn.charCodeAt(2) - ZERO) * 10 + (msisdn.charCodeAt(3) - ZERO);
}

/** The ten digits after +7, of whichever country shares that code. */
function nationalOf(text: string): string {
  if (text.length > TEXT_LENGTH_MAX) throw new Refusal('msisdn.invalid');
  const { digits, plus } = dialled(text);
  if (plus) return afterInternationalPrefix(digits);
  if (digits.startsWith('00')) return afterInternationalPrefix(digits.slice(2));
  // Kazakhstan's own international prefix is 8~10. With 11 digits or fewer it is a mistyped national number instead.
  if (digits.startsWith('810') && digits.length > 11) return afterInternationalPrefix(digits.slice(3));
  if (digits.length === 10 && (digits.startsWith('7') || digits.startsWith('9'))) return digits;
  if (digits.length === 11 && digits.startsWith('8')) return digits.slice(1);
  if (digits.startsWith('7')) return afterCountryCode(digits);
  throw new Refusal(looksForeign(digits) ? 'msisdn.foreign' : 'msisdn.invalid');
}

function afterInternationalPrefix(digits: string): string {
  if (digits.startsWith('7')) return afterCountryCode(digits);
  // '+8 701…' is the national form with a plus too many. Read as E.164 it would be a satellite phone (+870).
  const slip = digits.length === 11 && digits.startsWith('87');
  const foreign = !slip && digits.length >= 7 && digits.length <= 15 && !digits.startsWith('0');
  throw new Refusal(foreign ? 'msisdn.foreign' : 'msisdn.invalid');
}

/** Ten digits after the 7, or the trunk prefix 8 left standing between them: `+7 8 701…`, which libphonenumber reads too. */
function afterCountryCode(digits: string): string {
  if (digits.length === 11) return digits.slice(1);
  if (digits.length === 12 && digits.startsWith('78')) return digits.slice(2);
  throw new Refusal('msisdn.invalid');
}

/**
 * Without '+' a country code is a guess, made only to choose the better words: the traveller's own number (`86 138…`,
 * or `138…` as written in China) is told apart from a slip of the finger.
 */
function looksForeign(digits: string): boolean {
  if (digits.startsWith('8')) return digits.length === 13 && digits.startsWith('861');
  return digits.length >= 11 && digits.length <= 15 && !digits.startsWith('0');
}

/** Spaces of every kind, dashes, brackets, invisible marks, and the dots, slashes and tildes people put between groups. */
const between =
  /[\s\p{Pd}\p{Ps}\p{Pe}\p{Cf}./\\~\u00B7\u2022\u2027\u2044\u2212\u223C\u3002\u30FB\u30FC\uFF0E\uFF0F\uFF5E\uFF61]+/gu;
const scheme = /^tel:/i;
const plusSign = /^[+\uFE62\uFF0B]/;

function dialled(text: string): { digits: string; plus: boolean } {
  const written = text.replace(between, '').replace(scheme, '');
  const plus = plusSign.test(written);
  let digits = '';
  for (let at = plus ? 1 : 0; at < written.length; at += 1) digits += digitOf(written.charCodeAt(at));
  return { digits, plus };
}

/** Zeros of the digit sets that phone keyboards produce: ASCII, Arabic-Indic, Persian, full-width (Chinese input). */
const zeros = [ZERO, 0x0660, 0x06f0, 0xff10];

function digitOf(code: number): number {
  for (const zero of zeros) if (code >= zero && code <= zero + 9) return code - zero;
  throw new Refusal('msisdn.invalid');
}
