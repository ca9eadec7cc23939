import { assert } from '../base/assert.ts';
import type { Uuid } from '../base/ids.ts';
import { type Db, read, type Statement, type Tx } from '../db/index.ts';
import { isLanguage, type Language } from '../i18n/index.ts';
import { currencyOf, providerOf } from '../payments/index.ts';
import { destination, type Move, type Order, type OrderState, type Quote, type QuotedRate } from './order.ts';

type OrderRow = {
  id: Uuid;
  state: OrderState;
  state_since: Date;
  subscriber: bigint;
  operator: string;
  language: string;
  by_link: boolean;
  face_minor: bigint | null;
  currency: string | null;
  price_minor: bigint | null;
  method: string | null;
  charge_currency: string | null;
  charge_minor: bigint | null;
  fee_minor: bigint | null;
  margin_minor: bigint | null;
  rates: QuotedRate[] | null;
  quoted_at: Date | null;
  quote_expires_at: Date | null;
  payments: number;
  paid_by: number | null;
  deliveries: number;
  next_at: Date | null;
  deadline_at: Date | null;
  tries: number;
  created_at: Date;
};

const columns = `id, state, state_since, subscriber, operator, language, by_link, face_minor, currency, price_minor, method, charge_currency,
  charge_minor, fee_minor, margin_minor, rates, quoted_at, quote_expires_at, payments, paid_by, deliveries, next_at, deadline_at, tries, created_at`;

function orderOf(row: OrderRow): Order {
  return {
    id: row.id,
    state: row.state,
    stateSince: row.state_since,
    subscriber: row.subscriber,
    operator: row.operator,
    language: languageOf(row.language),
    isByLink: row.by_link,
    faceMinor: row.face_minor ?? undefined,
    quote: quoteOf(row),
    payments: row.payments,
    paidBy: row.paid_by ?? undefined,
    deliveries: row.deliveries,
    nextAt: row.next_at ?? undefined,
    deadlineAt: row.deadline_at ?? undefined,
    tries: row.tries,
    createdAt: row.created_at,
  };
}

function languageOf(text: string): Language {
  assert(isLanguage(text), 'a stored language is known');
  return text;
}

function quoteOf(row: OrderRow): Quote | undefined {
  const { face_minor, price_minor, charge_minor, fee_minor, margin_minor, quoted_at, quote_expires_at } = row;
  if (face_minor === null || price_minor === null || charge_minor === null) return undefined;
  assert(fee_minor !== null && margin_minor !== null && quoted_at && quote_expires_at, 'a quote is stored whole');
  return {
    faceMinor: face_minor,
    currency: currencyOf(row.currency ?? ''),
    priceMinor: price_minor,
    method: providerOf(row.method ?? ''),
    chargeCurrency: currencyOf(row.charge_currency ?? ''),
    chargeMinor: charge_minor,
    feeMinor: fee_minor,
    marginMinor: margin_minor,
    rates: row.rates ?? [],
    quotedAt: quoted_at,
    expiresAt: quote_expires_at,
  };
}

const insertStatement: Statement = {
  name: 'orders_insert',
  text: `insert into topup_order (id, state, state_since, subscriber, operator, language, by_link, face_minor, created_at)
    values ($1, 'draft', $2, $3, $4, $5, $6, $7, $2)`,
};

export type NewOrder = Pick<
  Order,
  'id' | 'subscriber' | 'operator' | 'language' | 'isByLink' | 'faceMinor' | 'createdAt'
>;

export function insertOrder(tx: Tx, order: NewOrder): void {
  tx.send(insertStatement, [
    order.id,
    order.createdAt,
    order.subscriber,
    order.operator,
    order.language,
    order.isByLink,
    order.faceMinor ?? null,
  ]);
}

const readStatement: Statement = { name: 'orders_read', text: `select ${columns} from topup_order where id = $1` };
const lockStatement: Statement = {
  name: 'orders_lock',
  // The order's row is the first lock of everything that concerns it: payments, refunds and deliveries are changed under it alone.
  text: `select ${columns} from topup_order where id = $1 for no key update`,
};

export async function readOrder(db: Db, id: Uuid): Promise<Order | undefined> {
  const [row] = await read<OrderRow>(db, readStatement, [id]);
  return row && orderOf(row);
}

export async function lockOrder(tx: Tx, id: Uuid): Promise<Order | undefined> {
  const [row] = await tx.rows<OrderRow>(lockStatement, [id]);
  return row && orderOf(row);
}

const quoteStatement: Statement = {
  name: 'orders_quote',
  text: `update topup_order set state = 'quoted', state_since = $2, face_minor = $3, currency = $4, price_minor = $5, method = $6, charge_currency = $7,
      charge_minor = $8, fee_minor = $9, margin_minor = $10, rates = $11, quoted_at = $2, quote_expires_at = $12, language = $13
    where id = $1 and state in ('draft', 'quoted')`,
};

