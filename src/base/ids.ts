import { hash } from 'node:crypto';

/** A UUID in text form, lower case. */
export type Uuid = string & { readonly uuid: unique symbol };

/**
 * The identity of an event, derived from who asks and the key they chose: the same question always has the same id, so
 * the ledger's own unique key decides every race. UUID version 8 (RFC 9562) over SHA-256 of the length-prefixed parts.
 */
export function eventId(...parts: readonly string[]): Uuid {
  let text = '';
  for (const part of parts) text += `${part.length}:${part}`;
  const digest = hash('sha256', text, 'hex');
  return uuidOf(
    `${digest.slice(0, 12)}8${digest.slice(13, 16)}${variant(digest.charCodeAt(16))}${digest.slice(17, 32)}`,
  );
}

const variant = (code: number): string => '89ab'[code & 3] ?? '8';

/** 32 hex digits to the dashed form. */
export function uuidOf(hex: string): Uuid {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}` as Uuid;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function parseUuid(text: string): Uuid | undefined {
  const lower = text.toLowerCase();
  return UUID.test(lower) ? (lower as Uuid) : undefined;
}

/** Crockford's base 32: no I, L, O, U, so a reference survives being read out and written down. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * What a person quotes: 12 characters in groups of 4, the first 60 random bits of the event id. It needs no column of
 * its own: the bits are the id's prefix, so a reference is looked up as a range of ids.
 */
export function referenceOf(id: Uuid): string {
  return `${group(id.slice(0, 5))}-${group(id.slice(5, 8) + id.slice(9, 11))}-${group(id.slice(11, 13) + id.slice(15, 18))}`;
}

/** Five hex digits are twenty bits are four characters. */
function group(hex: string): string {
  const bits = Number.parseInt(hex, 16);
  return `${ALPHABET[bits >> 15]}${ALPHABET[(bits >> 10) & 31]}${ALPHABET[(bits >> 5) & 31]}${ALPHABET[bits & 31]}`;
}

/** The range of event ids a reference may stand for, or undefined when the text is no reference. O, I and L are read as 0 and 1. */
export function idsOfReference(reference: string): { from: Uuid; to: Uuid } | undefined {
  const text = reference.toUpperCase().replace(/[\s-]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
  if (text.length !== 12) return undefined;
  let bits = 0n;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return undefined;
    bits = (bits << 5n) | BigInt(value);
  }
  const hex = bits.toString(16).padStart(15, '0');
  const head = `${hex.slice(0, 12)}8${hex.slice(12, 15)}`;
  return { from: uuidOf(`${head}${'0'.repeat(16)}`), to: uuidOf(`${head}${'f'.repeat(16)}`) };
}
