import { assert } from '../base/assert.ts';
import { type LedgerUnit, type Unit, unitNames } from '../base/money.ts';

/**
 * `owner << 20 | unit << 16 | slot`; a system account is the same bits negated, with its kind as owner and its stripe as
 * slot. The unit of an account is in its id, a party's accounts are one range of keys (see migrations/0001).
 */
export type AccountId = bigint & { readonly account: unique symbol };

/** A subscriber, partner or other holder of accounts; opaque, from the sequence `party_id`. */
export type PartyId = bigint;

/** As in the table `unit`. Foreign money is counted in system accounts alone: nobody holds a balance in it. */
const unitNo: Record<LedgerUnit, bigint> = {
  KZT: 1n,
  KZT_BONUS: 2n,
  MB: 3n,
  SECOND: 4n,
  SMS: 5n,
  USD: 6n,
  EUR: 7n,
  CNY: 8n,
  RUB: 9n,
  GBP: 10n,
  KGS: 11n,
  UZS: 12n,
};

const systemKindNo = {
  cash: 1n,
  voucher_receivable: 2n,
  voucher_outstanding: 3n,
  voucher_breakage: 4n,
  allowance: 5n,
  expired_credit: 6n,
  /** Where one currency becomes another: what it holds of each is the open position. */
  exchange: 7n,
  /** Paid by customers and not yet spent on their orders: owed to them until delivered or refunded. */
  customer_funds: 8n,
  fee_income: 9n,
  margin_income: 10n,
  /** Money that a payment provider has taken for us and not yet paid out. */
  stripe_clearing: 11n,
  paypal_clearing: 12n,
  sandbox_clearing: 13n,
  /** Owed to those who credit numbers for us elsewhere. */
  osmp_payable: 14n,
  dtone_payable: 15n,
  reloadly_payable: 16n,
  /** Given back although it was delivered. */
  refund_expense: 17n,
  dispute_loss: 18n,
} as const;

export type SystemKind = keyof typeof systemKindNo;

const FLOAT_SLOT = 0xffffn;
export const stripesMax = 16;

/** The account of main credit: no expiry, one a unit. */
export function mainAccount(party: PartyId, unit: Unit): AccountId {
  return ((party << 20n) | (unitNo[unit] << 16n)) as AccountId;
}

/** An account whose credit ends; `slot` counts up from 1. */
export function bucketAccount(owner: { party: PartyId; unit: Unit }, slot: number): AccountId {
  assert(slot > 0 && BigInt(slot) < FLOAT_SLOT, 'a bucket slot is between the main account and the float');
  return (mainAccount(owner.party, owner.unit) | BigInt(slot)) as AccountId;
}

/** A partner's prefunded money. Its floor is checked by the batch that debits it. */
export function floatAccount(partner: PartyId, unit: Unit): AccountId {
  return (mainAccount(partner, unit) | FLOAT_SLOT) as AccountId;
}

export function systemAccount(kind: SystemKind, unit: LedgerUnit, stripe: number): AccountId {
  return -((systemKindNo[kind] << 20n) | (unitNo[unit] << 16n) | BigInt(stripe % stripesMax)) as AccountId;
}

/** Where locks are taken, first to last: wallets, system stripes, floats. A float is what everybody waits for, so it is held shortest. */
export function lockRank(account: AccountId): number {
  if (account < 0n) return 1;
  return (account & 0xffffn) === FLOAT_SLOT ? 2 : 0;
}

export function isFloat(account: AccountId): boolean {
  return lockRank(account) === 2;
}

export function partyOf(account: AccountId): PartyId {
  return account >> 20n;
}

/** All account ids a party can have, as an inclusive range. */
export function accountsOf(party: PartyId): { from: AccountId; to: AccountId } {
  return { from: (party << 20n) as AccountId, to: ((party << 20n) | 0xfffffn) as AccountId };
}

export function unitByNo(no: number): Unit {
  const unit = unitNames.find((name) => unitNo[name] === BigInt(no));
  assert(unit !== undefined, `unit ${no} is what a phone can hold`);
  return unit;
}

export function unitOf(account: AccountId): Unit {
  const bits = account < 0n ? -account : account;
  return unitByNo(Number((bits >> 16n) & 15n));
}

export function unitNumber(unit: Unit): number {
  return Number(unitNo[unit]);
}
