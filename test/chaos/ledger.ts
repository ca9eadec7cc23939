import { eventId, type Uuid } from '../../src/base/ids.ts';
import type { Msisdn } from '../../src/base/msisdn.ts';
import type { OrderState } from '../../src/topups/index.ts';
import type { TestPlatform } from '../support/platform.ts';

// Our own book: the tables of orders and the transfers of the ledger, as the owner of the schema reads them.

export type OrderRow = {
  readonly id: Uuid;
  readonly state: OrderState;
  readonly operator: string;
  readonly subscriber: bigint;
  readonly face_minor: bigint | null;
  readonly paid_by: number | null;
  readonly next_at: Date | null;
};
export type PaymentRow = {
  readonly order_id: Uuid;
  readonly no: number;
  readonly provider: string;
  readonly state: string;
  readonly external_id: string | null;
  readonly currency: string;
  readonly amount_minor: bigint;
  readonly worth_minor: bigint;
  readonly captured_minor: bigint;
  readonly refunded_minor: bigint;
};
export type RefundRow = {
  readonly order_id: Uuid;
  readonly no: number;
  readonly payment: number;
  readonly amount_minor: bigint;
  readonly state: string;
  readonly reason: string;
};
export type DeliveryRow = {
  readonly order_id: Uuid;
  readonly attempt: number;
  readonly route: string;
  readonly reference: string;
  readonly state: string;
};
export type MoveRow = {
  readonly order_id: Uuid;
  readonly move: string;
  readonly to_state: string;
  readonly reason: string | null;
  readonly details: { readonly said?: string };
};
export type DisputeRow = {
  readonly order_id: Uuid;
  readonly provider: string;
  readonly external_id: string;
  readonly currency: string;
  readonly amount_minor: bigint;
  readonly state: string;
};
type ToldRow = {
  readonly order_id: Uuid;
  readonly provider: string;
  readonly kind: string;
  readonly received_at: Date;
};
type TransferRow = {
  readonly event: Uuid;
  readonly code: string;
  readonly kind: string;
  readonly phase: number;
  readonly debit: bigint;
  readonly credit: bigint;
  readonly amount: bigint;
};

/** One order with all that belongs to it. */
export type OurOrder = {
  readonly row: OrderRow;
  readonly number: Msisdn | undefined;
  readonly payments: readonly PaymentRow[];
  readonly refunds: readonly RefundRow[];
  readonly deliveries: readonly DeliveryRow[];
  readonly moves: readonly MoveRow[];
  /** What providers have told us of it and we have taken in. */
  readonly told: readonly ToldRow[];
  /** In tiyn: what the ledger has given the subscriber for it, how often, and what is left of the customer's funds. */
  readonly hosted: { readonly times: number; readonly amount: bigint };
  readonly funds: bigint;
  readonly held: bigint;
};

export type OurBook = {
  readonly orders: readonly OurOrder[];
  readonly disputes: readonly DisputeRow[];
  /** Transfers of orders that are no order's. */
  readonly strays: readonly string[];
  /** `stripe USD` to what its clearing account holds. */
  readonly clearing: ReadonlyMap<string, bigint>;
  /** How often each notification was received, by what became of it. */
  readonly notices: readonly { readonly provider: string; readonly outcome: string; readonly count: bigint }[];
};

const CUSTOMER_FUNDS = 8n;

