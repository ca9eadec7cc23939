import { assert } from '../../base/assert.ts';
import { type PartState, type Sms, type SmsMove, type SmsPart, type SmsReceipt, smsDestination } from './sms.ts';

/** How long things may take, in milliseconds; the limits' own values unless a test is in a hurry. */
export type SmsPatience = {
  readonly smsValidMs: number;
  readonly smsAnswerValidMs: number;
  readonly smsHoldMs: number;
  readonly smsReceiptMs: number;
  readonly smsUnknownMs: number;
  readonly smsBusyMs: number;
  readonly smsRetriesMs: readonly number[];
  readonly smsClaimMs: number;
  readonly smsUndeliveredMax: number;
};

/** What came of handing a message over. `taken` are the parts that were accepted; the last outcome says how it ended. */
export type Handed = {
  readonly id: bigint;
  /** Until when the worker had it to itself: whoever claimed it after that knows better. */
  readonly claimedUntil: Date;
  readonly gateway: string;
  readonly hasReceipts: boolean;
  readonly text: string;
  readonly parts: number;
  /** How long the SMS centre was told to try. */
  readonly validMs: number;
  readonly taken: readonly { readonly part: number; readonly messageId: string }[];
  readonly end:
    | { readonly kind: 'accepted' | 'unknown' }
    | { readonly kind: 'busy' | 'refused'; readonly reason: string };
};

/** The message after it was handed over, and the parts that are new. */
export function afterHanding(
  sms: Sms,
  handed: Handed,
  { at, patience }: { at: Date; patience: SmsPatience },
): { sms: Sms; parts: SmsPart[] } {
  const { taken, end, gateway, text } = handed;
  const copy = sms.copies + 1;
  const parts = taken.map((one): SmsPart => ({ sms: sms.id, copy, gateway, state: 'accepted', ...one }));
  const copies = taken.length > 0 || end.kind === 'unknown' ? copy : sms.copies;
  const known = { ...sms, copies, text, parts: handed.parts };
  // A receipt was faster, or the claim ran out and another worker has it.
  if (sms.state !== 'sending' || sms.nextAt?.getTime() !== handed.claimedUntil.getTime()) return { sms: known, parts };
  switch (end.kind) {
    case 'accepted': {
      const wait = Math.min(at.getTime() + handed.validMs, sms.expiresAt.getTime()) + patience.smsReceiptMs;
      return { sms: moved(known, 'accept', { nextAt: handed.hasReceipts ? new Date(wait) : undefined }), parts };
    }
    case 'unknown':
      return {
        sms: { ...moved(known, 'lose', { nextAt: within(sms, at, patience.smsUnknownMs) }), isDoubtful: true },
        parts,
      };
    case 'busy':
      return { sms: putOff(known, { at, reason: end.reason, patience }), parts };
    case 'refused':
      return { sms: moved(known, 'refuse', { nextAt: undefined, reason: end.reason }), parts };
  }
}

/** Words by which an SMS centre, or our own link to it, asks for patience and not for another message. */
const passing: ReadonlySet<string> = new Set(['link.down', 'link.busy', 'RTHROTTLED', 'RMSGQFUL']);

function putOff(sms: Sms, { at, reason, patience }: { at: Date; reason: string; patience: SmsPatience }): Sms {
  if (passing.has(reason)) return moved(sms, 'put_off', { nextAt: within(sms, at, patience.smsBusyMs), reason });
  const table = patience.smsRetriesMs;
  const wait = table[Math.min(sms.tries, table.length - 1)] ?? 0;
  return { ...moved(sms, 'put_off', { nextAt: within(sms, at, wait), reason }), tries: sms.tries + 1 };
}

/** It ends when its time is over, however long it would have waited. */
function within(sms: Sms, at: Date, ms: number): Date {
  return new Date(Math.min(at.getTime() + ms, sms.expiresAt.getTime()));
}

function moved(sms: Sms, move: SmsMove, to: { nextAt: Date | undefined; reason?: string }): Sms {
  const state = smsDestination(sms.state, move);
  assert(state !== undefined, `a message that is ${sms.state} has no move ${move}`);
  return { ...sms, state, nextAt: to.nextAt, reason: to.reason };
}

/** A message and all parts of it that were ever taken, the oldest first. */
export type Story = { readonly sms: Sms; readonly parts: readonly SmsPart[] };

/**
 * What a receipt of one of its parts changes. Good news is believed whenever it comes; bad news counts where no other copy of the part is under way.
 */
export function afterReceipt(
  { sms, parts }: Story,
  receipt: { part: SmsPart; outcome: SmsReceipt['outcome'] },
  { at, patience }: { at: Date; patience: SmsPatience },
): Story {
  const { part, outcome } = receipt;
  if (part.state === 'delivered') return { sms, parts };
  const state: PartState = outcome;
  const now = parts.map((one) => (one === part ? { ...one, state } : one));
  if (outcome === 'delivered') return { sms: isWhole(sms, now) ? delivered(sms) : sms, parts: now };
  const isUnderWay = now.some(
    (one) => one.part === part.part && (one.state === 'accepted' || one.state === 'delivered'),
  );
  if (isUnderWay || sms.state !== 'sent' || sms.nextAt === undefined) return { sms, parts: now };
  const isOver = outcome === 'rejected' || (outcome === 'undelivered' && sms.copies >= patience.smsUndeliveredMax);
  return {
    sms: isOver
      ? moved(sms, 'give_up', { nextAt: undefined, reason: `receipt.${outcome}` })
      : putOff(sms, { at, reason: `receipt.${outcome}`, patience }),
    parts: now,
  };
}

function delivered(sms: Sms): Sms {
  return sms.state === 'delivered' ? sms : moved(sms, 'deliver', { nextAt: undefined });
}

function isWhole({ parts }: Sms, found: readonly SmsPart[]): boolean {
  if (parts === undefined) return false;
  const arrived = new Set(found.filter((one) => one.state === 'delivered').map((one) => one.part));
  return arrived.size >= parts;
}

/** Parts that need no other copy: they have arrived, or their receipt is still waited for. */
export function settledParts(parts: readonly SmsPart[]): ReadonlySet<number> {
  return new Set(parts.filter(({ state }) => state === 'accepted' || state === 'delivered').map(({ part }) => part));
}
