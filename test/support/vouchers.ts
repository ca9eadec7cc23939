import { randomInt, randomUUID } from 'node:crypto';
import type { Uuid } from '../../src/base/ids.ts';
import type { Unit } from '../../src/base/money.ts';
import { Secret } from '../../src/base/secret.ts';
import { withTx } from '../../src/db/index.ts';
import { type Leg, post, systemAccount, unitNumber } from '../../src/ledger/index.ts';
import { macsOf } from '../../src/vouchers/index.ts';
import type { TestPlatform } from './platform.ts';

export type VoucherIssue = {
  readonly operator?: string;
  readonly values: readonly { readonly unit: Unit; readonly amount: bigint; readonly validDays?: number }[];
  readonly count: number;
  readonly state?: 'created' | 'active' | 'locked' | 'damaged' | 'stolen';
  readonly expiresAt?: Date;
};

export type Issued = { readonly batch: bigint; readonly pins: readonly string[]; readonly firstSerial: bigint };

const YEAR_MS = 365 * 86_400_000;

/**
 * Cards with known PINs, loaded and counted as outstanding as a batch is, without the people and the printer that a real
 * one needs. All of one state; the books hold afterwards.
 */
export async function issueVouchers(platform: TestPlatform, issue: VoucherIssue): Promise<Issued> {
  const { operator = 'kcell', count, state = 'active' } = issue;
  const issued = state !== 'created';
  const expiresAt = issue.expiresAt ?? new Date(platform.clock.now().getTime() + YEAR_MS);
  const pins = Array.from({ length: count }, newPin);
  const macs = pins.map((pin) => String(macsOf(platform.keyring, new Secret(pin))[0]));
  const [taken] = await platform.sql<{ first: bigint }>(
    `select setval('voucher_serial', nextval('voucher_serial') + $1 - 1) - $1 + 1 as first`,
    [count],
  );
  const first = taken?.first ?? 0n;
  const [batch] = await platform.sql<{ id: bigint }>(
    `with batch as (
      insert into voucher_batch (operator, count, digits, state, first_serial, last_serial, expires_at, key_id, maker)
      values ($1, $2::int, 16, 'distributed', $3::bigint, $3::bigint + $2::int - 1, $4, 1, 'test') returning id
    ), worth as (
      insert into voucher_value (batch, leg, unit, amount, valid_days)
      select batch.id, nth - 1, unit, amount, valid_days from batch, unnest($5::smallint[], $6::bigint[], $7::int[]) with ordinality as value (unit, amount, valid_days, nth)
    ), cards as (
      insert into voucher (mac, batch, serial) select mac, batch.id, $3::bigint + nth - 1 from batch, unnest($8::uuid[]) with ordinality as card (mac, nth)
    ), stretch as (
      insert into voucher_range (batch, first_serial, last_serial, state, issued, changed_at) select id, $3::bigint, $3::bigint + $2::int - 1, $9, $10, $11 from batch
    ) select id from batch`,
    [
      operator,
      count,
      first,
      expiresAt,
      issue.values.map((value) => unitNumber(value.unit)),
      issue.values.map((value) => value.amount),
      issue.values.map((value) => value.validDays ?? null),
      macs,
      state,
      issued,
      platform.clock.now(),
    ],
  );
  if (issued) await countAsOutstanding(platform, issue);
  return { batch: batch?.id ?? 0n, pins, firstSerial: first };
}

/** Sixteen digits; made the same way, one that no card has. */
export function newPin(): string {
  const half = (): string => String(randomInt(1e8)).padStart(8, '0');
  return half() + half();
}

async function countAsOutstanding(platform: TestPlatform, { values, count }: VoucherIssue): Promise<void> {
  const legs: Leg[] = values.map(({ unit, amount }) => ({
    debit: systemAccount('voucher_receivable', unit, 0),
    credit: systemAccount('voucher_outstanding', unit, 0),
    amount: amount * BigInt(count),
  }));
  const event = { id: randomUUID() as string as Uuid, code: 'voucher_issue', kind: 'posted', legs } as const;
  await withTx(platform.db, (tx) => post(tx, [event], { careful: true, at: platform.clock.now() }));
}
