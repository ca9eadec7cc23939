import { type MessageFields, numberOf, octet, type Tlv, tags, tlvOf, twoOctets } from '../../wire/smpp/index.ts';

/** Operations of a USSD dialogue over SMPP (3GPP TS 22.090 in the words of SMPP 3.4, 5.3.2.44). */
export const operations = { begin: 1, request: 2, response: 17, answer: 18, abort: 0x81 } as const;

/**
 * How gateways differ. Where a dialogue is named: in `its_session_info` (with or without the number of the step in it), in
 * `user_message_reference`, or nowhere but by who dials. And which operation carries the last screen.
 */
type Dialect = {
  readonly session: 'steps' | 'name' | 'reference' | 'number';
  readonly finalOperation: number;
};

const dialects = {
  default: { session: 'steps', finalOperation: operations.response },
  /** Every screen is a request; the end is told by the last bit of the session alone. */
  tata: { session: 'name', finalOperation: operations.request },
  /** 17 again, though written in hexadecimal. */
  '6d': { session: 'name', finalOperation: 0x17 },
  mica: { session: 'reference', finalOperation: operations.response },
  huawei: { session: 'number', finalOperation: operations.response },
} as const satisfies Record<string, Dialect>;

export type DialectName = keyof typeof dialects;

export const dialectNames = Object.keys(dialects) as readonly DialectName[];

const END = 0x01;
const OPERATION = 1;

/** What a message says of its dialogue. `step` names it, where the gateway numbers steps. */
export type UssdPart = {
  readonly operation: number | undefined;
  /** Within its sender. */
  readonly session: string;
  readonly step: string | undefined;
  readonly isOver: boolean;
};

/** Whether a message belongs to a dialogue at all; others are text messages and receipts. */
export function isUssd({ serviceType, tlvs }: Pick<MessageFields, 'serviceType' | 'tlvs'>): boolean {
  return (
    serviceType.toUpperCase() === 'USSD' ||
    tlvOf(tlvs, tags.ussdServiceOp) !== undefined ||
    tlvOf(tlvs, tags.itsSessionInfo) !== undefined
  );
}

export function readPartOfDialogue(tlvs: readonly Tlv[], name: DialectName): UssdPart {
  const operation = numberOf(tlvs, tags.ussdServiceOp, OPERATION);
  const info = numberOf(tlvs, tags.itsSessionInfo, 2);
  const reference = numberOf(tlvs, tags.userMessageReference, 2);
  const isOver = operation === operations.abort || ((info ?? 0) & END) !== 0;
  const nameless = { operation, session: '', step: undefined, isOver };
  switch (dialects[name].session) {
    case 'steps':
      if (info === undefined) return nameless;
      return { ...nameless, session: hex(info >> 8), step: hex(info) };
    case 'name':
      return info === undefined ? nameless : { ...nameless, session: hex(info & ~END) };
    case 'reference':
      return reference === undefined ? nameless : { ...nameless, session: hex(reference) };
    case 'number':
      return nameless;
  }
}

/** The parameters of a screen that answers this message. */
export function partOfReply(tlvs: readonly Tlv[], { dialect, end }: { dialect: DialectName; end: boolean }): Tlv[] {
  const operation = end ? dialects[dialect].finalOperation : operations.request;
  const info = numberOf(tlvs, tags.itsSessionInfo, 2);
  const reference = numberOf(tlvs, tags.userMessageReference, 2);
  const parts = [octet(tags.ussdServiceOp, operation)];
  if (info !== undefined) parts.push(twoOctets(tags.itsSessionInfo, (info & ~END) | (end ? END : 0)));
  if (dialects[dialect].session === 'reference' && reference !== undefined)
    parts.push(twoOctets(tags.userMessageReference, reference));
  return parts;
}

function hex(value: number): string {
  return value.toString(16);
}
