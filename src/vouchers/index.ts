/**
 * Scratch-card vouchers: batches, PINs, print files, redemption. Promises: a clear PIN exists in the print file and on the card
 * alone; a voucher ends once (redeemed, void or expired), by a primary key; one rule decides behind every door; guessing climbs
 * the ladder; no card is worth anything before a second person has agreed. Face value is posted here when cards are issued,
 * void or expired; who redeems one posts its credit in the same transaction.
 */
export { type Batch, type BatchState, type Draft, valueText } from './batch.ts';
export {
  type Batches,
  type ChangeRequest,
  createBatches,
  type Done,
  REDEEM_SERIAL,
  type SerialRequest,
} from './batches.ts';
export type { ChangeReport, Skipped } from './change.ts';
export type { Generated } from './generate.ts';
export { VISITOR } from './guess.ts';
export { areCardsOf, missingPinKeys } from './keys.ts';
export type { Manifest } from './manifest.ts';
export { macsOf, parsePin } from './pin.ts';
export { type PrintedCard, type PrintFile, readPrintFile } from './printed.ts';
export {
  type Attempt,
  decideAttempts,
  type KnownValues,
  record,
  type Scene,
  survey,
  type Verdict,
} from './redemption.ts';
export type { BatchReport, CardReport, EffectiveState } from './report.ts';
export { type ChangeVerb, changeVerbs } from './stretch.ts';
export type { Value, Voucher } from './voucher.ts';
