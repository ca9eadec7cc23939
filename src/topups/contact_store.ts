import type { Uuid } from '../base/ids.ts';
import { type Db, read, type Statement, type Tx } from '../db/index.ts';

/** An address as it is kept; whoever has the order's id and the master key can open it. */
export type Contact = {
  readonly orderId: Uuid;
  readonly address: Buffer;
  readonly language: string;
  readonly told: string;
  readonly tries: number;
  readonly changes: number;
};

type Row = { order_id: Uuid; address: Buffer; language: string; told: string; tries: number; changes: number };

const columns = 'order_id, address, language, told, tries, changes';

const contactOf = (row: Row): Contact => ({
  orderId: row.order_id,
  address: row.address,
  language: row.language,
  told: row.told,
  tries: row.tries,
  changes: row.changes,
});

const setStatement: Statement = {
  name: 'contact_set',
  // Another address has been told nothing yet.
  text: `insert into order_contact (order_id, address, language, next_at, created_at) values ($1, $2, $3, $4, $4)
    on conflict (order_id) do update set address = $2, language = $3, told = '', tries = 0, next_at = $4, changes = order_contact.changes + 1`,
};

/** Under the order's lock. */
export function setContact(tx: Tx, contact: { orderId: Uuid; address: Buffer; language: string; at: Date }): void {
  tx.send(setStatement, [contact.orderId, contact.address, contact.language, contact.at]);
}

const readStatement: Statement = {
  name: 'contact_read',
  text: `select ${columns} from order_contact where order_id = $1`,
};

export async function readContact(db: Db, orderId: Uuid): Promise<Contact | undefined> {
  const [row] = await read<Row>(db, readStatement, [orderId]);
  return row && contactOf(row);
}

export async function findContact(tx: Tx, orderId: Uuid): Promise<Contact | undefined> {
  const [row] = await tx.rows<Row>(readStatement, [orderId]);
  return row && contactOf(row);
}

const claimStatement: Statement = {
  name: 'contact_claim',
  text: `update order_contact set next_at = $2 where order_id in (
      select order_id from order_contact where next_at <= $1 order by next_at limit $3 for no key update skip locked
    ) returning ${columns}`,
};

/** Those that are due, for a while in this worker's hands alone. */
export async function claimContacts(tx: Tx, claim: { now: Date; until: Date; limit: number }): Promise<Contact[]> {
  return (await tx.rows<Row>(claimStatement, [claim.now, claim.until, claim.limit])).map(contactOf);
}

const scheduleStatement: Statement = {
  name: 'contact_schedule',
  // Due already, where the order has moved on meanwhile; an address that was changed meanwhile begins anew.
  text: `update order_contact set told = $3, tries = $4, next_at = case when next_at = $5 then $6 else next_at end where order_id = $1 and address = $2`,
};

/** After a look: what is told now, and when to look again, unless something has made it due since it was `claimed`. */
export function schedule(
  tx: Tx,
  contact: Pick<Contact, 'orderId' | 'address'>,
  next: { told: string; tries: number; claimed: Date; nextAt: Date },
): void {
  tx.send(scheduleStatement, [contact.orderId, contact.address, next.told, next.tries, next.claimed, next.nextAt]);
}

const forgetStatement: Statement = { name: 'contact_forget', text: 'delete from order_contact where order_id = $1' };

export function forget(tx: Tx, orderId: Uuid): void {
  tx.send(forgetStatement, [orderId]);
}
