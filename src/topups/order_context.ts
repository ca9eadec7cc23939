import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Uuid } from '../base/ids.ts';
import type { Keyring } from '../base/keyring.ts';
import { Refusal } from '../base/refusal.ts';
import type { Catalogue } from '../catalogue/index.ts';
import type { Db, Tx } from '../db/index.ts';
import type { Delivery, RouteId } from '../delivery/index.ts';
import { type LedgerEvent, post } from '../ledger/index.ts';
import type { Subscribers } from '../parties/index.ts';
import { type PaymentProvider, type ProviderId, ProviderUnavailable } from '../payments/index.ts';
import type { Rates } from '../rates/index.ts';
import type { Mail } from './contact.ts';
import type { Order } from './order.ts';
import { lockOrder } from './order_store.ts';

/** Something a person should look at: it cannot happen by itself, or it must not. */
export type Alarm = {
  readonly kind: string;
  readonly provider?: ProviderId;
  readonly orderId?: Uuid;
  readonly detail?: string;
};

/** How long things may take, in milliseconds; the limits' own values unless a test is in a hurry. */
export type Patience = {
  readonly quoteMs: number;
  readonly correctionMs: number;
  readonly unsentMs: number;
  readonly unsentRetryMs: number;
  readonly unknownCaseMs: number;
  readonly absentMs: number;
  readonly claimMs: number;
  readonly enquiriesMs: readonly number[];
  readonly paymentPollsMs: readonly number[];
  readonly latePollsMs: readonly number[];
  readonly refundRetriesMs: readonly number[];
};

/** What the verbs of an order work with. */
export type OrdersDeps = {
  readonly db: Db;
  /** Connections of the workers' own: however much they have to do, those who wait for an answer are not kept waiting by it. */
  readonly workerDb: Db;
  readonly clock: Clock;
  readonly newId: () => Uuid;
  readonly subscribers: Subscribers;
  readonly catalogue: Catalogue;
  readonly rates: Rates;
  /** Those that are switched on, in the order in which they are offered. */
  readonly providers: ReadonlyMap<ProviderId, PaymentProvider>;
  readonly delivery: Delivery;
  /** Operator to the way its numbers are credited; hosted unless named. */
  readonly routes: ReadonlyMap<string, RouteId>;
  readonly patience: Patience;
  /** What the payment providers' accounts are called on a payer's statement; known to whoever has set them up, and to no interface of theirs. */
  readonly accountName: string;
  readonly keyring: Keyring;
  /** Where letters to payers go; undefined where none are sent. */
  readonly mail: Mail | undefined;
  readonly onLetter?: (outcome: 'sent' | 'refused' | 'later') => void;
  readonly onAlarm: (alarm: Alarm) => void;
  readonly onError: (error: unknown, orderId: Uuid) => void;
  /** A whole round of the worker failed: as a rule the database is away. */
  readonly onRoundError: (error: unknown) => void;
};

/** So many a minute, counted in this process. */
export class Budget {
  readonly #max: number;
  #minute = 0;
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  take(now: Date): boolean {
    const minute = Math.floor(now.getTime() / 60_000);
    if (minute !== this.#minute) this.#taken = 0;
    this.#minute = minute;
    this.#taken += 1;
    return this.#taken <= this.#max;
  }
}

export type OrdersContext = OrdersDeps & {
  /** Of refused notifications that are recorded. */
  readonly refused: Budget;
  /** Tells those who watch an order, and a worker that something may be due now. After the commit. */
  changed(orderId: Uuid): void;
};

/** The order under its lock, which whoever changes anything about it takes first. */
export async function lock(tx: Tx, id: Uuid): Promise<Order> {
  const order = await lockOrder(tx, id);
  if (!order) throw new Refusal('order.not_found');
  return order;
}

/** Posts what cannot be refused: system accounts have no floor, and each event is posted under the order's lock. */
export async function postEvents(tx: Tx, events: readonly LedgerEvent[], at: Date): Promise<void> {
  const answers = await post(tx, events, { careful: false, at });
  for (const answer of answers)
    assert(
      !(answer instanceof Refusal),
      `an event of an order was refused: ${answer instanceof Refusal ? answer.code : ''}`,
    );
}

export function providerOf(context: OrdersDeps, id: ProviderId): PaymentProvider {
  const provider = context.providers.get(id);
  // Switched off while payments of it were open: they wait until it is on again.
  if (!provider) throw new ProviderUnavailable(id, new Error('switched off'));
  return provider;
}

/**
 * A provider that does not answer is asked again by the schedule, and a database that is away is the whole round's news; anything else is a defect,
 * and the order is found again after its claim.
 */
export function failed(context: OrdersDeps, id: Uuid, error: unknown): void {
  const isPassing = error instanceof Refusal && error.code === 'system.unavailable';
  if (!(error instanceof ProviderUnavailable) && !isPassing) context.onError(error, id);
}

export function after(at: Date, ms: number): Date {
  return new Date(at.getTime() + ms);
}

/** The nth wait of a table, whose last one repeats. */
export function nthWait(table: readonly number[], n: number): number {
  return table[Math.min(n, table.length - 1)] ?? 0;
}
