/**
 * The ledger: accounts and transfers, and the only writer of their tables. Promises: a transfer is inserted once a caller's id
 * and never changed; the events of a list are posted whole or refused whole, each with its own answer; a balance never
 * passes its floor; counters equal the sum of transfers. Every verb takes a list and an open transaction.
 */
export {
  type AccountId,
  accountsOf,
  bucketAccount,
  floatAccount,
  mainAccount,
  type PartyId,
  partyOf,
  type SystemKind,
  systemAccount,
  unitByNo,
  unitNumber,
  unitOf,
} from './account.ts';
export { endBuckets, type NewBucket, openBuckets } from './bucket.ts';
export { endHolds, type HoldEnd } from './hold.ts';
export {
  type LedgerEvent,
  type Leg,
  look,
  type Posting,
  post,
  readAvailable,
  type Settled,
  type Sight,
  settle,
  type TransferCode,
} from './post.ts';
export { openAccounts, readTransfers } from './store.ts';
