import type { Clock } from '../base/clock.ts';
import type { Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { createLanes, type Db, type Tx, withTx } from '../db/index.ts';
import * as store from './store.ts';

/** One dialogue on one gateway. `number` is the caller's blind index. */
export type DialogueRef = { readonly gateway: string; readonly session: string; readonly number: Uuid };

/** `state` belongs to the channel and is not read here; it holds no clear PIN and no number. */
export type Dialogue = DialogueRef & { readonly state: string; readonly startedAt: Date; readonly updatedAt: Date };

export type Dialogues = {
  /** The dialogue of this session, and, where `earlier` is asked for, the latest other one of the number that may be resumed. */
  load(query: DialogueRef & { earlier: boolean }): Promise<Found>;
  save(dialogue: Omit<Dialogue, 'updatedAt'>): Promise<void>;
  /** Forgets a dialogue of which nothing is owed any more. */
  end(ref: Pick<DialogueRef, 'gateway' | 'session'>): Promise<void>;
  /** Deletes what is too old to matter, in bounded batches; answers how many. */
  sweep(): Promise<number>;
  readonly waiting: number;
  close(): Promise<void>;
};

type Found = { readonly own: Dialogue | undefined; readonly earlier: Dialogue | undefined };
type Item =
  | { readonly kind: 'load'; readonly query: DialogueRef & { earlier: boolean } }
  | { readonly kind: 'save'; readonly row: store.SessionRow }
  | { readonly kind: 'end'; readonly ref: Pick<DialogueRef, 'gateway' | 'session'> };

export type DialoguesOptions = {
  readonly db: Db;
  readonly clock: Clock;
  readonly lanes: number;
  readonly onBatch?: (batch: { lane: number; size: number; ms: number }) => void;
  readonly onError?: (error: unknown) => void;
};

const nothing: Found = { own: undefined, earlier: undefined };

export function createDialogues({ db, clock, lanes: count, onBatch, onError }: DialoguesOptions): Dialogues {
  const lanes = createLanes<Item, Found>({
    url: db.url,
    name: 'dialogue',
    count,
    work: (tx, items) => workOn(tx, items, clock.now()),
    ...(onBatch && { onBatch }),
    ...(onError && { onError }),
  });
  const submit = (ref: { session: string }, item: Item): Promise<Found> => lanes.submit(routeOf(ref.session), item);
  return {
    load: (query) => submit(query, { kind: 'load', query }),
    async save({ gateway, session, number, state, startedAt }) {
      const row = { gateway, session, number_index: number, state, started_at: startedAt, updated_at: clock.now() };
      await submit(row, { kind: 'save', row });
    },
    async end(ref) {
      await submit(ref, { kind: 'end', ref });
    },
    async sweep() {
      const before = new Date(clock.now().getTime() - limits.ussdKeptMs);
      let swept = 0;
      for (let batch = 0; batch < limits.ussdSweepBatchesMax; batch += 1) {
        const gone = await withTx(db, (tx) => store.sweep(tx, before, limits.ussdSweepRows));
        swept += gone;
        if (gone < limits.ussdSweepRows) break;
      }
      return swept;
    },
    get waiting() {
      return lanes.waiting;
    },
    close: () => lanes.close(),
  };
}

/** The steps of a session take the same lane, so a save is seen by the next load. FNV-1a. */
function routeOf(session: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < session.length; at += 1) hash = Math.imul(hash ^ session.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/**
 * One batch, one round trip: reads, saves and the COMMIT are sent together, and reads see what was there before the batch.
 * Nothing is flushed at the COMMIT, because it only touches an unlogged table.
 */
async function workOn(tx: Tx, items: readonly Item[], now: Date): Promise<() => Promise<Found[]>> {
  const queries = items.flatMap((item) => (item.kind === 'load' ? [item.query] : []));
  const redials = queries.filter((query) => query.earlier);
  const own = queries.length > 0 ? store.find(tx, queries) : Promise.resolve([]);
  const since = new Date(now.getTime() - limits.ussdKeptMs);
  const wanted = redials.map(({ gateway, session, number }) => ({ gateway, session, number_index: number }));
  const earlier = redials.length > 0 ? store.findEarlier(tx, wanted, since) : Promise.resolve([]);
  const rows = Promise.all([own, earlier]);
  // Read after the commit, whose failure is the one that is reported.
  rows.catch(() => undefined);
  const saves = lastOfEach(items.flatMap((item) => (item.kind === 'save' ? [item.row] : [])));
  if (saves.length > 0) store.save(tx, saves);
  const ends = items.flatMap((item) => (item.kind === 'end' ? [item.ref] : []));
  if (ends.length > 0) store.end(tx, ends);
  return async () => {
    const [ownRows, earlierRows] = await rows;
    const byKey = new Map(ownRows.map((row) => [keyOf(row), dialogueOf(row)]));
    const byQuery = new Map(earlierRows.map((row) => [redials[row.nth - 1], dialogueOf(row)]));
    return items.map((item) => {
      if (item.kind !== 'load') return nothing;
      const mine = byKey.get(keyOf(item.query));
      const before = byQuery.get(item.query);
      return {
        // A session id that another number has used before is a new dialogue.
        own: mine?.number === item.query.number ? mine : undefined,
        earlier: before && isResumable(before, now) ? before : undefined,
      };
    });
  };
}

function isResumable(dialogue: Dialogue, now: Date): boolean {
  return now.getTime() - dialogue.updatedAt.getTime() <= limits.ussdSessionMs;
}

function keyOf({ gateway, session }: { gateway: string; session: string }): string {
  return `${gateway} ${session}`;
}

/** One row a session, in one order for everybody, so that two batches over the same sessions cannot wait for each other. */
function lastOfEach(rows: readonly store.SessionRow[]): store.SessionRow[] {
  const last = new Map(rows.map((row) => [keyOf(row), row]));
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
}

function dialogueOf(row: store.SessionRow): Dialogue {
  return {
    gateway: row.gateway,
    session: row.session,
    number: row.number_index,
    state: row.state,
    startedAt: row.started_at,
    updatedAt: row.updated_at,
  };
}
