import * as audit from '../audit/index.ts';
import type { Uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import type { Tx } from '../db/index.ts';
import type { PartyId } from '../ledger/index.ts';
import type { Holder } from '../parties/index.ts';
import { type Breaker, GuessBook, STAFF, stepsFrom, whosOf } from './guess.ts';
import * as store from './store.ts';
import { type Finding, judge, type Value, type Voucher } from './voucher.ts';

/** One attempt of a batch. `macs` for a PIN, `serial` for a damaged card after two approvals. */
export type Attempt = {
  readonly macs: readonly Uuid[];
  readonly serial: bigint | undefined;
  /** Blind indexes of who asks and whose balance it is for. */
  readonly caller: Uuid;
  readonly target: Uuid;
  /** API key id, when a partner asks. */
  readonly key: string | undefined;
  /** The operator whose gateway carries the dialogue; undefined where no operator is involved. */
  readonly gateway: string | undefined;
  readonly channel: string;
  /** Staff who redeem it at somebody's request. */
  readonly actor?: string;
};

/** A card redeemed, and by whom where that is not its holder. */
export type Redeemed = store.EndRow & { readonly actor: string | undefined };

/** What the batch sees before it decides: the vouchers meant, the bars in force, today's redemptions. */
export type Scene = {
  readonly vouchers: readonly Voucher[];
  readonly values: ReadonlyMap<bigint, readonly Value[]>;
  readonly book: GuessBook;
  readonly today: ReadonlyMap<Uuid, number>;
  readonly wasTripped: boolean;
  readonly now: Date;
};

/** What an attempt came to: a voucher to credit, one already credited to the same number, or a refusal. */
export type Verdict = { readonly kind: 'redeem' | 'yours'; readonly voucher: Voucher } | Refusal;

/** Values of batches met before. They never change once written, so they are kept as long as the database is; a batch is a few bytes. */
export type KnownValues = Map<bigint, readonly Value[]>;
const KNOWN_VALUES_MAX = 10_000;

/** Reads everything a batch of attempts needs, in one round trip (two when a batch of cards is met for the first time). */
export async function survey(
  tx: Tx,
  attempts: readonly Attempt[],
  { now, knownValues }: { now: Date; knownValues: KnownValues },
): Promise<Scene> {
  const whos = new Map(attempts.flatMap((attempt) => whosOf(attempt)).map((who) => [`${who.scope}:${who.id}`, who]));
  const breakerFrom = new Date(now.getTime() - limits.breakerWindowMs);
  const [byMac, bySerial, guesses, breakerRow, today] = await Promise.all([
    store.findByMac(tx, [...new Set(attempts.flatMap((attempt) => attempt.macs))]),
    store.findBySerial(
      tx,
      attempts.flatMap((attempt) => (attempt.serial === undefined ? [] : [attempt.serial])),
    ),
    store.findGuesses(tx, [...whos.values()]),
    store.readBreaker(tx, breakerFrom),
    store.countRedemptions(tx, [...new Set(attempts.map((attempt) => attempt.target))], astanaMidnight(now)),
  ]);
  const vouchers = [...byMac, ...bySerial];
  const breaker: Breaker = {
    trippedAt: breakerRow.tripped_at ?? undefined,
    lastDirtyAt: breakerRow.last_dirty_at ?? undefined,
    attempts: breakerRow.attempts,
    missing: breakerRow.missing,
  };
  const book = new GuessBook(guesses, breaker, now);
  return { vouchers, values: await valuesOf(tx, vouchers, knownValues), book, today, wasTripped: book.tripped, now };
}

async function valuesOf(
  tx: Tx,
  vouchers: readonly Voucher[],
  knownValues: KnownValues,
): Promise<ReadonlyMap<bigint, readonly Value[]>> {
  const unknown = [...new Set(vouchers.map((voucher) => voucher.batch))].filter((batch) => !knownValues.has(batch));
  if (unknown.length > 0) {
    if (knownValues.size > KNOWN_VALUES_MAX) knownValues.clear();
    for (const [batch, values] of await store.findValues(tx, unknown)) knownValues.set(batch, values);
  }
  return knownValues;
}

/** Midnight in Astana (UTC+5 all year since 2024-03-01): the day that "20 redemptions a day" counts. */
function astanaMidnight(now: Date): Date {
  const shifted = new Date(now.getTime() + 5 * 3_600_000);
  shifted.setUTCHours(0, 0, 0, 0);
  return new Date(shifted.getTime() - 5 * 3_600_000);
}

/**
 * Decides attempts in order. An attempt sees what those before it in the batch did: a PIN twice is credited once, a fifth wrong
 * try bars the sixth.
 */
export function decideAttempts(
  scene: Scene,
  attempts: readonly Attempt[],
  holderOf: (attempt: Attempt) => Holder | undefined,
): { verdicts: Verdict[]; refusals: store.RefusalRow[] } {
  const byMac = new Map(scene.vouchers.map((voucher) => [voucher.mac, voucher]));
  const bySerial = new Map(scene.vouchers.map((voucher) => [voucher.serial, voucher]));
  const taken = new Map<Uuid, Uuid>();
  const today = new Map(scene.today);
  const refusals: store.RefusalRow[] = [];
  const verdicts = attempts.map((attempt): Verdict => {
    const whos = whosOf(attempt);
    const barred = attempt.serial === undefined ? scene.book.barredUntil(whos) : undefined;
    const holder = holderOf(attempt);
    const voucher = pick(attempt, byMac, bySerial);
    const finding = findingOf(voucher, attempt, { taken, subscriber: holder?.id, now: scene.now });
    // Somebody who asks again about their own card gets the answer even while barred: it tells them nothing new.
    if (finding === 'yours' && voucher) return { kind: 'yours', voucher };
    // A bar that staff lift has no end to be told.
    if (barred) return new Refusal('voucher.guess_barred', barred < STAFF ? { until: barred.toISOString() } : {});
    // A closed number takes no credit, and is not told whether the card was good.
    if (holder?.status === 'closed') return new Refusal('subscriber.closed');
    scene.book.count(finding, whos);
    if (finding === 'other_operator' && voucher)
      return new Refusal('voucher.wrong_operator', { operator: voucher.operator });
    if (finding !== 'redeemable' || !voucher) {
      refusals.push(refusalRow(attempt, finding, voucher));
      return new Refusal('voucher.refused');
    }
    const count = (today.get(attempt.target) ?? 0) + 1;
    if (count > limits.redemptionsPerDayMax)
      return new Refusal('voucher.daily_limit', { max: limits.redemptionsPerDayMax });
    today.set(attempt.target, count);
    taken.set(voucher.mac, attempt.target);
    return { kind: 'redeem', voucher };
  });
  return { verdicts, refusals };
}

function refusalRow(attempt: Attempt, reason: Finding, voucher: Voucher | undefined): store.RefusalRow {
  const { channel, caller, target } = attempt;
  return { reason, channel, caller, target, serial: voucher?.serial ?? null };
}

function pick(
  attempt: Attempt,
  byMac: ReadonlyMap<Uuid, Voucher>,
  bySerial: ReadonlyMap<bigint, Voucher>,
): Voucher | undefined {
  if (attempt.serial !== undefined) return bySerial.get(attempt.serial);
  for (const mac of attempt.macs) {
    const voucher = byMac.get(mac);
    if (voucher) return voucher;
  }
  return undefined;
}

function findingOf(
  voucher: Voucher | undefined,
  attempt: Attempt,
  context: { taken: ReadonlyMap<Uuid, Uuid>; subscriber: PartyId | undefined; now: Date },
): Finding {
  const takenBy = voucher && context.taken.get(voucher.mac);
  if (takenBy !== undefined) return takenBy === attempt.target ? 'yours' : 'used';
  return judge(voucher, {
    subscriber: context.subscriber,
    gateway: attempt.gateway,
    at: context.now,
    bySerial: attempt.serial !== undefined,
  });
}

/** Writes what was decided. Nothing is awaited: it travels with the COMMIT. */
export function record(
  tx: Tx,
  scene: Scene,
  outcome: { ends: readonly Redeemed[]; refusals: readonly store.RefusalRow[]; stripe: number },
): void {
  const { ends, refusals } = outcome;
  const { now } = scene;
  // In one order, so that two batches with the same cards cannot wait for each other.
  const inOrder = [...ends].sort((a, b) => (a.voucher.mac < b.voucher.mac ? -1 : 1));
  if (ends.length > 0) store.insertRedemptions(tx, inOrder, now);
  for (const end of inOrder) if (end.actor !== undefined) recordStaff(tx, end, end.actor);
  if (refusals.length > 0) store.insertRefusals(tx, refusals, now);
  const { attempts, missing } = scene.book.attempts;
  if (attempts > 0) store.addAttempts(tx, now, { stripe: outcome.stripe, attempts, missing });
  const added = scene.book.added;
  if (added.length > 0) store.addGuesses(tx, added, stepsFrom(now));
  if (!scene.book.dirty) return;
  store.markDirty(tx, now, !scene.wasTripped);
  if (!scene.wasTripped)
    audit.record(tx, {
      actor: 'system',
      action: 'voucher.breaker_tripped',
      subject: 'vouchers',
      details: { attempts, missing },
    });
}

function recordStaff(tx: Tx, { voucher, subscriber, event }: Redeemed, actor: string): void {
  const details = { subscriber: String(subscriber), event };
  audit.record(tx, { actor, action: 'voucher.redeem', subject: `serial:${voucher.serial}`, details });
}

/** Staff lift the bars on a number or an API key. */
export async function unbar(tx: Tx, request: { id: string; actor: string }): Promise<number> {
  const lifted = await store.deleteGuesses(tx, request.id);
  audit.record(tx, {
    actor: request.actor,
    action: 'voucher.unbar',
    subject: `guess:${request.id}`,
    details: { lifted },
  });
  return lifted;
}
