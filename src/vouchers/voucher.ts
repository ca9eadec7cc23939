import type { Uuid } from '../base/ids.ts';
import type { Unit } from '../base/money.ts';
import type { PartyId } from '../ledger/index.ts';

export type RangeState = 'created' | 'active' | 'locked' | 'damaged' | 'stolen' | 'void';
export type EndKind = 'redeemed' | 'void' | 'expired';

/** One bucket of a card's worth. `validDays` is the life of the credit after redemption; undefined keeps. */
export type Value = { readonly unit: Unit; readonly amount: bigint; readonly validDays: number | undefined };

/** A voucher as the batch of attempts finds it. */
export type Voucher = {
  readonly mac: Uuid;
  readonly serial: bigint;
  readonly batch: bigint;
  readonly operator: string;
  readonly rangeState: RangeState;
  readonly closed: boolean;
  readonly expiresAt: Date;
  readonly end:
    | {
        readonly kind: EndKind;
        readonly subscriber: PartyId | undefined;
        readonly event: Uuid | undefined;
        readonly at: Date;
      }
    | undefined;
};

/** What an attempt meets. Everything but 'redeemable' and 'yours' reads the same to the caller; staff see the word. */
export type Finding =
  | 'redeemable'
  | 'yours'
  | 'missing'
  | 'used'
  | 'void'
  | 'expired'
  | 'inactive'
  | 'locked'
  | 'other_operator';

/**
 * The one rule behind every door (B6). Effective state is the worst of card, range and batch. A number's prefix never refuses a
 * card; only a card dialled on another operator's gateway is turned away.
 */
export function judge(
  voucher: Voucher | undefined,
  attempt: { subscriber: PartyId | undefined; gateway: string | undefined; at: Date; bySerial: boolean },
): Finding {
  if (!voucher) return 'missing';
  if (voucher.end) {
    if (voucher.end.kind !== 'redeemed') return voucher.end.kind;
    return voucher.end.subscriber === attempt.subscriber ? 'yours' : 'used';
  }
  if (voucher.rangeState === 'created') return 'inactive';
  // A damaged card is honoured by its serial alone, after two approvals.
  const open = voucher.rangeState === 'active' || (voucher.rangeState === 'damaged' && attempt.bySerial);
  if (!open || voucher.closed) return voucher.rangeState === 'void' ? 'void' : 'locked';
  if (voucher.expiresAt <= attempt.at) return 'expired';
  if (attempt.gateway !== undefined && attempt.gateway !== voucher.operator) return 'other_operator';
  return 'redeemable';
}
