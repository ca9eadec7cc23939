import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type pg from 'pg';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { isConnectionLoss, isContention, openSession, Transaction, type Tx } from './connection.ts';

/** What one item of a batch gets: its own answer, or its own refusal; never its neighbour's. */
export type Answer<O> = O | Refusal;

/**
 * Does one batch inside `tx`. Writes are sent without waiting and travel with the COMMIT; the returned function is called
 * only after the COMMIT is durable and gives one answer an item, in order. `turn.careful` is false on the optimistic first
 * try and true after a lost race (a key just taken, a floor met): then everything is locked before it is decided.
 * May run again after an error, so it does database work only.
 */
export type BatchWork<I, O> = (
  tx: Tx,
  items: readonly I[],
  turn: Turn,
) => Promise<() => Promise<Answer<O>[]> | Answer<O>[]>;

/** `stripe` is the lane's own stripe of the system accounts, so that lanes do not meet on a hot row. */
export type Turn = { readonly careful: boolean; readonly stripe: number };

export type LaneOptions<I, O> = {
  readonly url: string;
  readonly name: string;
  readonly count: number;
  readonly batchMax?: number;
  readonly work: BatchWork<I, O>;
  /** Told of each committed batch and each unexpected error: the seam where lanes are measured and logged. */
  readonly onBatch?: (batch: { lane: number; size: number; ms: number }) => void;
  readonly onError?: (error: unknown, size: number) => void;
};

export type Lanes<I, O> = {
  /** Joins the next batch of the lane that `route` falls on. Items of one route never run side by side in this process. */
  submit(route: number, item: I): Promise<O>;
  /** Many at once: one promise, one answer an item, in order. */
  submitMany(routed: readonly { route: number; item: I }[]): Promise<Answer<O>[]>;
  readonly waiting: number;
  /** Refuses new work, finishes what was taken, closes connections. */
  close(): Promise<void>;
};

/** Stripes of each system account, see migrations/0001. */
const STRIPES = 16;

type Waiter<I, O> = { item: I; settle(answer: Answer<O> | Error): void };

/**
 * One connection and one queue. While a batch is being committed the next one gathers; an idle lane sends at once, a busy
 * lane batches by itself, and no timer is involved. The next batch is sent before the answers of the last one are
 * handed out, so the database works while this process writes replies.
 */
class Lane<I, O> {
  readonly #options: LaneOptions<I, O>;
  readonly #index: number;
  #queue: Waiter<I, O>[] = [];
  #running: Promise<void> | undefined;
  #session: pg.Client | undefined;

  constructor(options: LaneOptions<I, O>, index: number) {
    this.#options = options;
    this.#index = index;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  push(waiter: Waiter<I, O>): void {
    this.#queue.push(waiter);
    // Deferred to the end of this turn of the event loop, so that requests read from many sockets at once share a batch.
    this.#running ??= nextTurn().then(() => this.#drainQueue());
  }

  async close(): Promise<void> {
    while (this.#running) await this.#running;
    await this.#session?.end().catch(() => undefined);
  }

  async #drainQueue(): Promise<void> {
    let handOut = (): void => undefined;
    while (this.#queue.length > 0) {
      const batch = this.#take();
      const execution = this.#executeOrSplit(batch, Date.now() + limits.laneRetryMs);
      handOut();
      const answers = await execution;
      handOut = () => {
        for (let i = 0; i < batch.length; i += 1)
          batch[i]?.settle(answers[i] ?? new Error('a batch answers each item'));
      };
    }
    this.#running = undefined;
    handOut();
  }

