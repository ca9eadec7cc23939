import { assert } from '../base/assert.ts';
import type { Uuid } from '../base/ids.ts';
import { type Currency, isCurrency } from '../base/money.ts';
import { type Db, read, type Statement, type Tx } from '../db/index.ts';
import { type ProviderId, providerIds } from './provider.ts';

/** As stored; `opening` is asked for and not answered yet, `mismatch` is money that is not what was asked for. */
export type StoredState = 'opening' | 'open' | 'approved' | 'pending' | 'captured' | 'refused' | 'expired' | 'mismatch';

export type Payment = {
  readonly orderId: Uuid;
  readonly no: number;
  readonly provider: ProviderId;
  readonly state: StoredState;
  readonly externalId: string | undefined;
  readonly captureId: string | undefined;
  readonly url: string | undefined;
  readonly currency: Currency;
  readonly amountMinor: bigint;
  readonly worthMinor: bigint;
  readonly capturedMinor: bigint;
  readonly refundedMinor: bigint;
  readonly openedAt: Date;
  readonly expiresAt: Date;
  readonly capturedAt: Date | undefined;
};

type PaymentRow = {
  order_id: Uuid;
  no: number;
  provider: string;
  state: StoredState;
  external_id: string | null;
  capture_id: string | null;
  url: string | null;
  currency: string;
  amount_minor: bigint;
  worth_minor: bigint;
  captured_minor: bigint;
  refunded_minor: bigint;
  opened_at: Date;
  expires_at: Date;
  captured_at: Date | null;
};

export function currencyOf(text: string): Currency {
  assert(isCurrency(text), 'a stored currency is known');
  return text;
}

export function providerOf(text: string): ProviderId {
  const provider = providerIds.find((id) => id === text);
  assert(provider !== undefined, 'a stored provider is known');
  return provider;
}

function paymentOf(row: PaymentRow): Payment {
  return {
    orderId: row.order_id,
    no: row.no,
    provider: providerOf(row.provider),
    state: row.state,
    externalId: row.external_id ?? undefined,
    captureId: row.capture_id ?? undefined,
    url: row.url ?? undefined,
    currency: currencyOf(row.currency),
    amountMinor: row.amount_minor,
    worthMinor: row.worth_minor,
    capturedMinor: row.captured_minor,
    refundedMinor: row.refunded_minor,
    openedAt: row.opened_at,
    expiresAt: row.expires_at,
    capturedAt: row.captured_at ?? undefined,
  };
}

const columns = `order_id, no, provider, state, external_id, capture_id, url, currency, amount_minor, worth_minor, captured_minor,
  refunded_minor, opened_at, expires_at, captured_at`;

const insertStatement: Statement = {
  name: 'payments_insert',
  text: `insert into payment (order_id, no, provider, state, currency, amount_minor, worth_minor, opened_at, expires_at)
    values ($1, $2, $3, 'opening', $4, $5, $6, $7, $8)`,
};

export type NewPayment = Pick<
  Payment,
  'orderId' | 'no' | 'provider' | 'currency' | 'amountMinor' | 'worthMinor' | 'openedAt' | 'expiresAt'
>;

export function insertPayment(tx: Tx, payment: NewPayment): void {
  tx.send(insertStatement, [
    payment.orderId,
    payment.no,
    payment.provider,
    payment.currency,
    payment.amountMinor,
    payment.worthMinor,
    payment.openedAt,
    payment.expiresAt,
  ]);
}

const openedStatement: Statement = {
  name: 'payments_opened',
  // A repeat of the same opening names the same payment; money may have been seen before the answer to our own call.
  text: `update payment set external_id = $3, url = $4, state = case state when 'opening' then 'open' else state end
    where order_id = $1 and no = $2`,
};

export function setOpened(tx: Tx, payment: { orderId: Uuid; no: number; externalId: string; url: string }): void {
  tx.send(openedStatement, [payment.orderId, payment.no, payment.externalId, payment.url]);
}

const moveStatement: Statement = {
  name: 'payments_move',
  text: `update payment set state = $4, external_id = coalesce(external_id, $5), capture_id = coalesce($6, capture_id),
      captured_minor = coalesce($7, captured_minor), captured_at = coalesce($8, captured_at)
    where order_id = $1 and no = $2 and state = $3`,
};

export type PaymentMove = {
  readonly payment: Pick<Payment, 'orderId' | 'no' | 'state'>;
  readonly to: StoredState;
  readonly externalId?: string | undefined;
  readonly captureId?: string | undefined;
  readonly capturedMinor?: bigint;
  readonly capturedAt?: Date;
};

/** Under the lock of the order; compare-and-set all the same. */
export function movePayment(tx: Tx, { payment, to, ...facts }: PaymentMove): void {
  tx.send(moveStatement, [
    payment.orderId,
    payment.no,
    payment.state,
    to,
    facts.externalId ?? null,
    facts.captureId ?? null,
    facts.capturedMinor ?? null,
    facts.capturedAt ?? null,
  ]);
}

