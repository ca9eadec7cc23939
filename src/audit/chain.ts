import { createHash } from 'node:crypto';
import { type Db, type Tx, withTx } from '../db/index.ts';
import * as store from './store.ts';

const BATCH = 1_000;
const GENESIS = Buffer.alloc(32);
/** Also what was slipped in before the first entry is read. */
const BEFORE_ALL = -(2n ** 63n);

/** Records who did what, in the transaction that does it. */
export function record(tx: Tx, entry: store.Entry): void {
  store.insertEntry(tx, entry);
}

/** hash = SHA-256(previous hash || canonical entry). */
function link(previous: Buffer, canonical: string): Buffer {
  return createHash('sha256').update(previous).update(canonical).digest();
}

/** Seals what has been recorded since last time; returns how many entries. One sealer at a time, whoever calls. */
export async function seal(db: Db): Promise<number> {
  let total = 0;
  for (;;) {
    const sealed = await withTx(db, sealBatch);
    total += sealed;
    if (sealed < BATCH) return total;
  }
}

async function sealBatch(tx: Tx): Promise<number> {
  await store.lockSealing(tx);
  const last = await store.lastSeal(tx);
  const entries = await store.unsealedAfter(tx, last?.entry ?? 0n, BATCH);
  let previous: Buffer = last?.hash ?? GENESIS;
  const seals = entries.map((entry) => {
    previous = link(previous, entry.canonical);
    return { entry: entry.id, hash: previous };
  });
  if (seals.length > 0) store.insertSeals(tx, seals);
  return seals.length;
}

/** `broken` names the first entries whose seal does not follow from what came before. */
export type Chain = { readonly entries: number; readonly unsealed: number; readonly broken: readonly string[] };

/** Recomputes the chain, as of one instant: what is sealed between two pages would look as if it had been sealed out of turn. */
export function verify(db: Db): Promise<Chain> {
  return withTx(db, async (tx) => {
    store.takeSnapshot(tx);
    return walk(tx);
  });
}

/** The chain as a transaction that has taken a snapshot sees it. */
export async function walk(tx: Tx): Promise<Chain> {
  const broken = (await store.orphanSeals(tx)).map((entry) => `entry ${entry} is sealed but missing`);
  let previous: Buffer = GENESIS;
  let after = BEFORE_ALL;
  let entries = 0;
  let unsealed = 0;
  for (;;) {
    const rows = await store.readChain(tx, after, BATCH);
    for (const row of rows) {
      entries += 1;
      if (row.hash === null) {
        unsealed += 1;
        continue;
      }
      const expected = link(previous, row.canonical);
      if (!expected.equals(row.hash)) broken.push(`entry ${row.id} does not match its seal`);
      if (unsealed > 0) broken.push(`entry ${row.id} is sealed behind an unsealed one`);
      previous = row.hash;
    }
    const last = rows.at(-1);
    if (rows.length < BATCH || !last) return { entries, unsealed, broken };
    after = last.id;
  }
}
