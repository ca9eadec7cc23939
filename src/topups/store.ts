import type { Uuid } from '../base/ids.ts';
import { type Db, pgArray, pgTextArray, read, type Statement, type Tx } from '../db/index.ts';
import type { PartyId } from '../ledger/index.ts';

export type OrderRow = { id: Uuid; partner: PartyId; subscriber: PartyId; unit: number; amount: bigint; channel: string; state: 'delivered'; created_at: Date };

const columns = 'id, partner, subscriber, unit, amount, channel, state, created_at';

const findStatement: Statement = { name: 'topups_find', text: `select ${columns} from topup_order where id = any($1::uuid[])` };

export function findOrders(tx: Tx, ids: readonly Uuid[]): Promise<OrderRow[]> {
  return tx.rows<OrderRow>(findStatement, [pgArray(ids)]);
}

export async function readOrder(db: Db, id: Uuid): Promise<OrderRow | undefined> {
  const rows = await read<OrderRow>(db, findStatement, [pgArray([id])]);
  return rows[0];
}

const insertStatement: Statement = {
  name: 'topups_insert',
  text: `insert into topup_order (id, partner, subscriber, unit, amount, channel, state, created_at)
    select id, partner, subscriber, unit, amount, channel, 'delivered', $7
    from unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::text[]) as row (id, partner, subscriber, unit, amount, channel)`,
};

/** A key that another process has just claimed fails the batch; run again, it finds the first answer. */
export function insertOrders(tx: Tx, rows: readonly Omit<OrderRow, 'state' | 'created_at'>[], at: Date): void {
  tx.send(insertStatement, [
    pgArray(rows.map((row) => row.id)),
    pgArray(rows.map((row) => row.partner)),
    pgArray(rows.map((row) => row.subscriber)),
    pgArray(rows.map((row) => row.unit)),
    pgArray(rows.map((row) => row.amount)),
    pgTextArray(rows.map((row) => row.channel)),
    at,
  ]);
}
