/** 3GPP TS 23.038: seven bits a character, or sixteen for the whole text as soon as one character asks for it. */
export type Alphabet = 'gsm7' | 'ucs2';

/** Room for one text, in characters of each alphabet. */
export type UssdLimit = { readonly gsm7: number; readonly ucs2: number };

/** TS 23.038, 6.2.1: the default alphabet. */
const basic = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
);
/** TS 23.038, 6.2.1.1: the extension table; an escape goes before each, so it takes two places. */
const extended = new Set('\f^{}\\[~]|€');

/** The alphabet a text needs and the places it takes there; in UCS-2 a character outside the basic plane takes two. */
export function ussdLength(text: string): { alphabet: Alphabet; length: number } {
  let length = 0;
  for (const character of text) {
    if (basic.has(character)) length += 1;
    else if (extended.has(character)) length += 2;
    else return { alphabet: 'ucs2', length: text.length };
  }
  return { alphabet: 'gsm7', length };
}

export function fitsUssd(text: string, limit: UssdLimit): boolean {
  const { alphabet, length } = ussdLength(text);
  return length <= limit[alphabet];
}
