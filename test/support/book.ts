import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { type Uuid, uuidOf } from '../../src/base/ids.ts';
import type { Msisdn } from '../../src/base/msisdn.ts';
import { withTx } from '../../src/db/index.ts';
import type { TestPlatform } from './platform.ts';

// Orders, payments, refunds, disputes and deliveries as the owner of the tables writes them: what reports are compared with, in any
// state, without the life that leads there.

export const newOrderId = (): Uuid => uuidOf(randomUUID().replaceAll('-', ''));

export type BookPayment = {
  orderId: Uuid;
  no?: number;
  provider?: string;
  state?: string;
  externalId?: string | null;
  captureId?: string | null;
  currency?: string;
  amountMinor?: bigint;
  refundedMinor?: bigint;
  openedAt: Date;
  capturedAt?: Date;
};

export type BookRefund = {
  orderId: Uuid;
  no?: number;
  payment?: number;
  currency?: string;
  amountMinor?: bigint;
  state?: string;
  externalId?: string | null;
  createdAt: Date;
  endedAt?: Date;
};

export type BookDispute = {
  provider?: string;
  externalId: string;
  orderId: Uuid;
  currency?: string;
  amountMinor?: bigint;
  state?: string;
  openedAt: Date;
};

export type BookDelivery = {
  orderId: Uuid;
  attempt?: number;
  route?: string;
  reference: string;
  state?: string;
  operatorReference?: string | null;
  faceMinor?: bigint;
  subscriber?: bigint;
  beganAt: Date;
  endedAt?: Date | null;
};

const insert = (table: string, row: Record<string, unknown>): { text: string; values: unknown[] } => {
  const columns = Object.keys(row);
  const places = columns.map((_, at) => `$${at + 1}`);
  return {
    text: `insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})`,
    values: Object.values(row),
  };
};

export function bookOf(owner: Pick<pg.Pool, 'query'>) {
  const write = async (table: string, row: Record<string, unknown>): Promise<void> => {
    await owner.query(insert(table, row));
  };
  return {
    payment: (payment: BookPayment) => {
      const { state = 'captured', amountMinor = 500_00n, openedAt } = payment;
      const isCaptured = state === 'captured';
      return write('payment', {
        order_id: payment.orderId,
        no: payment.no ?? 1,
        provider: payment.provider ?? 'stripe',
        state,
        external_id: payment.externalId ?? null,
        capture_id: payment.captureId ?? null,
        currency: payment.currency ?? 'KZT',
        amount_minor: amountMinor,
        worth_minor: amountMinor,
        captured_minor: isCaptured ? amountMinor : 0n,
        refunded_minor: payment.refundedMinor ?? 0n,
        opened_at: openedAt,
        expires_at: new Date(openedAt.getTime() + 3_600_000),
        captured_at: isCaptured ? (payment.capturedAt ?? openedAt) : null,
      });
    },
    refund: (refund: BookRefund) => {
      const amountMinor = refund.amountMinor ?? 500_00n;
      const { state = 'done', createdAt } = refund;
      return write('refund', {
        order_id: refund.orderId,
        no: refund.no ?? 1,
        payment: refund.payment ?? 1,
        currency: refund.currency ?? 'KZT',
        amount_minor: amountMinor,
        worth_minor: amountMinor,
        state,
        reason: 'test',
        actor: 'test',
        external_id: refund.externalId ?? null,
        promised_by: '2026-12-31',
        created_at: createdAt,
        ended_at: state === 'done' || state === 'failed' ? (refund.endedAt ?? createdAt) : null,
      });
    },
    dispute: (dispute: BookDispute) => {
      const { state = 'open', openedAt } = dispute;
      return write('dispute', {
        provider: dispute.provider ?? 'stripe',
        external_id: dispute.externalId,
        order_id: dispute.orderId,
        payment: 1,
        currency: dispute.currency ?? 'KZT',
        amount_minor: dispute.amountMinor ?? 500_00n,
        state,
        reason: 'fraudulent',
        opened_at: openedAt,
        ended_at: state === 'open' ? null : openedAt,
      });
    },
    /** With the order it belongs to. */
    delivery: async (delivery: BookDelivery) => {
      const { state = 'delivered', beganAt } = delivery;
      const isEnded = state === 'delivered' || state === 'refused';
      const order = {
        id: delivery.orderId,
        state: 'draft',
        state_since: beganAt,
        subscriber: delivery.subscriber ?? 0n,
        operator: 'kcell',
        language: 'en',
        face_minor: delivery.faceMinor ?? 500_00n,
        created_at: beganAt,
      };
      await owner.query({
        ...insert('topup_order', order),
        text: `${insert('topup_order', order).text} on conflict do nothing`,
      });
      await write('delivery', {
        order_id: delivery.orderId,
        attempt: delivery.attempt ?? 1,
        route: delivery.route ?? 'osmp',
        operator: 'kcell',
        reference: delivery.reference,
        state,
        operator_reference: delivery.operatorReference ?? null,
        began_at: beganAt,
        ended_at: delivery.endedAt === undefined ? (isEnded ? beganAt : null) : delivery.endedAt,
      });
    },
    /** As if nothing had ever been imported or sold. */
    wipe: async () => {
      await owner.query(`do $$ begin
          set local session_replication_role = replica;
          truncate recon_file, recon_line, recon_difference, payment, refund, dispute, delivery, topup_order;
        end $$`);
    },
  };
}

/** Whom a number is known as, registered as its first credit would. */
export async function subscriberOf(platform: TestPlatform, msisdn: Msisdn): Promise<bigint> {
  const number = { ...platform.subscribers.refer(msisdn), operator: 'kcell' };
  const holders = await withTx(platform.db, (tx) => platform.subscribers.register(tx, [number]));
  const [holder] = holders.values();
  if (!holder) throw new Error('a registered number has a holder');
  return holder.id;
}
