import { decodeGsm7, encodeGsm7 } from '../../base/gsm7.ts';
import type { UssdString } from './component.ts';

/** 3GPP TS 23.038, 5: seven bits, language unspecified; and sixteen. */
const GSM7 = 0x0f;
const UCS2 = 0x48;
const CR = 0x0d;
const SEPTET_BITS = 7;

/** In seven bits a character where they suffice, else in sixteen. Whether it fits the network is for its maker to know. */
export function encodeText(text: string): UssdString {
  const septets = encodeGsm7(text);
  if (septets) return { dcs: GSM7, octets: packSeptets(septets) };
  const octets = new Uint8Array(text.length * 2);
  const view = new DataView(octets.buffer);
  for (let at = 0; at < text.length; at += 1) view.setUint16(at * 2, text.charCodeAt(at));
  return { dcs: UCS2, octets };
}

/** Undefined for a scheme whose octets are no text, or not one that can be read here. */
export function decodeText({ dcs, octets }: UssdString): string | undefined {
  const coding = codingOf(dcs);
  if (!coding) return undefined;
  if (coding.alphabet === 'gsm7') return decodeGsm7(unpackSeptets(octets)).slice(coding.language);
  return decodeUcs2(octets.subarray(coding.language));
}

/** An alphabet, and how many characters (of seven bits) or octets (of sixteen) name a language before the text begins. */
type Coding = { readonly alphabet: 'gsm7' | 'ucs2'; readonly language: number };

/** 3GPP TS 23.038, 5: the cell broadcast scheme, which USSD shares. */
function codingOf(dcs: number): Coding | undefined {
  if (dcs === 0x10) return { alphabet: 'gsm7', language: 3 };
  if (dcs === 0x11) return { alphabet: 'ucs2', language: 2 };
  const group = dcs >> 4;
  if (group <= 0x3) return { alphabet: 'gsm7', language: 0 };
  if (group === 0x4 || group === 0x5) return generalCoding((dcs >> 2) & 0x3);
  if (group === 0xf) return (dcs & 0x4) === 0 ? { alphabet: 'gsm7', language: 0 } : undefined;
  // Compressed, with a header of user data, or reserved.
  return undefined;
}

function generalCoding(alphabet: number): Coding | undefined {
  if (alphabet === 0) return { alphabet: 'gsm7', language: 0 };
  return alphabet === 2 ? { alphabet: 'ucs2', language: 0 } : undefined;
}

function decodeUcs2(octets: Uint8Array): string {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  let text = '';
  for (let at = 0; at + 1 < octets.length; at += 2) text += String.fromCharCode(view.getUint16(at));
  return text;
}

/**
 * Septets as one stream of bits, least significant first (3GPP TS 23.038, 6.1.2.3). Where seven bits are left over they would read as
 * an @, so a carriage return fills them; a text that itself ends in one at the end of an octet gets another.
 */
export function packSeptets(septets: Uint8Array): Uint8Array {
  const left = septets.length % 8;
  const isFull = left === 0 && septets.at(-1) === CR;
  const padded = left === SEPTET_BITS || isFull ? Uint8Array.of(...septets, CR) : septets;
  const octets = new Uint8Array(Math.ceil((padded.length * SEPTET_BITS) / 8));
  for (const [index, septet] of padded.entries()) {
    const bit = index * SEPTET_BITS;
    const at = bit >> 3;
    const shifted = septet << (bit & 7);
    octets[at] = (octets[at] ?? 0) | (shifted & 0xff);
    if (shifted > 0xff) octets[at + 1] = shifted >> 8;
  }
  return octets;
}

export function unpackSeptets(octets: Uint8Array): Uint8Array {
  const count = Math.floor((octets.length * 8) / SEPTET_BITS);
  const septets = new Uint8Array(count);
  for (let index = 0; index < count; index += 1) {
    const bit = index * SEPTET_BITS;
    const at = bit >> 3;
    const pair = (octets[at] ?? 0) | ((octets[at + 1] ?? 0) << 8);
    septets[index] = (pair >> (bit & 7)) & 0x7f;
  }
  // A return that ends on an octet only fills it.
  const isFiller = count > 0 && count % 8 === 0 && septets.at(-1) === CR;
  return isFiller ? septets.subarray(0, -1) : septets;
}
