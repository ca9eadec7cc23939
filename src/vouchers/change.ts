import { present } from '../base/assert.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import type { Tx } from '../db/index.ts';
import type { Batch } from './batch.ts';
import * as store from './batch_store.ts';
import { type FaceValue, postFaceValue } from './outstanding.ts';
import { type Change, type Changed, changeStretches, overlap, type Stretch, sizeOf } from './stretch.ts';
import type { EndKind, RangeState } from './voucher.ts';

/** Why a voucher of the range was left as it is: how it ended, the state it is in, or that there is no such card. */
export type SkipReason = EndKind | RangeState | 'not_generated' | 'no_such_serial';

export type Skipped = {
  readonly reason: SkipReason;
  readonly count: bigint;
  readonly first: bigint;
  readonly last: bigint;
};

/** What a change did, or would do: every serial of the range is either changed or skipped with its reason. */
export type ChangeReport = {
  readonly verb: Change['verb'];
  readonly first: bigint;
  readonly last: bigint;
  readonly changed: bigint;
  readonly skipped: readonly Skipped[];
};

/** Refuses what is no range of serials. */
export function checkRange(range: { first: bigint; last: bigint }): void {
  const isRange = range.first > 0n && range.first <= range.last && sizeOf(range) <= BigInt(limits.batchCountMax);
  if (!isRange) throw new Refusal('batch.range_invalid');
}

/** Applies a change to the vouchers of a range, over as many batches as it spans, and posts the face value it issues or takes back. */
export async function applyChange(tx: Tx, change: Change): Promise<ChangeReport> {
  return run(tx, change, true);
}

/** What the change would do now. */
export async function previewChange(tx: Tx, change: Change): Promise<ChangeReport> {
  return run(tx, change, false);
}

async function run(tx: Tx, change: Change, isReal: boolean): Promise<ChangeReport> {
  const batches = await store.lockOverlapping(tx, change);
  if (batches.length === 0) throw new Refusal('serial.not_found');
  const skips = new Skips();
  for (const gap of gapsOf(change, batches)) skips.add('no_such_serial', gap);
  const happenings: FaceValue[] = [];
  let changed = 0n;
  for (const batch of batches) {
    const part = await changeBatch(tx, batch, { change: within(change, batch), isReal, skips });
    changed += part.changed;
    happenings.push(...part.happenings);
  }
  if (isReal) await postFaceValue(tx, happenings, change.at);
  return { verb: change.verb, first: change.first, last: change.last, changed, skipped: skips.list };
}

type BatchPart = { readonly changed: bigint; readonly happenings: readonly FaceValue[] };

async function changeBatch(
  tx: Tx,
  batch: Batch,
  { change, isReal, skips }: { change: Change; isReal: boolean; skips: Skips },
): Promise<BatchPart> {
  // One beyond either end, so that a stretch that becomes like its neighbour joins it.
  const stretches = await store.findStretches(tx, batch.id, { first: change.first - 1n, last: change.last + 1n });
  if (stretches.length === 0) {
    skips.add('not_generated', change);
    return { changed: 0n, happenings: [] };
  }
  const isExpired = batch.expiresAt <= change.at;
  const plan = isExpired ? untouched(stretches, change) : changeStretches(stretches, change);
  if (isReal) await replaceChanged(tx, batch.id, { before: stretches, after: plan.stretches });
  const voided =
    isReal && change.verb === 'void' ? await voidParts(tx, batch.id, { parts: plan.moved, at: change.at }) : [];
  const parts = [...plan.moved, ...plan.kept];
  const ended = await store.countEnded(tx, batch.id, parts);
  // Voided just now: counted as changed, not as skipped.
  const before = ended.map((row) => {
    const own = row.kind === 'void' ? (voided[row.part] ?? 0n) : 0n;
    return { ...row, count: row.count - own };
  });
  for (const row of before) if (row.count > 0n) skips.add(row.kind, row, row.count);
  const left = parts.map((part, index) => sizeOf(part) - sumOf(before.filter((row) => row.part === index)));
  plan.kept.forEach((part, index) => {
    const count = present(left[plan.moved.length + index], 'each part has a count');
    if (count > 0n) skips.add(isExpired ? 'expired' : part.state, part, count);
  });
  const counts = left.slice(0, plan.moved.length);
  return {
    changed: counts.reduce((sum, count) => sum + count, 0n),
    happenings: plan.moved.flatMap((part, index) => happeningOf({ batch, change, part, count: counts[index] ?? 0n })),
  };
}

