import type { Uuid } from '../base/ids.ts';
import { Refusal } from '../base/refusal.ts';
import type { Tx } from '../db/index.ts';
import { DeltaSums, groupByEvent, type Posting } from './post.ts';
import type { ExistingRow, TransferRow } from './store.ts';
import * as store from './store.ts';

/**
 * How a hold ends. `capture` moves at most what was held, leg by leg, and frees the rest; `release` frees all of it. A hold is
 * the pending event of the same id and ends once: the primary key of the end row is (event, leg, 1).
 */
export type HoldEnd = { readonly event: Uuid } & (
  | { readonly end: 'capture'; readonly amounts?: readonly bigint[] }
  | { readonly end: 'release' }
);

/**
 * Ends a list of holds, in order, as if each came alone. Refuses one that is not there, one that ended in another way, and a
 * capture above the hold.
 */
export async function endHolds(tx: Tx, ends: readonly HoldEnd[], at: Date): Promise<(Posting | Refusal)[]> {
  const ids = ends.map((end) => end.event);
  const known = groupByEvent(await store.existingTransfers(tx, ids));
  const sums = new DeltaSums();
  const added: TransferRow[] = [];
  const answers = ends.map((end) => {
    const rows = known.get(end.event) ?? [];
    return endOne(end, rows, (row, held) => {
      added.push(row);
      rows.push({ ...row, recorded_at: at });
      addEnd(sums, row, held);
    });
  });
  if (added.length > 0) {
    const deltas = sums.inLockOrder();
    // Taken one by one in the common order; the update alone may take them in any.
    await store.readAccounts(
      tx,
      deltas.map((delta) => delta.account),
      true,
    );
    store.insertTransfers(tx, added, at);
    store.applyDeltas(tx, deltas);
  }
  return answers;
}

function endOne(
  end: HoldEnd,
  rows: readonly ExistingRow[],
  add: (row: TransferRow, held: bigint) => void,
): Posting | Refusal {
  const held = rows.filter((row) => row.kind === 'pending');
  const ended = rows.filter((row) => row.phase === 1);
  if (held.length === 0) return new Refusal('hold.not_found');
  const planned = held.map((row) => plannedEnd(end, row));
  if (ended.length > 0) {
    const same = planned.every((plan) =>
      ended.some((row) => row.leg === plan.leg && row.kind === plan.kind && row.amount === plan.amount),
    );
    return same ? 'replayed' : new Refusal('hold.ended');
  }
  if (planned.some((plan, index) => plan.amount <= 0n || plan.amount > (held[index]?.amount ?? 0n)))
    return new Refusal('hold.too_large');
  planned.forEach((plan, index) => {
    add(plan, held[index]?.amount ?? 0n);
  });
  return 'posted';
}

function plannedEnd(end: HoldEnd, row: ExistingRow): TransferRow {
  const amount = end.end === 'capture' ? (end.amounts?.[row.leg] ?? row.amount) : row.amount;
  const kind = end.end === 'capture' ? 'captured' : 'released';
  return {
    event: row.event,
    leg: row.leg,
    phase: 1,
    kind,
    code: row.code,
    debit: row.debit,
    credit: row.credit,
    amount,
  };
}

function addEnd(sums: DeltaSums, row: TransferRow, held: bigint): void {
  const debit = sums.of(row.debit);
  const credit = sums.of(row.credit);
  debit.debitsPending -= held;
  credit.creditsPending -= held;
  if (row.kind === 'captured') {
    debit.debits += row.amount;
    credit.credits += row.amount;
  }
}
