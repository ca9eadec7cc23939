import { limits } from '../../base/limits.ts';
import { type Msisdn, parseMsisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import type { Language } from '../../i18n/index.ts';
import {
  type Address,
  carry,
  type Delivered,
  decodeText,
  type Esme,
  encodeText,
  type MessageFields,
  message,
  numberOf,
  type Part,
  type PartOfText,
  partHeader,
  partTlvs,
  readPart,
  type Submission,
  splitText,
  statusName,
  type TextCoding,
  type Tlv,
  tags,
  tlvOf,
  twoOctets,
  UDH,
  usualCoding,
} from '../../wire/smpp/index.ts';
import type { SmsOutcome, SmsReceipt, SmsRoute, SmsSubmission } from './sms.ts';

/** How the parts of a long text are told to belong together: a header in the text itself, parameters beside it, or one message that the centre splits. */
export const joinings = ['udh', 'sar', 'payload'] as const;
export type Joining = (typeof joinings)[number];

export type SmppSmsSettings = {
  readonly id: string;
  readonly operator: string;
  readonly language: Language;
  /** What the phone shows as the sender. */
  readonly sender: Address;
  readonly serviceType?: string;
  readonly joining?: Joining;
  readonly hasReceipts?: boolean;
  readonly coding?: TextCoding;
  readonly inHandMax: number;
  /** How long a message waits for its turn. */
  readonly waitMs?: number;
};

const RECEIPT_WANTED = 1;
const INTERNATIONAL: Pick<Address, 'ton' | 'npi'> = { ton: 1, npi: 1 };

/** Text messages by a bind to an SMS centre (SMPP 3.4). */
export function smppSmsRoute(esme: Pick<Esme, 'submit' | 'status'>, settings: SmppSmsSettings): SmsRoute {
  const { id, operator, language, inHandMax, hasReceipts = true, waitMs = limits.smsWaitMs } = settings;
  const partsOf = (text: string): readonly PartOfText[] => textParts(text, settings);
  return {
    id,
    operator,
    language,
    hasReceipts,
    inHandMax,
    isOpen: () => esme.status.state === 'bound' || esme.status.state === 'throttled',
    partsOf: (text) => partsOf(text).length,
    async submit(submission) {
      const fields = fieldsOf(submission, { parts: partsOf(submission.text), settings, hasReceipts });
      return outcomeOf(await esme.submit(fields, { waitMs, urgent: false }));
    },
  };
}

function textParts(text: string, { joining = 'udh', coding = usualCoding }: SmppSmsSettings): readonly PartOfText[] {
  const parts = joining === 'payload' ? undefined : splitText(text, coding);
  return parts ?? [encodeText(text, coding)];
}

type Making = {
  readonly parts: readonly PartOfText[];
  readonly settings: SmppSmsSettings;
  readonly hasReceipts: boolean;
};

function fieldsOf(submission: SmsSubmission, { parts, settings, hasReceipts }: Making): MessageFields {
  const { dataCoding, octets } = parts[submission.part - 1] ?? { dataCoding: 0, octets: new Uint8Array() };
  const isLong = parts.length > 1;
  const part: Part = { reference: submission.reference, total: parts.length, number: submission.part };
  const isHeaded = isLong && settings.joining !== 'sar';
  const { message: body, tlvs } = carry(isHeaded ? Buffer.concat([partHeader(part), octets]) : octets);
  return message({
    serviceType: settings.serviceType ?? '',
    source: settings.sender,
    destination: { ...INTERNATIONAL, address: submission.to },
    esmClass: isHeaded ? UDH : 0,
    validity: periodOf(submission.validMs),
    registeredDelivery: hasReceipts ? RECEIPT_WANTED : 0,
    dataCoding,
    message: body,
    tlvs: [
      ...tlvs,
      // The same for every copy of a message: what the protocol has to say that two are one.
      twoOctets(tags.userMessageReference, submission.reference),
      ...(isLong && !isHeaded ? partTlvs(part) : []),
    ],
  });
}

const SECOND_MS = 1_000;

/** A relative time (SMPP 3.4, 7.1.1): `YYMMDDhhmmss000R`, of days at most, and a second at least. */
export function periodOf(ms: number): string {
  const seconds = Math.max(1, Math.floor(ms / SECOND_MS));
  const two = (value: number): string => String(value).padStart(2, '0');
  const days = Math.min(Math.floor(seconds / 86_400), 30);
  const rest = seconds % 86_400;
  return `0000${two(days)}${two(Math.floor(rest / 3_600))}${two(Math.floor((rest % 3_600) / 60))}${two(rest % 60)}000R`;
}

function outcomeOf(submission: Submission): SmsOutcome {
  switch (submission.kind) {
    case 'accepted':
      return { kind: 'accepted', messageId: canonicalId(submission.messageId) };
    case 'unknown':
      return submission;
    case 'unsent':
      return { kind: 'busy', reason: submission.why === 'down' ? 'link.down' : 'link.busy' };
    case 'refused':
      return { kind: submission.isTemporary ? 'busy' : 'refused', reason: statusName(submission.status) };
  }
}

/** What an SMS centre delivers: news of a message of ours, or somebody's message to us, as yet maybe one part of it. */
export type Arrival =
  | { readonly kind: 'receipt'; readonly receipt: SmsReceipt }
  | { readonly kind: 'message'; readonly from: Msisdn; readonly text: string; readonly part: Part | undefined }
  /** Nothing that this program acts on: news on the way, a sender who is no phone of ours, data for a program. */
  | { readonly kind: 'nothing' };

/** Bits 5 to 2 of esm_class (5.2.12): what kind of message it is. */
const KIND = 0x3c;
const RECEIPT = 0x04;

export function readArrival(
  pdu: Delivered,
  { id, coding = usualCoding }: Pick<SmppSmsSettings, 'id' | 'coding'>,
): Arrival {
  const from = senderOf(pdu.source);
  if (!from) return { kind: 'nothing' };
  const kind = pdu.esmClass & KIND;
  const { octets, part } = readPart(pdu);
  const text = decodeText(octets, pdu.dataCoding, coding);
  if (kind === RECEIPT) {
    const receipt = receiptOf({ tlvs: pdu.tlvs, text: text ?? '', gateway: id, from });
    return receipt ? { kind: 'receipt', receipt } : { kind: 'nothing' };
  }
  if (kind !== 0 || text === undefined) return { kind: 'nothing' };
  return { kind: 'message', from, text, part: part && part.total > 1 ? part : undefined };
}

function senderOf({ address }: Address): Msisdn | undefined {
  try {
    return parseMsisdn(address);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** Words of a receipt's text (Appendix B) and numbers of message_state (5.2.28). What says that it is still on its way is no news. */
const outcomes = new Map<string | number, SmsReceipt['outcome']>([
  ['DELIVRD', 'delivered'],
  ['EXPIRED', 'expired'],
  ['UNDELIV', 'undelivered'],
  ['DELETED', 'rejected'],
  ['REJECTD', 'rejected'],
  [2, 'delivered'],
  [3, 'expired'],
  [4, 'rejected'],
  [5, 'undelivered'],
  [8, 'rejected'],
]);

type ReceiptPdu = {
  readonly tlvs: readonly Tlv[];
  readonly text: string;
  readonly gateway: string;
  readonly from: Msisdn;
};

function receiptOf({ tlvs, text, gateway, from }: ReceiptPdu): SmsReceipt | undefined {
  const state = numberOf(tlvs, tags.messageState, 1);
  const word = /\bstat:\s*([A-Za-z]+)/i.exec(text)?.[1]?.toUpperCase();
  const outcome = outcomes.get(state ?? -1) ?? outcomes.get(word ?? '');
  const named = [idOf(tlvOf(tlvs, tags.receiptedMessageId)), /\bid:\s*([^\s]+)/i.exec(text)?.[1]];
  const messageIds = [...new Set(named.flatMap((id) => (id === undefined ? [] : formsOf(id))))];
  if (outcome === undefined || messageIds.length === 0) return undefined;
  return { gateway, messageIds, from, reference: numberOf(tlvs, tags.userMessageReference, 2), outcome };
}

function idOf(value: Uint8Array | undefined): string | undefined {
  const id = value && Buffer.from(value).toString('latin1').replace(/\0+$/, '');
  return id === '' ? undefined : id;
}

const HEX = /^[0-9a-f]{1,32}$/i;
const DECIMAL = /^[0-9]{1,38}$/;

/**
 * One id as a receipt may write it: as it was given, or the same number in the other base. Whoever compares them also compares whose phone it is about, so
 * that a number that happens to be another message's in the other base is not taken for it.
 */
function formsOf(id: string): string[] {
  const plain = canonicalId(id);
  if (!HEX.test(plain)) return [plain];
  const decimal = BigInt(`0x${plain}`).toString();
  return DECIMAL.test(plain) ? [plain, BigInt(plain).toString(16), decimal] : [plain, decimal];
}

/** The centre pads with zeros, or writes its letters large, in one place and not in the other. */
function canonicalId(id: string): string {
  return HEX.test(id) ? id.toLowerCase().replace(/^0+(?=.)/, '') : id;
}
