import { eventId, type Uuid } from '../base/ids.ts';
import { type Db, read, type Statement, type Tx } from '../db/index.ts';
import type { Outcome, RouteId } from './route.ts';

export type DeliveryState = 'sending' | 'unknown' | 'delivered' | 'refused';

/** One attempt to have an operator credit a number. */
export type Attempt = {
  readonly orderId: Uuid;
  readonly attempt: number;
  readonly route: RouteId;
  readonly operator: string;
  readonly reference: string;
  readonly state: DeliveryState;
  readonly operatorReference: string | undefined;
  readonly reason: string | undefined;
  /** How often we have asked what became of it. */
  readonly asked: number;
  readonly beganAt: Date;
  readonly endedAt: Date | undefined;
};

const REFERENCE_MAX = 10n ** 18n;

/**
 * What the other side knows this attempt by, before there is a row: up to 18 decimal digits, the longest that every wire carries and every
 * provider's 64-bit column holds. The same attempt always has the same one.
 */
export function referenceOf(orderId: Uuid, attempt: number): string {
  const hex = eventId('delivery', orderId, String(attempt)).replaceAll('-', '');
  // Sixty random bits around the version digit, which is always the same.
  return (BigInt(`0x${hex.slice(0, 12)}${hex.slice(13, 16)}`) % REFERENCE_MAX).toString();
}

const beginStatement: Statement = {
  name: 'delivery_begin',
  text: `insert into delivery (order_id, attempt, route, operator, reference, state, began_at)
    values ($1, $2, $3, $4, $5, 'sending', $6)`,
};

export type NewAttempt = {
  readonly orderId: Uuid;
  readonly attempt: number;
  readonly route: RouteId;
  readonly operator: string;
  readonly reference: string;
  readonly at: Date;
};

/** Before anything is sent. Of two who begin the same attempt the key lets one through; the other's transaction is run again. */
export function begin(tx: Tx, { orderId, attempt, route, operator, reference, at }: NewAttempt): void {
  tx.send(beginStatement, [orderId, attempt, route, operator, reference, at]);
}

const settleStatement: Statement = {
  name: 'delivery_settle',
  text: `update delivery set state = $4, operator_reference = $5, reason = $6, ended_at = $7
    where order_id = $1 and attempt = $2 and state = $3 returning attempt`,
};

export type Settlement = {
  readonly orderId: Uuid;
  readonly attempt: number;
  readonly from: 'sending' | 'unknown';
  readonly outcome: Outcome;
  readonly at: Date;
};

/** Records what became of it. False when somebody else was first: what they recorded stands. */
export async function settle(tx: Tx, { orderId, attempt, from, outcome, at }: Settlement): Promise<boolean> {
  const operatorReference = outcome.kind === 'delivered' ? outcome.operatorReference : null;
  const reason = outcome.kind === 'refused' ? outcome.reason : null;
  const endedAt = outcome.kind === 'unknown' ? null : at;
  const values = [orderId, attempt, from, outcome.kind, operatorReference, reason, endedAt];
  return (await tx.rows(settleStatement, values)).length === 1;
}

const askedStatement: Statement = {
  name: 'delivery_asked',
  text: 'update delivery set asked = asked + 1 where order_id = $1 and attempt = $2',
};

/** Counts an enquiry, whatever it found. */
export function asked(tx: Tx, { orderId, attempt }: { orderId: Uuid; attempt: number }): void {
  tx.send(askedStatement, [orderId, attempt]);
}

type AttemptRow = {
  order_id: Uuid;
  attempt: number;
  route: RouteId;
  operator: string;
  reference: string;
  state: DeliveryState;
  operator_reference: string | null;
  reason: string | null;
  asked: number;
  began_at: Date;
  ended_at: Date | null;
};

const columns =
  'order_id, attempt, route, operator, reference, state, operator_reference, reason, asked, began_at, ended_at';

const findStatement: Statement = {
  name: 'delivery_find',
  text: `select ${columns} from delivery where order_id = $1 order by attempt`,
};

/** Attempts of an order, the first one first. */
export async function attemptsOf(tx: Tx, orderId: Uuid): Promise<Attempt[]> {
  return (await tx.rows<AttemptRow>(findStatement, [orderId])).map(attemptOf);
}

/** The same, to look at. */
export async function find(db: Db, orderId: Uuid): Promise<Attempt[]> {
  return (await read<AttemptRow>(db, findStatement, [orderId])).map(attemptOf);
}

const byReferenceStatement: Statement = {
  name: 'delivery_by_reference',
  text: `select ${columns} from delivery where reference = $1 order by began_at desc limit 1`,
};

/** Whose attempt a route's notification is about. */
export async function findByReference(db: Db, reference: string): Promise<Attempt | undefined> {
  const [row] = await read<AttemptRow>(db, byReferenceStatement, [reference]);
  return row && attemptOf(row);
}

function attemptOf(row: AttemptRow): Attempt {
  return {
    orderId: row.order_id,
    attempt: row.attempt,
    route: row.route,
    operator: row.operator,
    reference: row.reference,
    state: row.state,
    operatorReference: row.operator_reference ?? undefined,
    reason: row.reason ?? undefined,
    asked: row.asked,
    beganAt: row.began_at,
    endedAt: row.ended_at ?? undefined,
  };
}
