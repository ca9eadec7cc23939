import { walk } from '../audit/index.ts';
import { type Db, type Tx, withTx } from '../db/index.ts';
import { findBreaches, invariants, takeSnapshot } from './store.ts';

/** One line of the audit: what must hold, whether it does, and the first rows that break it. */
export type AuditCheck = {
  readonly name: string;
  readonly guarantee: string;
  readonly ok: boolean;
  readonly breaches: readonly string[];
};

/** Recomputes every invariant of the books from the rows themselves and walks the audit chain, all in one snapshot. */
export function audit(db: Db): Promise<AuditCheck[]> {
  return withTx(db, async (tx) => {
    takeSnapshot(tx);
    return recompute(tx);
  });
}

/** The same, as this transaction sees the rows. */
export async function recompute(tx: Tx): Promise<AuditCheck[]> {
  const checks: AuditCheck[] = [];
  for (const { name, guarantee, text } of invariants) {
    const rows = await findBreaches(tx, text);
    checks.push({ name, guarantee, ok: rows.length === 0, breaches: rows.map(show) });
  }
  const { broken } = await walk(tx);
  const guarantee = 'who did what is recorded without gap or change';
  checks.push({ name: 'audit chain', guarantee, ok: broken.length === 0, breaches: broken.slice(0, 5) });
  return checks;
}

function show(row: Record<string, unknown>): string {
  return Object.entries(row)
    .map(([column, value]) => `${column} ${String(value)}`)
    .join(', ');
}