export async function readOurBook(platform: TestPlatform): Promise<OurBook> {
  const { sql } = platform;
  const [told, orders, payments, refunds, deliveries, moves, disputes, transfers] = [
    await sql<ToldRow>(
      "select order_id, provider, kind, received_at from payment_event where order_id is not null and outcome = 'applied'",
    ),
    await sql<OrderRow>('select id, state, operator, subscriber, face_minor, paid_by, next_at from topup_order'),
    await sql<PaymentRow>('select * from payment order by order_id, no'),
    await sql<RefundRow>('select * from refund order by order_id, no'),
    await sql<DeliveryRow>('select * from delivery order by order_id, attempt'),
    await sql<MoveRow>('select * from order_move order by order_id, no'),
    await sql<DisputeRow>('select * from dispute'),
    await sql<TransferRow>("select * from transfer where code like 'order%'"),
  ];
  const of = <Row extends { order_id: Uuid }>(rows: readonly Row[]): Map<Uuid, Row[]> =>
    Map.groupBy(rows, (row) => row.order_id);
  const byOrder = {
    payments: of(payments),
    refunds: of(refunds),
    deliveries: of(deliveries),
    moves: of(moves),
    told: of(told),
  };
  const orderOfEvent = new Map<Uuid, Uuid>();
  for (const { order_id: id, no } of payments) orderOfEvent.set(eventId('order_payment', id, String(no)), id);
  for (const { order_id: id, no } of refunds)
    for (const name of ['order_refund', 'order_refund_returned']) orderOfEvent.set(eventId(name, id, String(no)), id);
  for (const { order_id: id, attempt } of deliveries) {
    orderOfEvent.set(eventId('order_delivery', id, String(attempt)), id);
    orderOfEvent.set(eventId('order_recovery', id, String(attempt)), id);
  }
  for (const { order_id: id, provider, external_id: name } of disputes)
    for (const step of ['open', 'won']) orderOfEvent.set(eventId('order_dispute', provider, name, step), id);
  const transfersOf = Map.groupBy(transfers, ({ event }) => orderOfEvent.get(event));
  const numbers = new Map<bigint, Msisdn | undefined>();
  for (const { subscriber } of orders)
    if (!numbers.has(subscriber)) numbers.set(subscriber, (await platform.subscribers.reveal(subscriber))?.msisdn);
  return {
    orders: orders.map((row) => ({
      row,
      number: numbers.get(row.subscriber),
      payments: byOrder.payments.get(row.id) ?? [],
      refunds: byOrder.refunds.get(row.id) ?? [],
      deliveries: byOrder.deliveries.get(row.id) ?? [],
      moves: byOrder.moves.get(row.id) ?? [],
      told: byOrder.told.get(row.id) ?? [],
      ...sums(transfersOf.get(row.id) ?? []),
    })),
    disputes,
    strays: (transfersOf.get(undefined) ?? []).map(({ event, code }) => `${code} ${event}`),
    clearing: await readClearing(platform),
    notices: await sql('select provider, outcome, count(*) as count from payment_event group by 1, 2 order by 1, 2'),
  };
}

const kindOf = (account: bigint): bigint => (account < 0n ? -account >> 20n : 0n);

function sums(transfers: readonly TransferRow[]): Pick<OurOrder, 'hosted' | 'funds' | 'held'> {
  const moved = transfers.filter(({ kind }) => kind === 'posted' || kind === 'captured');
  const toPhones = moved.filter(({ credit }) => credit > 0n);
  const ended = new Set(transfers.filter(({ phase }) => phase === 1).map(({ event }) => event));
  const funds = (list: readonly TransferRow[]): bigint =>
    list.reduce(
      (sum, { debit, credit, amount }) =>
        sum + (kindOf(credit) === CUSTOMER_FUNDS ? amount : 0n) - (kindOf(debit) === CUSTOMER_FUNDS ? amount : 0n),
      0n,
    );
  return {
    hosted: { times: toPhones.length, amount: toPhones.reduce((sum, { amount }) => sum + amount, 0n) },
    funds: funds(moved),
    held: -funds(transfers.filter(({ kind, event }) => kind === 'pending' && !ended.has(event))),
  };
}

async function readClearing({ sql }: TestPlatform): Promise<Map<string, bigint>> {
  const rows = await sql<{ kind: string; currency: string; balance: bigint }>(
    `select kind, unit.code as currency, sum(debits_posted - credits_posted)::bigint as balance
     from account join unit on unit.no = unit_of_account(id) where kind like '%\\_clearing' group by 1, 2`,
  );
  return new Map(rows.map(({ kind, currency, balance }) => [`${kind.replace('_clearing', '')} ${currency}`, balance]));
}