  #take(): Waiter<I, O>[] {
    const max = this.#options.batchMax ?? limits.laneBatchMax;
    if (this.#queue.length <= max) {
      const all = this.#queue;
      this.#queue = [];
      return all;
    }
    return this.#queue.splice(0, max);
  }

  /** An unexpected error is narrowed down by halves, so that only the item that causes it fails. */
  async #executeOrSplit(batch: readonly Waiter<I, O>[], deadline: number): Promise<(Answer<O> | Error)[]> {
    try {
      return await this.#executeWithRetry(batch, deadline);
    } catch (error) {
      if (isConnectionLoss(error)) return batch.map(() => new Refusal('system.unavailable'));
      if (batch.length === 1) {
        this.#options.onError?.(error, 1);
        return [error instanceof Error ? error : new Error(String(error))];
      }
      const half = batch.length >> 1;
      const head = await this.#executeOrSplit(batch.slice(0, half), deadline);
      return [...head, ...(await this.#executeOrSplit(batch.slice(half), deadline))];
    }
  }

  async #executeWithRetry(batch: readonly Waiter<I, O>[], deadline: number): Promise<Answer<O>[]> {
    const items = batch.map((waiter) => waiter.item);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#execute(items, attempt > 1);
      } catch (error) {
        if (isConnectionLoss(error)) {
          this.#dropSession();
          if (Date.now() > deadline) throw error;
          await delay(limits.laneBackoffMs);
        } else if (!isContention(error) || attempt > limits.txRetriesMax) {
          throw error;
        }
      }
    }
  }

  async #execute(items: readonly I[], careful: boolean): Promise<Answer<O>[]> {
    const startedAt = performance.now();
    const session = this.#session ?? (await this.#open());
    const tx = new Transaction(session);
    try {
      const finish = await this.#options.work(tx, items, { careful, stripe: (process.pid + this.#index) % STRIPES });
      await tx.commit();
      const answers = await finish();
      this.#options.onBatch?.({ lane: this.#index, size: items.length, ms: performance.now() - startedAt });
      return answers;
    } catch (error) {
      throw isConnectionLoss(error) ? error : ((await tx.rollback()) ?? error);
    }
  }

  async #open(): Promise<pg.Client> {
    const session = await openSession(this.#options.url, `${this.#options.name} lane ${this.#index}`);
    session.on('end', () => {
      if (this.#session === session) this.#session = undefined;
    });
    // A lane statement touches the rows it names, by key, in the order they are named. These settings pin that plan: it is
    // what keeps the locks of two lanes in one order, and what keeps ten million vouchers as fast as a thousand.
    await session.query(
      'set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off; set enable_bitmapscan = off; set jit = off',
    );
    this.#session = session;
    return session;
  }

  #dropSession(): void {
    const session = this.#session;
    this.#session = undefined;
    session?.end().catch(() => undefined);
  }
}

export function createLanes<I, O>(options: LaneOptions<I, O>): Lanes<I, O> {
  const lanes = Array.from({ length: options.count }, (_, index) => new Lane(options, index));
  let closed = false;
  const laneOf = (route: number): Lane<I, O> | undefined => lanes[route % lanes.length];
  const admit = (route: number): Lane<I, O> => {
    const lane = laneOf(route);
    if (closed || !lane || lane.waiting >= limits.laneQueueMax) throw new Refusal('system.busy');
    return lane;
  };
  return {
    submit: (route, item) =>
      new Promise<O>((resolve, reject) => {
        admit(route).push({
          item,
          settle: (answer) => (answer instanceof Error ? reject(answer) : resolve(answer)),
        });
      }),
    submitMany: (routed) =>
      new Promise<Answer<O>[]>((resolve, reject) => {
        const answers: Answer<O>[] = new Array(routed.length);
        let open = routed.length;
        if (open === 0) resolve(answers);
        const admitted = routed.map(({ route }) => admit(route));
        routed.forEach(({ item }, index) => {
          const settle = (answer: Answer<O> | Error): void => {
            if (answer instanceof Error && !(answer instanceof Refusal)) reject(answer);
            else answers[index] = answer;
            open -= 1;
            if (open === 0) resolve(answers);
          };
          admitted[index]?.push({ item, settle });
        });
      }),
    get waiting() {
      return lanes.reduce((sum, lane) => sum + lane.waiting, 0);
    },
    async close() {
      closed = true;
      await Promise.all(lanes.map((lane) => lane.close()));
    },
  };
}
