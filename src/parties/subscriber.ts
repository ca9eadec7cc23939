import { randomBytes } from 'node:crypto';
import type { Uuid } from '../base/ids.ts';
import { type Keyring, mac128, seal, unseal } from '../base/keyring.ts';
import type { Msisdn } from '../base/msisdn.ts';
import type { Language } from '../i18n/index.ts';
import type { PartyId } from '../ledger/index.ts';

export type SubscriberStatus = 'active' | 'closed';

/** Whom a credit is for: all that a batch needs to know of a number. */
export type Holder = { readonly id: PartyId; readonly status: SubscriberStatus };

/** A number with balances. The number itself is not here: it lives in `subject` alone. */
export type Subscriber = Holder & {
  readonly operator: string | undefined;
  readonly language: Language | undefined;
};

/** Finds a number without storing it: HMAC under a key outside the database. */
export function numberIndex(keyring: Keyring, msisdn: Msisdn): Uuid {
  return mac128(keyring.numberIndexKey, msisdn);
}

/** The number encrypted under a key of its own, itself encrypted under the master key: destroying the row erases the person. */
export function sealNumber(keyring: Keyring, msisdn: Msisdn, index: Uuid): { number: Buffer; dataKey: Buffer } {
  const dataKey = randomBytes(32);
  return { number: seal(dataKey, Buffer.from(msisdn), index), dataKey: seal(keyring.masterKey, dataKey, index) };
}

export function unsealNumber(keyring: Keyring, sealed: { number: Buffer; dataKey: Buffer }, index: Uuid): Msisdn {
  const dataKey = unseal(keyring.masterKey, sealed.dataKey, index);
  return unseal(dataKey, sealed.number, index).toString() as Msisdn;
}

/** Whether a stored number was sealed and indexed under these keys. */
export function isSealedUnder(keyring: Keyring, sealed: { number: Buffer; dataKey: Buffer }, index: Uuid): boolean {
  try {
    return numberIndex(keyring, unsealNumber(keyring, sealed, index)) === index;
  } catch {
    // Authenticated encryption: what cannot be opened was closed under another key, or changed.
    return false;
  }
}
