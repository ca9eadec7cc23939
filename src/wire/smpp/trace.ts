import { withoutDigits } from '../../base/masked.ts';
import { readPart } from './parts.ts';
import type { Pdu } from './pdu.ts';
import { statuses, statusName } from './status.ts';
import { decodeText, type TextCoding } from './text.ts';
import { type Tlv, tags } from './tlv.ts';

/** Parameters that name a dialogue and a step, and nobody: the values of all others stay out of a trace. */
const shown = new Map<number, string>([
  [tags.ussdServiceOp, 'op'],
  [tags.itsSessionInfo, 'session'],
  [tags.userMessageReference, 'reference'],
  [tags.messageState, 'state'],
]);

/**
 * One PDU as a line for whoever looks for a fault at a gateway: what it is, which dialogue, which text. Passwords are left out, and so is every
 * run of digits that could be a number or a part of a card's code.
 */
export function describe(pdu: Pdu, coding?: TextCoding): string {
  const words = [pdu.command, `seq=${pdu.sequence}`];
  if (pdu.status !== statuses.ok) words.push(`status=${statusName(pdu.status)}`);
  return [...words, ...details(pdu, coding)].join(' ');
}

function details(pdu: Pdu, coding: TextCoding | undefined): string[] {
  switch (pdu.command) {
    case 'bind_receiver':
    case 'bind_transmitter':
    case 'bind_transceiver':
      return [`system_id=${pdu.systemId}`];
    case 'submit_sm':
    case 'deliver_sm':
    case 'data_sm':
      return [
        `from=${withoutDigits(pdu.source.address)}`,
        `to=${withoutDigits(pdu.destination.address)}`,
        `esm=0x${pdu.esmClass.toString(16)}`,
        `coding=0x${pdu.dataCoding.toString(16)}`,
        ...pdu.tlvs.map(tlvText),
        textOf(pdu, coding),
      ];
    case 'submit_sm_resp':
    case 'data_sm_resp':
      return pdu.messageId === undefined ? [] : [`id=${pdu.messageId}`];
    default:
      return [];
  }
}

function tlvText({ tag, value }: Tlv): string {
  const name = shown.get(tag);
  if (name !== undefined && value.length <= 4) return `${name}=${Buffer.from(value).toString('hex')}`;
  return `tlv 0x${tag.toString(16).padStart(4, '0')}(${value.length})`;
}

function textOf(
  fields: {
    readonly esmClass: number;
    readonly dataCoding: number;
    readonly message?: Uint8Array;
    readonly tlvs: readonly Tlv[];
  },
  coding: TextCoding | undefined,
): string {
  const { octets } = readPart(fields);
  const text = decodeText(octets, fields.dataCoding, coding);
  return text === undefined ? `octets(${octets.length})` : JSON.stringify(withoutDigits(text));
}
