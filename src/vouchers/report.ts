import { formatAmount } from '../base/money.ts';
import { Refusal } from '../base/refusal.ts';
import type { Db } from '../db/index.ts';
import { type Batch, type BatchState, valueText } from './batch.ts';
import * as store from './batch_store.ts';
import type { EndKind, RangeState, Value } from './voucher.ts';

/** What a voucher counts as: how it ended, else that its card is past its date, else the state of its stretch. */
export type EffectiveState = RangeState | EndKind | 'not_generated';

export type StateCount = {
  readonly state: EffectiveState;
  readonly count: bigint;
  /** Face value of these vouchers, `1000.00 KZT`. */
  readonly worth: string;
};

/** A batch by the states of its vouchers; the counts add up to the batch. */
export type BatchReport = {
  readonly batch: bigint;
  readonly operator: string;
  readonly state: BatchState;
  readonly count: number;
  readonly value: string;
  readonly states: readonly StateCount[];
};

export async function reportBatch(db: Db, batch: Batch, now: Date): Promise<BatchReport> {
  const counts = new Map<EffectiveState, bigint>();
  const add = (state: EffectiveState, count: bigint): void => {
    if (count > 0n) counts.set(state, (counts.get(state) ?? 0n) + count);
  };
  const rows = await store.readCounts(db, batch.id);
  for (const row of rows) {
    add('redeemed', row.redeemed);
    add('void', row.void);
    add('expired', row.expired);
    const live = row.size - row.redeemed - row.void - row.expired;
    add(batch.expiresAt <= now ? 'expired' : row.state, live);
  }
  if (rows.length === 0) add('not_generated', BigInt(batch.count));
  return {
    batch: batch.id,
    operator: batch.operator,
    state: batch.state,
    count: batch.count,
    value: valueText(batch.values),
    states: [...counts].map(([state, count]) => ({ state, count, worth: worthOf(batch.values, count) })),
  };
}

function worthOf(values: readonly Value[], count: bigint): string {
  return values.map(({ unit, amount }) => `${formatAmount(amount * count, unit)} ${unit}`).join(' + ');
}

/** One card as staff see it. Who redeemed it is an opaque id: the number is for those who may see subscribers. */
export type CardReport = {
  readonly serial: bigint;
  readonly batch: bigint;
  readonly operator: string;
  readonly value: string;
  readonly state: EffectiveState;
  readonly issued: boolean;
  readonly redeemBefore: Date;
  readonly end:
    | {
        readonly kind: EndKind;
        readonly at: Date;
        readonly subscriber: bigint | undefined;
        readonly event: string | undefined;
        readonly channel: string | undefined;
      }
    | undefined;
};

export async function reportCard(db: Db, serial: bigint, now: Date): Promise<CardReport> {
  const [batch, row] = await Promise.all([store.readBatchOfSerial(db, serial), store.readSerial(db, serial)]);
  if (!batch) throw new Refusal('serial.not_found');
  return {
    serial,
    batch: batch.id,
    operator: batch.operator,
    value: valueText(batch.values),
    state: stateOf(row, batch, now),
    issued: row?.issued ?? false,
    redeemBefore: batch.expiresAt,
    end: endOf(row),
  };
}

function stateOf(row: store.SerialRow | undefined, batch: Batch, now: Date): EffectiveState {
  if (!row?.state) return 'not_generated';
  return row.end_kind ?? (batch.expiresAt <= now ? 'expired' : row.state);
}

function endOf(row: store.SerialRow | undefined): CardReport['end'] {
  if (!row?.end_kind || !row.ended_at) return undefined;
  return {
    kind: row.end_kind,
    at: row.ended_at,
    subscriber: row.subscriber ?? undefined,
    event: row.event ?? undefined,
    channel: row.channel ?? undefined,
  };
}
