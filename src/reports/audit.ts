import { verify } from '../audit/index.ts';
import { type Db, type Tx, withTx } from '../db/index.ts';
import { findBreaches, invariants, takeSnapshot } from './store.ts';

/** One line of the audit: what must hold, whether it does, and the first rows that break it. */
export type AuditCheck = {
  readonly name: string;
  readonly guarantee: string;
  readonly ok: boolean;
  readonly breaches: readonly string[];
};

/** Recomputes every invariant of the books from the rows themselves, in one snapshot, and walks the audit chain. */
export async function audit(db: Db): Promise<AuditCheck[]> {
  const checks = await withTx(db, async (tx) => {
    takeSnapshot(tx);
    return recompute(tx);
  });
  const chain = await verify(db);
  return [
    ...checks,
    {
      name: 'audit chain',
      guarantee: 'who did what is recorded without gap or change',
      ok: chain.broken.length === 0,
      breaches: chain.broken.slice(0, 5),
    },
  ];
}

/** The invariants as this transaction sees the rows. */
export async function recompute(tx: Tx): Promise<AuditCheck[]> {
  const checks: AuditCheck[] = [];
  for (const { name, guarantee, text } of invariants) {
    const rows = await findBreaches(tx, text);
    checks.push({ name, guarantee, ok: rows.length === 0, breaches: rows.map(show) });
  }
  return checks;
}

function show(row: Record<string, unknown>): string {
  return Object.entries(row)
    .map(([column, value]) => `${column} ${String(value)}`)
    .join(', ');
}
