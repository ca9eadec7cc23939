import type { Keyring } from '../base/keyring.ts';
import type { Db } from '../db/index.ts';
import * as store from './key_store.ts';
import { isSignedBy } from './manifest.ts';

/** Whether the batch made last was signed under these keys; undefined while there is none. */
export async function areCardsOf(db: Db, keyring: Keyring): Promise<boolean | undefined> {
  const manifest = await store.readLatestManifest(db);
  return manifest && isSignedBy(manifest, keyring.signingKey);
}

/** Batches with cards whose PIN key is not here: each of their cards would be refused. */
export async function missingPinKeys(db: Db, keyring: Keyring): Promise<{ id: number; batch: bigint }[]> {
  const known = new Set(keyring.pinKeys.map(({ id }) => id));
  return (await store.readKeysInUse(db)).filter(({ id }) => !known.has(id));
}
