import { assert } from '../base/assert.ts';
import { eventId } from '../base/ids.ts';
import { type Unit, units } from '../base/money.ts';
import type { Tx } from '../db/index.ts';
import { type AccountId, type LedgerEvent, post, systemAccount, type TransferCode } from '../ledger/index.ts';
import type { Batch } from './batch.ts';

/** So many vouchers of one batch, and what happened to their face value. `key` tells this happening from every other. */
export type FaceValue = {
  readonly code: Extract<TransferCode, 'voucher_issue' | 'voucher_void' | 'voucher_expiry'>;
  readonly batch: Batch;
  readonly count: bigint;
  readonly key: readonly (bigint | number | string)[];
};

/**
 * Posts face value: issued cards make it outstanding, void ones take it back where it came from, expired ones leave it as breakage.
 * Money is owed by whoever sells the cards; data, minutes and messages come out of the allowance.
 */
export async function postFaceValue(tx: Tx, happenings: readonly FaceValue[], at: Date): Promise<void> {
  const events = happenings.filter(({ count }) => count > 0n).map(eventOf);
  if (events.length === 0) return;
  const answers = await post(tx, events, { careful: false, at });
  assert(
    answers.every((answer) => answer === 'posted'),
    'face value is posted once',
  );
}

function eventOf({ code, batch, count, key }: FaceValue): LedgerEvent {
  return {
    id: eventId(code, String(batch.id), ...key.map(String)),
    code,
    kind: 'posted',
    legs: batch.values.map(({ unit, amount }) => ({ ...sidesOf(code, unit), amount: amount * count })),
  };
}

/** Staff acts are rare: one stripe serves them all. */
const STRIPE = 0;

function sidesOf(code: FaceValue['code'], unit: Unit): { debit: AccountId; credit: AccountId } {
  const outstanding = systemAccount('voucher_outstanding', unit, STRIPE);
  const source = systemAccount(units[unit].kind === 'money' ? 'voucher_receivable' : 'allowance', unit, STRIPE);
  switch (code) {
    case 'voucher_issue':
      return { debit: source, credit: outstanding };
    case 'voucher_void':
      return { debit: outstanding, credit: source };
    case 'voucher_expiry':
      return { debit: outstanding, credit: systemAccount('voucher_breakage', unit, STRIPE) };
  }
}
