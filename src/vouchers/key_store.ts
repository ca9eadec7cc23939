import { type Db, read, type Statement } from '../db/index.ts';
import type { Manifest } from './manifest.ts';

const latestManifestStatement: Statement = {
  name: 'vouchers_latest_manifest',
  text: 'select manifest from voucher_batch where manifest is not null order by id desc limit 1',
};

export async function readLatestManifest(db: Db): Promise<Manifest | undefined> {
  const [row] = await read<{ manifest: Manifest }>(db, latestManifestStatement);
  return row?.manifest;
}

const keysInUseStatement: Statement = {
  name: 'vouchers_keys_in_use',
  text: `select key_id::int as id, min(id) as batch from voucher_batch where key_id is not null and state <> 'closed' group by 1`,
};

/** The PIN keys of batches that still have cards, each with one such batch. */
export function readKeysInUse(db: Db): Promise<{ id: number; batch: bigint }[]> {
  return read(db, keysInUseStatement);
}