const byOrderStatement: Statement = {
  name: 'payments_by_order',
  text: `select ${columns} from payment where order_id = $1 order by no`,
};

export async function readPayments(db: Db, orderId: Uuid): Promise<Payment[]> {
  return (await read<PaymentRow>(db, byOrderStatement, [orderId])).map(paymentOf);
}

/** As the transaction that holds the order's lock sees them. */
export async function paymentsOf(tx: Tx, orderId: Uuid): Promise<Payment[]> {
  return (await tx.rows<PaymentRow>(byOrderStatement, [orderId])).map(paymentOf);
}

const soonStatement: Statement = {
  name: 'payments_ask_soon',
  text: 'update payment set next_at = $3 where order_id = $1 and no = $2',
};

/** Somebody has hinted at news of it: a worker is to ask. */
export function askSoon(tx: Tx, payment: Pick<Payment, 'orderId' | 'no'>, at: Date): void {
  tx.send(soonStatement, [payment.orderId, payment.no, at]);
}

const claimStatement: Statement = {
  name: 'payments_claim',
  // Taken for a while: a worker that dies leaves them to the next. Rows another one is taking are skipped, not waited for.
  text: `update payment set next_at = $2 where (order_id, no) in (
      select order_id, no from payment where next_at <= $1 order by next_at limit $3 for no key update skip locked
    ) returning ${columns}`,
};

export async function claimPayments(tx: Tx, claim: { now: Date; until: Date; limit: number }): Promise<Payment[]> {
  return (await tx.rows<PaymentRow>(claimStatement, [claim.now, claim.until, claim.limit])).map(paymentOf);
}

const askedStatement: Statement = {
  name: 'payments_asked',
  text: `update payment set next_at = case state when 'pending' then $4::timestamptz end where order_id = $1 and no = $2 and next_at = $3`,
};

/**
 * It was asked for and the answer taken in; a hint that has come since the claim until `until` still stands. `nextAt`: when it is asked again where
 * it has not come to its end.
 */
export function setAsked(
  tx: Tx,
  payment: Pick<Payment, 'orderId' | 'no'>,
  { until, nextAt }: { until: Date; nextAt: Date },
): void {
  tx.send(askedStatement, [payment.orderId, payment.no, until, nextAt]);
}

const byExternalIdStatement: Statement = {
  name: 'payments_by_external_id',
  text: `select ${columns} from payment where provider = $1 and external_id = $2`,
};
const byCaptureIdStatement: Statement = {
  name: 'payments_by_capture_id',
  text: `select ${columns} from payment where provider = $1 and capture_id = $2`,
};

/** By the provider's own name for the payment, or for the money in it. */
export async function findPayment(
  db: Db,
  provider: ProviderId,
  by: { externalId: string | undefined; captureId: string | undefined },
): Promise<Payment | undefined> {
  for (const [statement, id] of [
    [byExternalIdStatement, by.externalId],
    [byCaptureIdStatement, by.captureId],
  ] as const) {
    if (id === undefined) continue;
    const [row] = await read<PaymentRow>(db, statement, [provider, id]);
    if (row) return paymentOf(row);
  }
  return undefined;
}

const insertEventStatement: Statement = {
  name: 'payments_insert_event',
  text: `insert into payment_event (provider, event_id, kind, order_id, outcome, received_at, details)
    values ($1, $2, $3, $4, $5, $6, $7) on conflict (provider, event_id) do nothing returning event_id`,
};

export type ReceivedEvent = {
  readonly provider: ProviderId;
  readonly eventId: string;
  readonly kind: string;
  readonly orderId: Uuid | undefined;
  readonly outcome: string;
  readonly at: Date;
  readonly details?: Readonly<Record<string, string>>;
};

/** False when this notification was received before. */
export async function insertEvent(tx: Tx, event: ReceivedEvent): Promise<boolean> {
  const rows = await tx.rows(insertEventStatement, [
    event.provider,
    event.eventId,
    event.kind,
    event.orderId ?? null,
    event.outcome,
    event.at,
    JSON.stringify(event.details ?? {}),
  ]);
  return rows.length > 0;
}

const eventsStatement: Statement = {
  name: 'payments_events',
  text: 'select provider, event_id, kind, outcome, received_at, details from payment_event where order_id = $1 order by received_at',
};

export type EventRow = {
  readonly provider: string;
  readonly event_id: string;
  readonly kind: string;
  readonly outcome: string;
  readonly received_at: Date;
  readonly details: Record<string, string>;
};

/** What providers have told us about an order, oldest first. */
export function readEvents(db: Db, orderId: Uuid): Promise<EventRow[]> {
  return read<EventRow>(db, eventsStatement, [orderId]);
}
