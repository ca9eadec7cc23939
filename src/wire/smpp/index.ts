/**
 * SMPP 3.4: the protocol of SMS centres, for short messages and for USSD. The codec is pure, and what is sent is read again as it was;
 * `Esme` keeps one bind up.
 */
export {
  type Delivered,
  Esme,
  type EsmeHooks,
  type EsmeOptions,
  type EsmeState,
  type EsmeStatus,
  type EsmeTimings,
  type Verdict,
} from './esme.ts';
export { FrameReader } from './frames.ts';
export type { TlsSettings } from './link.ts';
export { type Part, type PartOfText, partHeader, partTlvs, readPart, splitText, UDH, type Unheaded } from './parts.ts';
export {
  type Address,
  type Body,
  type Broken,
  decodePdu,
  encodePdu,
  isBroken,
  type MessageFields,
  message,
  type Pdu,
  refusalOf,
} from './pdu.ts';
export type { Patience, Submission } from './queue.ts';
export { isTemporary, statuses, statusName } from './status.ts';
export {
  carry,
  type DefaultAlphabet,
  decodeText,
  type EncodedText,
  encodeText,
  octetsOf,
  type TextCoding,
  usualCoding,
} from './text.ts';
export { numberOf, octet, type Tlv, tags, tlvOf, twoOctets } from './tlv.ts';
export { describe } from './trace.ts';
