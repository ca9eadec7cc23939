import { limits } from '../limits.ts';

/** The card's code in the fragment of an address, grouped by four as it is printed; undefined where there is none. */
export function codeInFragment(fragment: string): string | undefined {
  const digits = fragment.replace(/^#/, '').replace(/[\s-]|%20/g, '');
  const isCode =
    /^\d+$/.test(digits) && digits.length >= limits.cardPinDigitsMin && digits.length <= limits.cardPinDigitsMax;
  return isCode ? digits.replace(/\d{4}(?=\d)/g, '$& ') : undefined;
}
