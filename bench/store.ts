import { createHash } from 'node:crypto';
import pg from 'pg';

/** The benchmark's own SQL, as the owner of the schema: databases, cards with known codes, counts. */

const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, (text: string) => BigInt(text));

/** One connection as the owner, for as long as `work` takes. */
export async function asOwner<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, types, application_name: 'sapar bench' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** A copy of `template`, to which nobody may be connected; an empty database where none is named. */
export async function createDatabase(client: pg.Client, name: string, template?: string): Promise<void> {
  const from = template === undefined ? '' : ` template ${client.escapeIdentifier(template)}`;
  // As files: a large template is then not written to the log page by page.
  await client.query(`create database ${client.escapeIdentifier(name)}${from} strategy file_copy`);
}

export async function dropDatabase(client: pg.Client, name: string): Promise<void> {
  await client.query(`drop database if exists ${client.escapeIdentifier(name)} with (force)`);
}

/** Written pages of the set-up go to disk now and not during the first measurement. */
export async function settle(client: pg.Client): Promise<void> {
  await client.query('vacuum (analyze)');
  await client.query('checkpoint');
}

export async function readSettings(client: pg.Client): Promise<Record<string, string>> {
  const names = [
    'server_version',
    'fsync',
    'synchronous_commit',
    'full_page_writes',
    'wal_sync_method',
    'shared_buffers',
    'max_wal_size',
    'wal_compression',
  ];
  const { rows } = await client.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from unnest($1::text[]) as wanted (name)',
    [names],
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** How many credits of each kind the ledger holds. */
export async function countCredits(
  client: pg.Client,
): Promise<{ topups: number; payments: number; redemptions: number; transfers: number; orders: number }> {
  const { rows } = await client.query<{ code: string; count: bigint }>(
    'select code, count(distinct event) as count from transfer group by code',
  );
  const count = (code: string): number => Number(rows.find((row) => row.code === code)?.count ?? 0n);
  const orders = count('order_delivery');
  return {
    topups: count('topup'),
    payments: count('agent_topup'),
    redemptions: count('voucher'),
    transfers: count('transfer'),
    orders,
  };
}

export type CardBatch = { readonly batch: string; readonly firstSerial: string };
export type CardPlan = {
  readonly count: number;
  readonly amountMinor: bigint;
  readonly unit: number;
  readonly operator: string;
  readonly keyId: number;
};

/** A batch in the state in which its cards are sold: approved, active, waiting for its rows. */
export async function insertBatch(client: pg.Client, plan: CardPlan): Promise<CardBatch> {
  await client.query('begin');
  const first = await one(
    client,
    `select setval('voucher_serial', nextval('voucher_serial') + $1 - 1) - $1 + 1 as answer`,
    [plan.count],
  );
  const last = first + BigInt(plan.count) - 1n;
  const batch = await one(
    client,
    `insert into voucher_batch (operator, count, digits, first_serial, last_serial, expires_at, recipients, key_id, maker)
     values ($1, $2, 16, $3, $4, now() + interval '1 year', '{bench}', $5, 'bench') returning id as answer`,
    [plan.operator, plan.count, first, last, plan.keyId],
  );
  await client.query('insert into voucher_value (batch, leg, unit, amount) values ($1, 0, $2, $3)', [
    batch,
    plan.unit,
    plan.amountMinor,
  ]);
  const created = await approve(client, { action: 'voucher.create', request: { batch: String(batch) } });
  await client.query(`update voucher_batch set state = 'distributed', approval = $2 where id = $1`, [batch, created]);
  const active = await approve(client, {
    action: 'voucher.change',
    request: { state: 'active', first: String(first), last: String(last) },
  });
  await client.query(
    `insert into voucher_range (batch, first_serial, last_serial, state, issued, approval) values ($1, $2, $3, 'active', true, $4)`,
    [batch, first, last, active],
  );
  await client.query('commit');
  return { batch: String(batch), firstSerial: String(first) };
}

async function approve(
  client: pg.Client,
  { action, request }: { action: string; request: Readonly<Record<string, string>> },
): Promise<bigint> {
  const text = JSON.stringify(request);
  const hash = createHash('sha256').update(text).digest();
  const id = await one(
    client,
    `insert into approval (action, request, request_hash, maker, needed, expires_at)
     values ($1, $2, $3, 'bench', 1, now() + interval '1 day') returning id as answer`,
    [action, text, hash],
  );
  await client.query(`insert into approval_vote (approval, checker) values ($1, 'bench-checker')`, [id]);
  await client.query('insert into approval_use (approval, request_hash) values ($1, $2)', [id, hash]);
  return id;
}

async function one(client: pg.Client, text: string, values: readonly unknown[]): Promise<bigint> {
  const { rows } = await client.query<{ answer: bigint }>(text, [...values]);
  return rows[0]?.answer ?? 0n;
}

/** The indexes of `voucher` as they stand, taken away while rows are loaded and made again by the returned function. */
export async function dropCardIndexes(client: pg.Client): Promise<() => Promise<void>> {
  const keys = await client.query<{ name: string; definition: string }>(
    `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint where conrelid = 'voucher'::regclass and contype = 'p'`,
  );
  const indexes = await client.query<{ name: string; definition: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index where indrelid = 'voucher'::regclass and not indisprimary`,
  );
  for (const { name } of keys.rows)
    await client.query(`alter table voucher drop constraint ${client.escapeIdentifier(name)}`);
  for (const { name } of indexes.rows) await client.query(`drop index ${name}`);
  return async () => {
    await client.query(`set maintenance_work_mem = '512MB'`);
    for (const { name, definition } of keys.rows)
      await client.query(`alter table voucher add constraint ${client.escapeIdentifier(name)} ${definition}`);
    for (const { definition } of indexes.rows) await client.query(definition);
  };
}

/** For the driver's COPY: mac, batch and serial, tab-separated. */
export const copyCards = 'copy voucher (mac, batch, serial) from stdin';

/** Payments that wait for their money, the last opened first: the others may lapse meanwhile. */
export async function openPayments(
  client: pg.Client,
  limit: number,
): Promise<{ order: string; reference: string; externalId: string; currency: string; amount: string }[]> {
  const { rows } = await client.query<{
    order_id: string;
    no: number;
    external_id: string;
    currency: string;
    minor: bigint;
  }>(
    `select order_id, no, external_id, currency, amount_minor as minor from payment
     where external_id is not null and state = 'open' order by opened_at desc limit $1`,
    [limit],
  );
  return rows.map((row) => ({
    order: row.order_id,
    reference: `${row.order_id}/${row.no}`,
    externalId: row.external_id,
    currency: row.currency,
    amount: `${row.minor / 100n}.${String(row.minor % 100n).padStart(2, '0')}`,
  }));
}
