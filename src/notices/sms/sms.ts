import type { Uuid } from '../../base/ids.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import type { Language } from '../../i18n/index.ts';
import type { PartyId } from '../../ledger/index.ts';

/**
 * The life of a text message to a phone. What was taken by an SMS centre and not heard of again is sent once more, marked as a repeat; a receipt that comes
 * late is still believed, so `delivered` is reached from everywhere.
 */
export const smsMoves = {
  owed: { send: 'sending', deliver: 'delivered', expire: 'expired' },
  sending: {
    send: 'sending',
    accept: 'sent',
    put_off: 'owed',
    lose: 'unknown',
    refuse: 'failed',
    deliver: 'delivered',
    expire: 'expired',
  },
  unknown: { send: 'sending', deliver: 'delivered', expire: 'expired' },
  sent: { send: 'sending', put_off: 'owed', give_up: 'undelivered', deliver: 'delivered', expire: 'expired' },
  expired: { deliver: 'delivered', retry: 'owed' },
  undelivered: { deliver: 'delivered', retry: 'owed' },
  failed: { deliver: 'delivered', retry: 'owed' },
  delivered: {},
} as const;

export type SmsState = keyof typeof smsMoves;
export type SmsMove = { [State in SmsState]: keyof (typeof smsMoves)[State] }[SmsState];

/** Where a move leads, or undefined where this state has no such move. */
export function smsDestination(state: SmsState, move: SmsMove): SmsState | undefined {
  const table: Partial<Record<SmsMove, SmsState>> = smsMoves[state];
  return table[move];
}

export type SmsKind = 'topup_credited' | 'voucher_credited' | 'answer';

export type Sms = {
  readonly id: bigint;
  readonly kind: SmsKind;
  readonly event: Uuid | undefined;
  readonly subscriber: PartyId | undefined;
  readonly numberIndex: Uuid;
  readonly numberSealed: Buffer | undefined;
  readonly operator: string;
  readonly text: string | undefined;
  readonly parts: number | undefined;
  readonly state: SmsState;
  readonly reason: string | undefined;
  readonly isDoubtful: boolean;
  readonly copies: number;
  readonly tries: number;
  readonly nextAt: Date | undefined;
  readonly expiresAt: Date;
  readonly createdAt: Date;
};

export type PartState = 'accepted' | 'silent' | 'delivered' | 'undelivered' | 'expired' | 'rejected';

/** One part of one copy, as an SMS centre has taken it. */
export type SmsPart = {
  readonly sms: bigint;
  readonly copy: number;
  readonly part: number;
  readonly gateway: string;
  readonly messageId: string;
  readonly state: PartState;
};

/** One part for the air: what a route is asked to hand to the SMS centre. */
export type SmsSubmission = {
  readonly to: Msisdn;
  /** Of the whole message, of which one part is sent. */
  readonly text: string;
  readonly part: number;
  /** The number of the message within 16 bits, the same for each repeat: parts are joined by it, and receipts may bring it back. */
  readonly reference: number;
  /** How long the SMS centre may go on trying. */
  readonly validMs: number;
};

/** What an SMS centre answered. `busy`: not now, and surely not taken. `unknown`: no answer came, so it may have been taken. */
export type SmsOutcome =
  | { readonly kind: 'accepted'; readonly messageId: string }
  | { readonly kind: 'busy'; readonly reason: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'unknown' };

/** A way to an operator's phones. */
export type SmsRoute = {
  /** Of the gateway, as it is configured. */
  readonly id: string;
  readonly operator: string;
  /** For numbers that have not chosen one. */
  readonly language: Language;
  /** Whether the SMS centre says what became of a message. Where it does not, what it has taken is as far as it goes. */
  readonly hasReceipts: boolean;
  /** How many may be in hand at once. */
  readonly inHandMax: number;
  /** Whether a submission would reach the SMS centre now. */
  isOpen(): boolean;
  /** Messages it makes of a text; one where the SMS centre splits by itself. */
  partsOf(text: string): number;
  /** Never rejects. */
  submit(submission: SmsSubmission): Promise<SmsOutcome>;
};

/** What an SMS centre says became of a part. */
export type SmsReceipt = {
  readonly gateway: string;
  /** The ids it may have been given under: centres write one number in hex there and in decimal here. The likeliest first. */
  readonly messageIds: readonly string[];
  readonly from: Msisdn;
  /** Our own, where the centre brings it back. */
  readonly reference: number | undefined;
  readonly outcome: 'delivered' | 'undelivered' | 'expired' | 'rejected';
};
