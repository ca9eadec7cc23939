/**
 * Top-ups: a number is credited from a partner's float or by a card, exactly once, in lane batches. Composes parties, vouchers,
 * ledger and notices into one transaction; channels call nothing below it to move money.
 */
export type { Credit, Topup } from './credit.ts';
export { createDamagedCards, type DamagedCards, type SerialVote } from './damaged.ts';
export type { Redemption } from './redeem.ts';
export { createTopups, type Redeem, type RedeemSerial, type Topups, type TopupsOptions } from './topups.ts';
