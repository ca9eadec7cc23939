import type { Uuid } from '../base/ids.ts';
import type { Currency } from '../base/money.ts';
import { type Db, read, type Statement, type Tx } from '../db/index.ts';
import type { DisputeFacts, Money, ProviderId } from './provider.ts';
import { currencyOf } from './store.ts';

/** `owed`: the provider has not confirmed it. `pending`: it is under way there. */
export type RefundState = 'owed' | 'pending' | 'done' | 'failed';

export type Refund = {
  readonly orderId: Uuid;
  readonly no: number;
  readonly payment: number;
  readonly currency: Currency;
  readonly amountMinor: bigint;
  readonly worthMinor: bigint;
  readonly state: RefundState;
  readonly reason: string;
  readonly actor: string;
  readonly externalId: string | undefined;
  /** `2026-12-04` */
  readonly promisedBy: string;
  readonly createdAt: Date;
  readonly endedAt: Date | undefined;
  readonly tries: number;
};

type RefundRow = {
  order_id: Uuid;
  no: number;
  payment: number;
  currency: string;
  amount_minor: bigint;
  worth_minor: bigint;
  state: RefundState;
  reason: string;
  actor: string;
  external_id: string | null;
  promised_by: string;
  created_at: Date;
  ended_at: Date | null;
  tries: number;
};

function refundOf(row: RefundRow): Refund {
  return {
    orderId: row.order_id,
    no: row.no,
    payment: row.payment,
    currency: currencyOf(row.currency),
    amountMinor: row.amount_minor,
    worthMinor: row.worth_minor,
    state: row.state,
    reason: row.reason,
    actor: row.actor,
    externalId: row.external_id ?? undefined,
    promisedBy: row.promised_by,
    createdAt: row.created_at,
    endedAt: row.ended_at ?? undefined,
    tries: row.tries,
  };
}

const columns = `order_id, no, payment, currency, amount_minor, worth_minor, state, reason, actor, external_id,
  promised_by::text, created_at, ended_at, tries`;

const insertStatement: Statement = {
  name: 'refunds_insert',
  text: `insert into refund (order_id, no, payment, currency, amount_minor, worth_minor, state, reason, actor, external_id, promised_by, created_at, ended_at, next_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::date, $12, $13, $14)`,
};

export type NewRefund = Omit<Refund, 'tries'> & { readonly nextAt: Date | undefined };

export function insertRefund(tx: Tx, refund: NewRefund): void {
  tx.send(insertStatement, [
    refund.orderId,
    refund.no,
    refund.payment,
    refund.currency,
    refund.amountMinor,
    refund.worthMinor,
    refund.state,
    refund.reason,
    refund.actor,
    refund.externalId ?? null,
    refund.promisedBy,
    refund.createdAt,
    refund.endedAt ?? null,
    refund.nextAt ?? null,
  ]);
}

const moveStatement: Statement = {
  name: 'refunds_move',
  text: `update refund set state = $4, external_id = coalesce($5, external_id), ended_at = $6, next_at = $7, tries = tries + 1
    where order_id = $1 and no = $2 and state = $3`,
};

export type RefundMove = {
  readonly refund: Pick<Refund, 'orderId' | 'no' | 'state'>;
  readonly to: RefundState;
  readonly externalId?: string | undefined;
  readonly endedAt?: Date | undefined;
  readonly nextAt?: Date | undefined;
};

export function moveRefund(tx: Tx, { refund, to, externalId, endedAt, nextAt }: RefundMove): void {
  tx.send(moveStatement, [
    refund.orderId,
    refund.no,
    refund.state,
    to,
    externalId ?? null,
    endedAt ?? null,
    nextAt ?? null,
  ]);
}

const addRefundedStatement: Statement = {
  name: 'refunds_add_refunded',
  // The CHECK of the table keeps it within what was captured.
  text: 'update payment set refunded_minor = refunded_minor + $3 where order_id = $1 and no = $2',
};

