import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { Refusal } from '../../base/refusal.ts';
import { withTx } from '../../db/index.ts';
import { type Book, referenceOf } from './book.ts';
import { takeOwed } from './intake.ts';
import * as partStore from './part_store.ts';
import { type Handed, type SmsPatience, settledParts } from './settle.ts';
import type { SmsRoute, SmsSubmission } from './sms.ts';
import * as store from './store.ts';
import { type Words, type WordsDeps, wordsOf } from './words.ts';

export type WorkerDeps = WordsDeps & {
  readonly clock: Clock;
  readonly book: Book;
  readonly patience: SmsPatience;
  readonly onError: (error: unknown) => void;
  /** A whole round failed: as a rule the database is away. */
  readonly onRoundError: (error: unknown) => void;
};

export type SmsWorker = {
  /** Something may be due now: looks at once instead of at the next poll. */
  poke(): void;
  /** Ends after what is in hand. */
  stop(): Promise<void>;
};

/** Reads the outbox, and hands over what is due by each route as fast as it takes it, until stopped. */
export function startSmsWorker(deps: WorkerDeps, routes: readonly SmsRoute[]): SmsWorker {
  const alarm = new Alarm();
  const running = [repeat(deps, alarm, () => readOutbox(deps, routes)), ...routes.map((route) => serveRoute(route))];
  return {
    poke: () => alarm.ring(),
    async stop() {
      alarm.stop();
      await Promise.all(running);
    },
  };

  async function serveRoute(route: SmsRoute): Promise<void> {
    const inHand = new Set<Promise<void>>();
    await repeat(deps, alarm, async () => {
      // What is begun is not waited for before more is taken; a few at a time, since each claim is a statement.
      const room = route.inHandMax - inHand.size;
      if (room < route.inHandMax / 4 && inHand.size > 0) {
        await Promise.race(inHand);
        return true;
      }
      const works = await begin(deps, route, room);
      for (const work of works) {
        inHand.add(work);
        void work.then(() => inHand.delete(work));
      }
      return works.length > 0;
    });
    await Promise.all(inHand);
  }
}

/** Rings for everybody who waits. */
class Alarm {
  isStopped = false;
  #bell = new AbortController();

  ring(): void {
    this.#bell.abort();
    this.#bell = new AbortController();
  }

  stop(): void {
    this.isStopped = true;
    this.ring();
  }

  async wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#bell.signal }).catch(() => undefined);
  }
}

/** Rounds without end: at once while there is more, else at the next poll. */
async function repeat(deps: WorkerDeps, alarm: Alarm, round: () => Promise<boolean>): Promise<void> {
  while (!alarm.isStopped) {
    const isMore = await round().catch((error: unknown) => {
      deps.onRoundError(error);
      return false;
    });
    if (!isMore && !alarm.isStopped) await alarm.wait(limits.workerPollMs);
  }
}

async function readOutbox(deps: WorkerDeps, routes: readonly SmsRoute[]): Promise<boolean> {
  if (routes.length === 0) return false;
  const operators = [...new Set(routes.map((route) => route.operator))];
  return takeOwed({ db: deps.db, now: () => deps.clock.now(), operators, validMs: deps.patience.smsValidMs });
}

/** Takes what is due and begins to hand each over. */
async function begin(deps: WorkerDeps, route: SmsRoute, limit: number): Promise<Promise<void>[]> {
  const { operator } = route;
  const now = deps.clock.now();
  const until = new Date(now.getTime() + deps.patience.smsClaimMs);
  const sentBefore = new Date(now.getTime() - deps.patience.smsReceiptMs);
  const { claimed, parts } = await withTx(deps.db, async (tx) => {
    const expired = await store.expireDue(tx, { operator, now, sentBefore, limit: limits.smsSweepRows });
    // Whoever cannot hand anything over leaves it where it is, for another bind of the same operator.
    if (!route.isOpen() || expired === limits.smsSweepRows) return { claimed: [], parts: [] };
    const taken = await store.claimDue(tx, { operator, now, until, limit });
    const silent = taken.flatMap(({ id, was }) => (was === 'sent' ? [id] : []));
    partStore.silenceParts(tx, silent);
    const again = taken.flatMap(({ id, copies }) => (copies > 0 ? [id] : []));
    return { claimed: taken, parts: again.length > 0 ? await partStore.readParts(tx, again) : [] };
  });
  if (claimed.length === 0) return [];
  const words = await wordsOf(deps, claimed, route.language);
  const settled = Map.groupBy(parts, (part) => part.sms);
  return claimed.map((sms, index) =>
    handOver(deps, route, {
      sms,
      words: words[index] ?? { drop: 'number.erased' },
      settled: settledParts(settled.get(sms.id) ?? []),
      until,
    }).catch((error: unknown) => {
      // Found again when its claim is over.
      if (!(error instanceof Refusal)) deps.onError(error);
    }),
  );
}

type Handing = {
  readonly sms: store.Claimed;
  readonly words: Words;
  readonly settled: ReadonlySet<number>;
  readonly until: Date;
};

/** Hands the parts over one after the other, and writes down what was answered. */
async function handOver(deps: WorkerDeps, route: SmsRoute, { sms, words, settled, until }: Handing): Promise<void> {
  const validMs = Math.min(deps.patience.smsHoldMs, sms.expiresAt.getTime() - deps.clock.now().getTime());
  const handed = { id: sms.id, claimedUntil: until, gateway: route.id, hasReceipts: route.hasReceipts, validMs };
  if ('drop' in words) {
    const end = { kind: 'refused', reason: words.drop } as const;
    await write(deps, { ...handed, text: '', parts: sms.parts ?? 1, taken: [], end });
    return;
  }
  const { to, text, repeated } = words;
  const parts = sms.parts ?? route.partsOf(text);
  // A part of a long one must fit those that may be there already, so the words of that stay as they are.
  const isMarked = sms.isDoubtful && parts === 1 && route.partsOf(repeated) === 1;
  const taken: { part: number; messageId: string }[] = [];
  let end: Handed['end'] = { kind: 'accepted' };
  for (let part = 1; part <= parts && end.kind === 'accepted'; part += 1) {
    if (settled.has(part)) continue;
    const submission: SmsSubmission = {
      to,
      text: isMarked ? repeated : text,
      part,
      reference: referenceOf(sms.id),
      validMs,
    };
    const outcome = await route.submit(submission);
    if (outcome.kind === 'accepted') taken.push({ part, messageId: outcome.messageId });
    else end = outcome;
  }
  await write(deps, { ...handed, text, parts, taken, end });
}

/** However long the database is away: what an SMS centre has answered is worth waiting with. A process that ends leaves it in doubt. */
async function write({ book, patience }: WorkerDeps, handed: Handed): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await book.submit(0, { kind: 'handed', handed });
      return;
    } catch (error) {
      const isPassing = error instanceof Refusal && error.code === 'system.unavailable';
      if (!isPassing || tries * limits.laneRetryMs > patience.smsClaimMs) throw error;
    }
  }
}