export function setQuote(tx: Tx, id: Uuid, { quote, language }: { quote: Quote; language: Language }): void {
  tx.send(quoteStatement, [
    id,
    quote.quotedAt,
    quote.faceMinor,
    quote.currency,
    quote.priceMinor,
    quote.method,
    quote.chargeCurrency,
    quote.chargeMinor,
    quote.feeMinor,
    quote.marginMinor,
    JSON.stringify(quote.rates),
    quote.expiresAt,
    language,
  ]);
}

const recipientStatement: Statement = {
  name: 'orders_recipient',
  // A price that was quoted for somebody else is asked for again. A number that was typed in place of a link's is the payer's own.
  text: `update topup_order set subscriber = $2, operator = $3, by_link = by_link and subscriber = $2, state = case state when 'quoted' then 'draft' else state end where id = $1`,
};

export function setRecipient(tx: Tx, id: Uuid, to: { subscriber: bigint; operator: string }): void {
  tx.send(recipientStatement, [id, to.subscriber, to.operator]);
}

const reopenStatement: Statement = {
  name: 'orders_reopen',
  text: `update topup_order set state = 'draft' where id = $1 and state = 'quoted'`,
};

/** Before it was placed an order leaves no trace: nothing was owed. */
export function reopen(tx: Tx, id: Uuid): void {
  tx.send(reopenStatement, [id]);
}

// One statement, so that a state never changes without its trace; compare-and-set, though the row is locked.
const moveStatement: Statement = {
  name: 'orders_move',
  text: `with moved as (
      update topup_order set state = $3, state_since = $4, next_at = $5, deadline_at = $6, tries = 0,
        payments = payments + $7::smallint, paid_by = coalesce($8, paid_by), deliveries = deliveries + $9::smallint
      where id = $1 and state = $2 returning id
    ), traced as (
      insert into order_move (order_id, no, move, from_state, to_state, reason, actor, at, details)
      select id, (select coalesce(max(no), 0) + 1 from order_move where order_id = $1), $10, $2, $3, $11, $12, $4, $13 from moved returning order_id
    ) select expect_rows((select count(*) from traced), 1)`,
};

export type MoveCommand = {
  readonly order: Pick<Order, 'id' | 'state'>;
  readonly move: Move;
  readonly at: Date;
  readonly actor: string;
  readonly reason?: string | undefined;
  readonly details?: Readonly<Record<string, string>>;
  /** When a worker must look again, and when waiting in the new state is given up. */
  readonly nextAt?: Date | undefined;
  readonly deadlineAt?: Date | undefined;
  /** Set by the moves that begin a payment, are paid by one, or begin a delivery. */
  readonly payments?: 1;
  readonly paidBy?: number;
  readonly deliveries?: 1;
};

const contactDueStatement: Statement = {
  name: 'orders_contact_due',
  text: 'update order_contact set next_at = $2 where order_id = $1',
};

/** States that whoever waits for the money wants to hear of. */
const newsworthy: ReadonlySet<OrderState> = new Set([
  'unknown',
  'refused',
  'delivered',
  'refunding',
  'refunded',
  'case',
]);

/** Moves an order whose row is locked; answers the state it is in then. A move its state does not have is a defect of ours. */
export function moveOrder(tx: Tx, command: MoveCommand): OrderState {
  const { order, move } = command;
  const to = destination(order.state, move);
  assert(to !== undefined, `an order that is ${order.state} has no move ${move}`);
  tx.send(moveStatement, [
    order.id,
    order.state,
    to,
    command.at,
    command.nextAt ?? null,
    command.deadlineAt ?? null,
    command.payments ?? 0,
    command.paidBy ?? null,
    command.deliveries ?? 0,
    move,
    command.reason ?? null,
    command.actor,
    JSON.stringify(command.details ?? {}),
  ]);
  if (newsworthy.has(to)) tx.send(contactDueStatement, [order.id, command.at]);
  return to;
}

const scheduleStatement: Statement = {
  name: 'orders_schedule',
  text: 'update topup_order set next_at = $3, tries = tries + $4::smallint where id = $1 and state = $2',
};

/** When to look again while nothing has moved. `tried` counts a look that came to nothing. */
export function schedule(
  tx: Tx,
  order: Pick<Order, 'id' | 'state'>,
  { nextAt, tried }: { nextAt: Date | undefined; tried: 0 | 1 },
): void {
  tx.send(scheduleStatement, [order.id, order.state, nextAt ?? null, tried]);
}

const claimStatement: Statement = {
  name: 'orders_claim',
  // Taken for a while: a worker that dies leaves them to the next. Rows another one is taking are skipped, not waited for.
  text: `update topup_order set next_at = $2 where id in (
      select id from topup_order where next_at <= $1 order by next_at limit $3 for no key update skip locked
    ) returning ${columns}`,
};

