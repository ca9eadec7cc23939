import { never } from '../../base/assert.ts';
import { decodeGsm7, encodeGsm7 } from '../../base/gsm7.ts';
import { type MessageFields, SHORT_MESSAGE_MAX } from './pdu.ts';
import { type Tlv, tags, tlvOf } from './tlv.ts';

/** What data_coding 0 stands for at a gateway: the protocol leaves it to each SMSC. */
export type DefaultAlphabet = 'gsm7' | 'latin1' | 'ascii';

/** How texts are written for one gateway. Some take the numbers of the mobile network (0x0f, 0x48) in the place of SMPP's. */
export type TextCoding = {
  readonly alphabet: DefaultAlphabet;
  readonly plainCoding: number;
  readonly ucs2Coding: number;
};

export const usualCoding: TextCoding = { alphabet: 'gsm7', plainCoding: 0x00, ucs2Coding: 0x08 };

export type EncodedText = { readonly dataCoding: number; readonly octets: Uint8Array; readonly isUcs2: boolean };

/** In the gateway's own alphabet where all of the text is in it, else in UCS-2. */
export function encodeText(text: string, coding: TextCoding = usualCoding): EncodedText {
  const plain = plainOctets(text, coding.alphabet);
  return plain
    ? { dataCoding: coding.plainCoding, octets: plain, isUcs2: false }
    : { dataCoding: coding.ucs2Coding, octets: ucs2Octets(text), isUcs2: true };
}

function plainOctets(text: string, alphabet: DefaultAlphabet): Uint8Array | undefined {
  switch (alphabet) {
    case 'gsm7':
      return encodeGsm7(text);
    case 'latin1':
      return /^[\n\r\x20-\x7e\xa0-\xff]*$/.test(text) ? Buffer.from(text, 'latin1') : undefined;
    case 'ascii':
      return /^[\n\r\x20-\x7e]*$/.test(text) ? Buffer.from(text, 'latin1') : undefined;
    default:
      return never(alphabet);
  }
}

function ucs2Octets(text: string): Uint8Array {
  return Buffer.from(text, 'utf16le').swap16();
}

/** The codings of SMPP 3.4, 5.2.19, and those of 3GPP TS 23.038 that gateways pass through. */
const readers = new Map<number, 'gsm7' | 'latin1' | 'ascii' | 'ucs2'>([
  [0x01, 'ascii'],
  [0x03, 'latin1'],
  [0x08, 'ucs2'],
  [0x0f, 'gsm7'],
  [0x40, 'gsm7'],
  [0x48, 'ucs2'],
  [0xf0, 'gsm7'],
  [0xf1, 'gsm7'],
]);

/** Undefined where the octets are not a text: data for a program, or a coding that nobody here knows. */
export function decodeText(
  octets: Uint8Array,
  dataCoding: number,
  coding: TextCoding = usualCoding,
): string | undefined {
  switch (readerOf(dataCoding, coding)) {
    case 'gsm7':
      return decodeGsm7(octets);
    case 'latin1':
    case 'ascii':
      return Buffer.from(octets).toString('latin1');
    case 'ucs2':
      // An octet too many is no character.
      return Buffer.from(octets.subarray(0, octets.length & ~1))
        .swap16()
        .toString('utf16le');
    case undefined:
      return undefined;
  }
}

function readerOf(dataCoding: number, coding: TextCoding): 'gsm7' | 'latin1' | 'ascii' | 'ucs2' | undefined {
  if (dataCoding === coding.ucs2Coding) return 'ucs2';
  if (dataCoding === coding.plainCoding || dataCoding === 0x00) return coding.alphabet;
  return readers.get(dataCoding);
}

/** Where a message's octets stand: in its own field, or in `message_payload`. */
export function octetsOf({
  message,
  tlvs,
}: {
  readonly message?: Uint8Array;
  readonly tlvs: readonly Tlv[];
}): Uint8Array {
  return tlvOf(tlvs, tags.messagePayload) ?? message ?? new Uint8Array();
}

/** The fields that hold these octets: `message_payload` when they are too many for the message's own field, or when the gateway wants it so. */
export function carry(
  octets: Uint8Array,
  payload: 'when_long' | 'always' = 'when_long',
): Pick<MessageFields, 'message' | 'tlvs'> {
  if (payload === 'when_long' && octets.length <= SHORT_MESSAGE_MAX) return { message: octets, tlvs: [] };
  return { message: new Uint8Array(), tlvs: [{ tag: tags.messagePayload, value: octets }] };
}