export function addRefunded(tx: Tx, refund: Pick<Refund, 'orderId' | 'payment' | 'amountMinor'>): void {
  tx.send(addRefundedStatement, [refund.orderId, refund.payment, refund.amountMinor]);
}

const takeRefundedStatement: Statement = {
  name: 'refunds_take_refunded',
  text: 'update payment set refunded_minor = refunded_minor - $3 where order_id = $1 and no = $2',
};

/** It has come back to the provider. */
export function takeRefunded(tx: Tx, refund: Pick<Refund, 'orderId' | 'payment' | 'amountMinor'>): void {
  tx.send(takeRefundedStatement, [refund.orderId, refund.payment, refund.amountMinor]);
}

const againStatement: Statement = {
  name: 'refunds_ask_again',
  // Those made elsewhere have no name of ours to ask by.
  text: `update refund set next_at = $3 where order_id = $1 and payment = $2 and state = 'done' and actor <> 'provider'`,
};

/** A provider says that less was given back than we believe: each refund of the payment is asked about once more. */
export function askRefundsAgain(tx: Tx, payment: { orderId: Uuid; no: number }, at: Date): void {
  tx.send(againStatement, [payment.orderId, payment.no, at]);
}

const byOrderStatement: Statement = {
  name: 'refunds_by_order',
  text: `select ${columns} from refund where order_id = $1 order by no`,
};

export async function readRefunds(db: Db, orderId: Uuid): Promise<Refund[]> {
  return (await read<RefundRow>(db, byOrderStatement, [orderId])).map(refundOf);
}

export async function refundsOf(tx: Tx, orderId: Uuid): Promise<Refund[]> {
  return (await tx.rows<RefundRow>(byOrderStatement, [orderId])).map(refundOf);
}

const claimStatement: Statement = {
  name: 'refunds_claim',
  // Taken for a while: a worker that dies leaves them to the next. Rows another one is taking are skipped, not waited for.
  text: `update refund set next_at = $2 where (order_id, no) in (
      select order_id, no from refund where next_at <= $1 order by next_at limit $3 for no key update skip locked
    ) returning ${columns}`,
};

export async function claimRefunds(tx: Tx, claim: { now: Date; until: Date; limit: number }): Promise<Refund[]> {
  return (await tx.rows<RefundRow>(claimStatement, [claim.now, claim.until, claim.limit])).map(refundOf);
}

const disputeStatement: Statement = {
  name: 'disputes_upsert',
  text: `insert into dispute (provider, external_id, order_id, payment, currency, amount_minor, state, reason, opened_at, ended_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $7 = 'open' then null else $9::timestamptz end)
    on conflict (provider, external_id) do update set state = excluded.state, ended_at = excluded.ended_at where dispute.state = 'open'`,
};

export type Disputed = {
  readonly provider: ProviderId;
  readonly facts: DisputeFacts;
  readonly orderId: Uuid;
  readonly payment: number;
  readonly at: Date;
};

const disputedStatement: Statement = {
  name: 'disputes_read',
  text: 'select currency, amount_minor from dispute where provider = $1 and external_id = $2',
};

/**
 * A decided dispute stays decided: the notice that opened it may come later. Answers over how much it is, by the notice that came first: that is what
 * was booked.
 */
export async function upsertDispute(tx: Tx, { provider, facts, orderId, payment, at }: Disputed): Promise<Money> {
  tx.send(disputeStatement, [
    provider,
    facts.externalId,
    orderId,
    payment,
    facts.money.currency,
    facts.money.amountMinor,
    facts.state,
    facts.reason,
    at,
  ]);
  const key = [provider, facts.externalId];
  const [row] = await tx.rows<{ currency: string; amount_minor: bigint }>(disputedStatement, key);
  return row ? { currency: currencyOf(row.currency), amountMinor: row.amount_minor } : facts.money;
}
