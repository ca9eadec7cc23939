import type { Uuid } from '../base/ids.ts';
import { pgArray, pgTextArray, type Statement, type Tx } from '../db/index.ts';
import type { PartyId } from '../ledger/index.ts';

/** One of an agent's payments, by the agent's own name for it. */
export type PaymentKey = { readonly agent: PartyId; readonly txnId: string };

export type PaymentRow = {
  agent: PartyId;
  txn_id: string;
  prv_txn: bigint;
  account_index: Uuid;
  amount_minor: bigint | null;
  result: number;
  reason: string | null;
};

const findStatement: Statement = {
  name: 'topups_agent_payments',
  text: `select agent_payment.agent, agent_payment.txn_id, prv_txn, account_index, amount_minor, result, reason
    from unnest($1::bigint[], $2::text[]) as wanted (agent, txn_id)
    join agent_payment on agent_payment.agent = wanted.agent and agent_payment.txn_id = wanted.txn_id`,
};

export function findPayments(tx: Tx, keys: readonly PaymentKey[]): Promise<PaymentRow[]> {
  return tx.rows<PaymentRow>(findStatement, [
    pgArray(keys.map(({ agent }) => agent)),
    pgTextArray(keys.map(({ txnId }) => txnId)),
  ]);
}

export type NewPayment = PaymentKey & {
  readonly protocol: string;
  readonly event: Uuid;
  readonly accountIndex: Uuid;
  readonly amountMinor: bigint | undefined;
  readonly txnDate: Date;
  readonly result: number;
  readonly reason: string | undefined;
};

const insertStatement: Statement = {
  name: 'topups_insert_agent_payments',
  text: `insert into agent_payment (agent, txn_id, protocol, event, account_index, amount_minor, txn_date, result, reason, answered_at)
    select row.*, $10 from unnest($1::bigint[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::bigint[], $7::timestamptz[], $8::smallint[], $9::text[])
      as row (agent, txn_id, protocol, event, account_index, amount_minor, txn_date, result, reason)
    returning agent, txn_id, prv_txn`,
};

export type NamedPayment = { agent: PartyId; txn_id: string; prv_txn: bigint };

/** A key that somebody else has just taken fails the whole batch: it is then run again and finds what that one was told. */
export function insertPayments(tx: Tx, payments: readonly NewPayment[], at: Date): Promise<NamedPayment[]> {
  return tx.rows<NamedPayment>(insertStatement, [
    pgArray(payments.map(({ agent }) => agent)),
    pgTextArray(payments.map(({ txnId }) => txnId)),
    pgTextArray(payments.map(({ protocol }) => protocol)),
    pgArray(payments.map(({ event }) => event)),
    pgArray(payments.map(({ accountIndex }) => accountIndex)),
    pgArray(payments.map(({ amountMinor }) => amountMinor ?? null)),
    pgTextArray(payments.map(({ txnDate }) => txnDate.toISOString())),
    pgArray(payments.map(({ result }) => result)),
    pgTextArray(payments.map(({ reason }) => reason ?? null)),
    at,
  ]);
}