export async function claimDue(tx: Tx, claim: { now: Date; until: Date; limit: number }): Promise<Order[]> {
  return (await tx.rows<OrderRow>(claimStatement, [claim.now, claim.until, claim.limit])).map(orderOf);
}

const deliveredBeforeStatement: Statement = {
  name: 'orders_delivered_before',
  // 1 << 20 | 1 << 16 is main credit in tenge, see src/ledger/account.ts.
  text: `select exists (select from account where id = (($1::bigint << 20) | (1 << 16)) and credits_posted > 0)
    or exists (select from topup_order where subscriber = $1 and state = 'delivered') as known`,
};

/** Whether this number has been topped up before: then a slip of the finger is less likely. */
export async function isKnownRecipient(db: Db, subscriber: bigint): Promise<boolean> {
  const [row] = await read<{ known: boolean }>(db, deliveredBeforeStatement, [subscriber]);
  return row?.known === true;
}

const movesStatement: Statement = {
  name: 'orders_moves',
  text: 'select no, move, from_state, to_state, reason, actor, at, details from order_move where order_id = $1 order by no',
};

export type MoveRow = {
  readonly no: number;
  readonly move: string;
  readonly from_state: OrderState;
  readonly to_state: OrderState;
  readonly reason: string | null;
  readonly actor: string;
  readonly at: Date;
  readonly details: Record<string, string>;
};

export function readMoves(db: Db, id: Uuid): Promise<MoveRow[]> {
  return read<MoveRow>(db, movesStatement, [id]);
}

const findStatement: Statement = {
  name: 'orders_find',
  text: `select ${columns} from topup_order
    where ($1::uuid is null or id between $1 and $2) and ($3::bigint is null or subscriber = $3) and ($4::text is null or state = $4)
      and ($1::uuid is not null or $3::bigint is not null or state not in ('draft', 'quoted'))
    order by created_at desc limit $5`,
};

export type Search = {
  readonly ids?: { readonly from: Uuid; readonly to: Uuid } | undefined;
  readonly subscriber?: bigint | undefined;
  readonly state?: OrderState | undefined;
  readonly limit: number;
};

/** Newest first. */
export async function findOrders(db: Db, search: Search): Promise<Order[]> {
  const rows = await read<OrderRow>(db, findStatement, [
    search.ids?.from ?? null,
    search.ids?.to ?? null,
    search.subscriber ?? null,
    search.state ?? null,
    search.limit,
  ]);
  return rows.map(orderOf);
}

const sweepStatement: Statement = {
  name: 'orders_sweep_drafts',
  text: `delete from topup_order where id in (
      select id from topup_order where state in ('draft', 'quoted') and payments = 0 and state_since < $1 order by state_since limit $2 for update skip locked
    ) returning id`,
};

/** Forgets what was typed and never paid. Answers how many. */
export async function sweepDrafts(tx: Tx, before: Date, limit: number): Promise<number> {
  return (await tx.rows(sweepStatement, [before, limit])).length;
}

const insertLinkStatement: Statement = {
  name: 'orders_insert_link',
  text: 'insert into topup_request (id, subscriber, operator, face_minor, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)',
};

/** Somebody's wish to be topped up, which whoever has the link may fulfil until it ends. */
export type Link = {
  readonly id: Uuid;
  readonly subscriber: bigint;
  readonly operator: string;
  readonly faceMinor: bigint | undefined;
  readonly createdAt: Date;
  readonly expiresAt: Date;
};

export function insertLink(tx: Tx, link: Link): void {
  tx.send(insertLinkStatement, [
    link.id,
    link.subscriber,
    link.operator,
    link.faceMinor ?? null,
    link.createdAt,
    link.expiresAt,
  ]);
}

const readLinkStatement: Statement = {
  name: 'orders_read_link',
  text: 'select id, subscriber, operator, face_minor, created_at, expires_at from topup_request where id = $1 and expires_at > $2',
};

type LinkRow = {
  id: Uuid;
  subscriber: bigint;
  operator: string;
  face_minor: bigint | null;
  created_at: Date;
  expires_at: Date;
};

export async function readLink(db: Db, id: Uuid, now: Date): Promise<Link | undefined> {
  const [row] = await read<LinkRow>(db, readLinkStatement, [id, now]);
  if (!row) return undefined;
  return {
    id: row.id,
    subscriber: row.subscriber,
    operator: row.operator,
    faceMinor: row.face_minor ?? undefined,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}

const sweepLinksStatement: Statement = {
  name: 'orders_sweep_links',
  text: 'delete from topup_request where expires_at < $1',
};

export function sweepLinks(tx: Tx, now: Date): void {
  tx.send(sweepLinksStatement, [now]);
}
