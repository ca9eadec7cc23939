import { assert } from '../../base/assert.ts';
import { encodeText, octetsOf, type TextCoding, usualCoding } from './text.ts';
import { numberOf, octet, type Tlv, tags, twoOctets } from './tlv.ts';

/** Bit of esm_class: the message begins with a user data header. */
export const UDH = 0x40;

/** Which part of which long message this is. Parts count from 1; references are reused, so a part belongs to its sender and its time too. */
export type Part = { readonly reference: number; readonly total: number; readonly number: number };

export type PartOfText = { readonly dataCoding: number; readonly octets: Uint8Array };

/** 3GPP TS 23.040: 140 octets, 6 of them for the header where there are several; seven bits a character in the default alphabet. */
const room = { plain: { one: 160, each: 153 }, ucs2: { one: 140, each: 134 } } as const;
const PARTS_MAX = 255;

/** A text as one message, or as the parts it takes: no character is cut in two. Undefined where even the most parts do not hold it. */
export function splitText(text: string, coding: TextCoding = usualCoding): readonly PartOfText[] | undefined {
  const whole = encodeText(text, coding);
  const { one, each } = whole.isUcs2 ? room.ucs2 : room.plain;
  if (whole.octets.length <= one) return [whole];
  const parts: PartOfText[] = [];
  let octets: number[] = [];
  const close = (): void => {
    parts.push({ dataCoding: whole.dataCoding, octets: Uint8Array.from(octets) });
    octets = [];
  };
  for (const character of text) {
    const next = whole.isUcs2 ? Buffer.from(character, 'utf16le').swap16() : encodeText(character, coding).octets;
    if (octets.length + next.length > each) close();
    octets.push(...next);
  }
  close();
  return parts.length <= PARTS_MAX ? parts : undefined;
}

/** The header of a part with an eight-bit reference, to go before its octets; the message's esm_class says that it is there. */
export function partHeader({ reference, total, number }: Part): Uint8Array {
  assert(number >= 1 && number <= total && total <= PARTS_MAX, 'a part is one of those there are');
  return Uint8Array.of(5, 0x00, 3, reference & 0xff, total, number);
}

/** The same said in parameters of SMPP, for an SMSC that makes the header itself. */
export function partTlvs({ reference, total, number }: Part): readonly Tlv[] {
  assert(number >= 1 && number <= total && total <= PARTS_MAX, 'a part is one of those there are');
  return [twoOctets(tags.sarReference, reference), octet(tags.sarTotal, total), octet(tags.sarPart, number)];
}

export type Unheaded = { readonly octets: Uint8Array; readonly part: Part | undefined };

/** A message's octets without its header, and which part it is. What a header says that makes no sense is not a part. */
export function readPart(fields: {
  readonly esmClass: number;
  readonly message?: Uint8Array;
  readonly tlvs: readonly Tlv[];
}): Unheaded {
  const whole = octetsOf(fields);
  const said = partOfTlvs(fields.tlvs);
  if ((fields.esmClass & UDH) === 0) return { octets: whole, part: said };
  const end = (whole[0] ?? 0) + 1;
  if (end > whole.length) return { octets: whole, part: said };
  return { octets: whole.subarray(end), part: partOfHeader(whole.subarray(1, end)) ?? said };
}

/** Elements 00 (eight-bit reference) and 08 (sixteen bits); others are passed over. */
function partOfHeader(header: Uint8Array): Part | undefined {
  let at = 0;
  while (at + 2 <= header.length) {
    const [element, length = 0] = header.subarray(at, at + 2);
    const value = header.subarray(at + 2, at + 2 + length);
    at += 2 + length;
    if (value.length !== length) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = value;
    if (element === 0x00 && length === 3) return sensible({ reference: a, total: b, number: c });
    if (element === 0x08 && length === 4) return sensible({ reference: a * 256 + b, total: c, number: d });
  }
  return undefined;
}

function partOfTlvs(tlvs: readonly Tlv[]): Part | undefined {
  const reference = numberOf(tlvs, tags.sarReference, 2);
  const total = numberOf(tlvs, tags.sarTotal, 1);
  const number = numberOf(tlvs, tags.sarPart, 1);
  if (reference === undefined || total === undefined || number === undefined) return undefined;
  return sensible({ reference, total, number });
}

function sensible(part: Part): Part | undefined {
  return part.total >= 1 && part.number >= 1 && part.number <= part.total ? part : undefined;
}
