import * as audit from '../audit/index.ts';
import { limits } from '../base/limits.ts';
import { type Db, type Tx, withTx } from '../db/index.ts';
import type { Batch } from './batch.ts';
import * as store from './batch_store.ts';
import { chunksOf } from './change.ts';
import { postFaceValue } from './outstanding.ts';
import { overlap, type Stretch, sizeOf } from './stretch.ts';

/** Ends every voucher whose card is past its date, and closes batches that have no voucher left. Safe to call from several processes. */
export async function expireDue(db: Db, now: Date): Promise<{ batches: number; expired: bigint }> {
  const due = await store.readExpired(db, now, limits.pageRowsMax);
  let expired = 0n;
  for (const batch of due) expired += await expireBatch(db, batch, now);
  return { batches: due.length, expired };
}

/** In chunks, each a transaction of its own: cut short, the next call goes on where this one stopped. */
async function expireBatch(db: Db, id: bigint, now: Date): Promise<bigint> {
  const batch = await store.readBatch(db, id);
  if (!batch) return 0n;
  let expired = 0n;
  for (const chunk of chunksOf({ first: batch.firstSerial, last: batch.lastSerial })) {
    expired += await withTx(db, (tx) => expireChunk(tx, id, { ...chunk, at: now }));
  }
  await withTx(db, (tx) => close(tx, batch, expired));
  return expired;
}

type Chunk = { readonly first: bigint; readonly last: bigint; readonly at: Date };

async function expireChunk(tx: Tx, id: bigint, chunk: Chunk): Promise<bigint> {
  const batch = await store.lockBatch(tx, id);
  if (!batch) return 0n;
  const stretches = await store.findStretches(tx, id, chunk);
  const parts = stretches.flatMap((stretch): Stretch[] => {
    const part = overlap(stretch, chunk);
    return part ? [part] : [];
  });
  let expired = 0n;
  for (const part of parts) {
    const { first, last } = part;
    const count = await store.endVouchers(tx, id, { first, last, kind: 'expired', at: chunk.at });
    expired += count;
    // What was never issued was never owed.
    if (part.issued) await postFaceValue(tx, [{ code: 'voucher_expiry', batch, count, key: [first, last] }], chunk.at);
  }
  return expired;
}

async function close(tx: Tx, batch: Batch, expired: bigint): Promise<void> {
  const locked = await store.lockBatch(tx, batch.id);
  if (!locked || locked.state === 'closed') return;
  const whole = { first: batch.firstSerial, last: batch.lastSerial };
  const ended = await store.countEnded(tx, batch.id, [whole]);
  if (ended.reduce((sum, row) => sum + row.count, 0n) < sizeOf(whole)) return;
  await store.moveBatch(tx, batch.id, { from: locked.state, to: 'closed' });
  const details = { expired: String(expired) };
  audit.record(tx, { actor: 'system', action: 'batch.close', subject: `batch:${batch.id}`, details });
}
