import { concat } from './ipa.ts';

/** Generic Subscriber Update Protocol: what an Osmocom HLR speaks. Here the messages that carry supplementary services. */
const types = { request: 0x20, error: 0x21, result: 0x22 } as const;
export type GsupType = keyof typeof types;

const states = { begin: 1, continue: 2, end: 3 } as const;
export type SessionState = keyof typeof states;

const tags = {
  imsi: 0x01,
  cause: 0x02,
  sessionId: 0x30,
  sessionState: 0x31,
  ss: 0x35,
  sourceName: 0x60,
  destinationName: 0x61,
} as const;

/** 3GPP TS 24.008, 10.5.5.14: invalid mandatory information. */
export const INVALID_MANDATORY = 0x60;

export type GsupMessage = {
  readonly type: GsupType;
  readonly imsi: string;
  /** Chosen by whoever begins; unique for one IMSI alone. */
  readonly session: number;
  readonly state: SessionState;
  /** A MAP component, see component.ts; a message that only ends a session has none. */
  readonly ss?: Uint8Array;
  readonly cause?: number;
};

const TYPE_OCTETS = 1;
const IMSI = /^\d{6,15}$/;
const SESSION_OCTETS = 4;

export function encodeGsup({ type, imsi, session, state, ss, cause }: GsupMessage): Uint8Array {
  if (!IMSI.test(imsi)) throw new RangeError('an IMSI has 6 to 15 digits');
  const id = new Uint8Array(SESSION_OCTETS);
  new DataView(id.buffer).setUint32(0, session);
  return concat(
    Uint8Array.of(types[type]),
    element(tags.imsi, encodeDigits(imsi)),
    ...(cause === undefined ? [] : [element(tags.cause, Uint8Array.of(cause))]),
    element(tags.sessionId, id),
    element(tags.sessionState, Uint8Array.of(states[state])),
    ...(ss ? [element(tags.ss, ss)] : []),
  );
}

function element(tag: number, value: Uint8Array): Uint8Array {
  if (value.length > 0xff) throw new RangeError('an information element holds at most 255 octets');
  return concat(Uint8Array.of(tag, value.length), value);
}

/** Nobody's: no country has the code 000. */
const NOBODY = '000000';

/**
 * A message to ourselves, which the HLR passes on to whoever has our name. An HLR that does not pass messages on takes it for the end
 * of a session that it does not know.
 */
export function encodeToOurselves(name: string, session: number): Uint8Array {
  const address = new TextEncoder().encode(`${name}\0`);
  return concat(
    encodeGsup({ type: 'error', imsi: NOBODY, session, state: 'end' }),
    element(tags.sourceName, address),
    element(tags.destinationName, address),
  );
}

/** Undefined for what is no whole message about a session. Elements it does not know are passed over. */
export function decodeGsup(octets: Uint8Array): GsupMessage | undefined {
  const type = keyOf(types, octets[0]);
  const elements = elementsOf(octets);
  if (!type || !elements) return undefined;
  const imsi = decodeDigits(elements.get(tags.imsi));
  const session = elements.get(tags.sessionId);
  const state = keyOf(states, only(elements.get(tags.sessionState)));
  if (imsi === undefined || session?.length !== SESSION_OCTETS || !state) return undefined;
  const ss = elements.get(tags.ss);
  const cause = only(elements.get(tags.cause));
  return {
    type,
    imsi,
    session: new DataView(session.buffer, session.byteOffset).getUint32(0),
    state,
    ...(ss ? { ss } : {}),
    ...(cause === undefined ? {} : { cause }),
  };
}

/** By tag, the first of each; undefined when one reaches beyond the end. */
function elementsOf(octets: Uint8Array): Map<number, Uint8Array> | undefined {
  const found = new Map<number, Uint8Array>();
  let at = TYPE_OCTETS;
  while (at < octets.length) {
    const [tag, length] = [octets[at], octets[at + 1]];
    if (tag === undefined || length === undefined || at + 2 + length > octets.length) return undefined;
    if (!found.has(tag)) found.set(tag, octets.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}

function keyOf<K extends string>(table: Readonly<Record<K, number>>, value: number | undefined): K | undefined {
  for (const key in table) if (table[key] === value) return key;
  return undefined;
}

function only(value: Uint8Array | undefined): number | undefined {
  return value?.length === 1 ? value[0] : undefined;
}

const FILLER = 0xf;

/** Two digits an octet, the first in its low half; a filler completes an odd count (3GPP TS 29.002, TBCD-STRING). */
function encodeDigits(digits: string): Uint8Array {
  const octets = new Uint8Array(Math.ceil(digits.length / 2)).fill((FILLER << 4) | FILLER);
  for (let at = 0; at < digits.length; at += 1) {
    const digit = digits.charCodeAt(at) - 48;
    const before = octets[at >> 1] ?? 0;
    octets[at >> 1] = at % 2 === 0 ? (before & 0xf0) | digit : (before & 0x0f) | (digit << 4);
  }
  return octets;
}

function decodeDigits(octets: Uint8Array | undefined): string | undefined {
  if (!octets) return undefined;
  let digits = '';
  for (const [at, octet] of octets.entries()) {
    const isLast = at === octets.length - 1;
    const [low, high] = [octet & 0x0f, octet >> 4];
    if (low > 9 || (high > 9 && !(isLast && high === FILLER))) return undefined;
    digits += high === FILLER ? `${low}` : `${low}${high}`;
  }
  return IMSI.test(digits) ? digits : undefined;
}
