import { gsm7Length } from '../base/gsm7.ts';

/** 3GPP TS 23.038: seven bits a character, or sixteen for the whole text as soon as one character asks for it. */
export type Alphabet = 'gsm7' | 'ucs2';

/** Room for one text, in characters of each alphabet. */
export type UssdLimit = { readonly gsm7: number; readonly ucs2: number };

/** The alphabet a text needs and the places it takes there; in UCS-2 a character outside the basic plane takes two. */
export function ussdLength(text: string): { alphabet: Alphabet; length: number } {
  const length = gsm7Length(text);
  return length === undefined ? { alphabet: 'ucs2', length: text.length } : { alphabet: 'gsm7', length };
}

export function fitsUssd(text: string, limit: UssdLimit): boolean {
  const { alphabet, length } = ussdLength(text);
  return length <= limit[alphabet];
}
