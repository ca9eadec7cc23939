/**
 * Scratch-card vouchers: batches, PINs, print files, redemption. Promises: a clear PIN exists in the print file and on the card
 * alone; a voucher ends once (redeemed, void or expired), by a primary key; one rule decides behind every door; guessing climbs
 * the ladder. Does not touch money: who redeems posts to the ledger in the same transaction.
 */
export { macsOf, parsePin } from './pin.ts';
export { type Attempt, decideAttempts, record, type Scene, survey, unbar, type Verdict } from './redemption.ts';
export type { Value, Voucher } from './voucher.ts';