function untouched(stretches: readonly Stretch[], change: Change): Changed {
  return { stretches, moved: [], kept: stretches.flatMap((stretch) => overlap(stretch, change) ?? []) };
}

/** Stretches that stay as they are keep their rows. */
async function replaceChanged(
  tx: Tx,
  batch: bigint,
  { before, after }: { before: readonly Stretch[]; after: readonly Stretch[] },
): Promise<void> {
  const isSame = (a: Stretch) => (b: Stretch) =>
    a.first === b.first && a.last === b.last && a.state === b.state && a.approval === b.approval;
  await store.replaceStretches(tx, batch, {
    before: before.filter((stretch) => !after.some(isSame(stretch))),
    after: after.filter((stretch) => !before.some(isSame(stretch))),
  });
}

/** How many vouchers of each part ended as void; the primary key lets a redemption that was first keep its card. */
async function voidParts(tx: Tx, batch: bigint, what: { parts: readonly Stretch[]; at: Date }): Promise<bigint[]> {
  const counts: bigint[] = [];
  for (const part of what.parts) {
    let count = 0n;
    for (const chunk of chunksOf(part)) {
      count += await store.endVouchers(tx, batch, { ...chunk, kind: 'void', at: what.at });
    }
    counts.push(count);
  }
  return counts;
}

/** Pieces that one statement ends well within its timeout. */
export function* chunksOf(range: { first: bigint; last: bigint }): Generator<{ first: bigint; last: bigint }> {
  const step = BigInt(limits.endChunkCards);
  for (let first = range.first; first <= range.last; first += step) {
    const last = first + step - 1n;
    yield { first, last: last < range.last ? last : range.last };
  }
}

type Moved = { readonly batch: Batch; readonly change: Change; readonly part: Stretch; readonly count: bigint };

/** The first activation issues; what was issued and is void now is taken back. */
function happeningOf({ batch, change, part, count }: Moved): FaceValue[] {
  const key = [part.first, part.last, change.approval];
  if (change.verb === 'activate' && !part.issued) return [{ code: 'voucher_issue', batch, count, key }];
  if (change.verb === 'void' && part.issued) return [{ code: 'voucher_void', batch, count, key }];
  return [];
}

function within(change: Change, batch: Batch): Change {
  const first = change.first > batch.firstSerial ? change.first : batch.firstSerial;
  const last = change.last < batch.lastSerial ? change.last : batch.lastSerial;
  return { ...change, first, last };
}

/** Serials of the range that no batch has. */
function gapsOf(range: { first: bigint; last: bigint }, batches: readonly Batch[]): { first: bigint; last: bigint }[] {
  const gaps: { first: bigint; last: bigint }[] = [];
  let next = range.first;
  for (const batch of batches.toSorted((a, b) => (a.firstSerial < b.firstSerial ? -1 : 1))) {
    if (batch.firstSerial > next) gaps.push({ first: next, last: batch.firstSerial - 1n });
    if (batch.lastSerial >= next) next = batch.lastSerial + 1n;
  }
  if (next <= range.last) gaps.push({ first: next, last: range.last });
  return gaps;
}

function sumOf(rows: readonly { count: bigint }[]): bigint {
  return rows.reduce((sum, row) => sum + row.count, 0n);
}

/** Gathers what was skipped, one line a reason. */
class Skips {
  readonly #byReason = new Map<SkipReason, Skipped>();

  add(reason: SkipReason, range: { first: bigint; last: bigint }, count: bigint = sizeOf(range)): void {
    const known = this.#byReason.get(reason);
    this.#byReason.set(reason, {
      reason,
      count: count + (known?.count ?? 0n),
      first: known && known.first < range.first ? known.first : range.first,
      last: known && known.last > range.last ? known.last : range.last,
    });
  }

  get list(): Skipped[] {
    return [...this.#byReason.values()].sort((a, b) => (a.first < b.first ? -1 : 1));
  }
}
