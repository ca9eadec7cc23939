import assert from 'node:assert/strict';
import { type Db, type Tx, withTx } from '../../src/db/index.ts';
import { recompute } from '../../src/reports/index.ts';

class RollBack extends Error {}

/** What the checks of the database forbid, a damaged disk or a careless hand can still do. */
const guards = [
  ['account', 'account_above_floor'],
  ['transfer', 'transfer_one_unit'],
  ['transfer', 'transfer_phase'],
  ['voucher_range', 'range_issued'],
  ['voucher_range', 'range_approved'],
  ['approval_vote', 'approval_vote_pkey'],
  ['payment', 'payment_refunds_within'],
  ['agent_payment', 'agent_payment_end'],
] as const;

/**
 * What the audit says of a defect, which then never was: planted past every guard, in a transaction that is rolled back once the audit has looked at it.
 * `owner` is a connection as the owner of the schema.
 */
export async function breachesOf(owner: Db, defect: string): Promise<string[]> {
  let broken: string[] = [];
  let touched = 0;
  const plant = async (tx: Tx): Promise<void> => {
    tx.send({ name: '', text: 'set local role none' });
    tx.send({ name: '', text: 'set local session_replication_role = replica' });
    for (const [table, constraint] of guards)
      tx.send({ name: '', text: `alter table ${table} drop constraint ${constraint}` });
    touched = (await tx.rows({ name: '', text: `${defect} returning 1 as touched` })).length;
    broken = (await recompute(tx)).filter((check) => !check.ok).map((check) => check.name);
    throw new RollBack();
  };
  await assert.rejects(withTx(owner, plant), RollBack);
  assert.ok(touched > 0, `nothing was planted by: ${defect}`);
  return broken;
}
