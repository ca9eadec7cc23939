import { createHash, randomInt, randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Platform } from '../../src/app.ts';
import type { Uuid } from '../../src/base/ids.ts';
import type { Unit } from '../../src/base/money.ts';
import { Secret } from '../../src/base/secret.ts';
import { withTx } from '../../src/db/index.ts';
import { type Leg, post, systemAccount, unitNumber } from '../../src/ledger/index.ts';
import { macsOf } from '../../src/vouchers/index.ts';

export type VoucherIssue = {
  readonly operator?: string;
  readonly values: readonly { readonly unit: Unit; readonly amount: bigint; readonly validDays?: number }[];
  readonly count: number;
  readonly state?: 'created' | 'active' | 'locked' | 'damaged' | 'stolen';
  readonly expiresAt?: Date;
};

export type Issued = { readonly batch: bigint; readonly pins: readonly string[]; readonly firstSerial: bigint };

/** Who can issue: the platform, and its database past the application's role. */
export type Issuer = Platform & { readonly owner: pg.Pool };

const YEAR_MS = 365 * 86_400_000;

/** Sixteen digits; made the same way, one that no card has. */
export function newPin(): string {
  const half = (): string => String(randomInt(1e8)).padStart(8, '0');
  return half() + half();
}

/**
 * Cards with known PINs: loaded, approved and counted as outstanding as those of a real batch are, without the print file that
 * would be the only other place to learn their PINs from. All of one state; the books hold afterwards.
 */
export async function issueVouchers(platform: Issuer, issue: VoucherIssue): Promise<Issued> {
  const pins = Array.from({ length: issue.count }, newPin);
  const macs = pins.map((pin) => String(macsOf(platform.keyring, new Secret(pin))[0]));
  const client = await platform.owner.connect();
  try {
    await client.query('begin');
    const loaded = await load(client, { issue, macs, now: platform.clock.now() });
    await client.query('commit');
    if ((issue.state ?? 'active') !== 'created') await countAsOutstanding(platform, issue);
    return { ...loaded, pins };
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

type Loading = { readonly issue: VoucherIssue; readonly macs: readonly string[]; readonly now: Date };

async function load(
  client: pg.PoolClient,
  { issue, macs, now }: Loading,
): Promise<{ batch: bigint; firstSerial: bigint }> {
  const { operator = 'kcell', state = 'active', count, values } = issue;
  const expiresAt = issue.expiresAt ?? new Date(now.getTime() + YEAR_MS);
  const first = await one(
    client,
    `select setval('voucher_serial', nextval('voucher_serial') + $1 - 1) - $1 + 1 as answer`,
    [count],
  );
  const last = first + BigInt(count) - 1n;
  const batch = await one(
    client,
    `insert into voucher_batch (operator, count, digits, first_serial, last_serial, expires_at, recipients, key_id, maker)
     values ($1, $2, 16, $3, $4, $5, '{test}', 1, 'test') returning id as answer`,
    [operator, count, first, last, expiresAt],
  );
  await client.query(
    `insert into voucher_value (batch, leg, unit, amount, valid_days)
     select $1, nth - 1, unit, amount, valid_days
     from unnest($2::smallint[], $3::bigint[], $4::int[]) with ordinality as value (unit, amount, valid_days, nth)`,
    [
      batch,
      values.map((value) => unitNumber(value.unit)),
      values.map((value) => value.amount),
      values.map((value) => value.validDays ?? null),
    ],
  );
  const created = await approve(client, { action: 'voucher.create', request: { batch: String(batch) } });
  await client.query(`update voucher_batch set state = 'distributed', approval = $2 where id = $1`, [batch, created]);
  await client.query(
    `insert into voucher (mac, batch, serial)
     select mac, $1, $2::bigint + nth - 1 from unnest($3::uuid[]) with ordinality as card (mac, nth)`,
    [batch, first, macs],
  );
  const request = { state, first: String(first), last: String(last) };
  const changed = state === 'created' ? null : await approve(client, { action: 'voucher.change', request });
  await client.query(
    `insert into voucher_range (batch, first_serial, last_serial, state, issued, approval, changed_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [batch, first, last, state, state !== 'created', changed, now],
  );
  return { batch, firstSerial: first };
}

/** A request that two people have agreed on and that is being used now. */
async function approve(
  client: pg.PoolClient,
  { action, request }: { action: string; request: Readonly<Record<string, string>> },
): Promise<bigint> {
  const text = JSON.stringify(request);
  const hash = createHash('sha256').update(text).digest();
  const id = await one(
    client,
    `insert into approval (action, request, request_hash, maker, needed, expires_at)
     values ($1, $2, $3, 'test', 1, now() + interval '1 day') returning id as answer`,
    [action, text, hash],
  );
  await client.query(`insert into approval_vote (approval, checker) values ($1, 'checker')`, [id]);
  await client.query('insert into approval_use (approval, request_hash) values ($1, $2)', [id, hash]);
  return id;
}

async function one(client: pg.PoolClient, text: string, values: readonly unknown[]): Promise<bigint> {
  const { rows } = await client.query<{ answer: bigint }>(text, [...values]);
  return rows[0]?.answer ?? 0n;
}

async function countAsOutstanding(platform: Platform, { values, count }: VoucherIssue): Promise<void> {
  const legs: Leg[] = values.map(({ unit, amount }) => ({
    debit: systemAccount('voucher_receivable', unit, 0),
    credit: systemAccount('voucher_outstanding', unit, 0),
    amount: amount * BigInt(count),
  }));
  const event = { id: randomUUID() as string as Uuid, code: 'voucher_issue', kind: 'posted', legs } as const;
  await withTx(platform.db, (tx) => post(tx, [event], { careful: true, at: platform.clock.now() }));
}
