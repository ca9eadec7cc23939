import type { Uuid } from '../base/ids.ts';
import { guessLadder, limits } from '../base/limits.ts';
import type { Finding } from './voucher.ts';

export type GuessScope = 'caller' | 'target' | 'key';
export type Who = { readonly scope: GuessScope; readonly id: string };

/** Wrong tries of one caller, target or API key, as stored. */
export type GuessRow = { scope: GuessScope; id: string; window_from: Date; wrong: number; barred_until: Date | null };

export type Breaker = {
  readonly trippedAt: Date | undefined;
  readonly lastDirtyAt: Date | undefined;
  readonly attempts: number;
  readonly missing: number;
};

/** Far enough to mean "until staff lift it". */
export const STAFF = new Date('9999-01-01T00:00:00Z');

/** What is added to the stored counters when the batch is written. */
export type Added = { scope: GuessScope; id: string; windowFrom: Date; wrong: number; barredUntil: Date | undefined };

/** Marks the key of a visitor of the site, who is known by address alone. */
export const VISITOR = 'visitor:';

const keyOf = (who: Who): string => `${who.scope}:${who.id}`;

/**
 * The guess ladder and the breaker of design "trust", as one batch of attempts sees them: stored counters plus what earlier
 * attempts of the same batch added, so that tries sent side by side climb the ladder one by one.
 */
export class GuessBook {
  readonly #rows: Map<string, GuessRow>;
  readonly #breaker: Breaker;
  readonly #now: Date;
  readonly #added = new Map<string, Added>();
  #attempts = 0;
  #missing = 0;

  constructor(rows: readonly GuessRow[], breaker: Breaker, now: Date) {
    this.#rows = new Map(rows.map((row) => [keyOf(row), row]));
    this.#breaker = breaker;
    this.#now = now;
  }

  /** Until when any of these is barred; undefined when none is. */
  barredUntil(whos: readonly Who[]): Date | undefined {
    let latest: Date | undefined;
    for (const who of whos) {
      const state = this.#state(who);
      const until = state.barredUntil ?? this.#breakerBar(who, state.wrong);
      if (until && until > this.#now && (!latest || until > latest)) latest = until;
    }
    return latest;
  }

  /**
   * Counts one attempt. A PIN that exists nowhere counts for everybody involved and globally; a used, expired or locked one for the
   * caller alone; a good one, or a card of another operator, for nobody.
   */
  count(finding: Finding, whos: readonly Who[]): void {
    this.#attempts += 1;
    if (finding === 'missing') this.#missing += 1;
    if (finding === 'redeemable' || finding === 'yours' || finding === 'other_operator') return;
    for (const who of whos) if (finding === 'missing' || who.scope === 'caller') this.#climb(who);
  }

  get added(): Added[] {
    return [...this.#added.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  get attempts(): { attempts: number; missing: number } {
    return { attempts: this.#attempts, missing: this.#missing };
  }

  /** Whether the last minutes, this batch included, look like an attack. */
  get dirty(): boolean {
    const attempts = this.#breaker.attempts + this.#attempts;
    const missing = this.#breaker.missing + this.#missing;
    return attempts >= limits.breakerAttemptsMin && missing > attempts * limits.breakerMissingShare;
  }

  get tripped(): boolean {
    const { lastDirtyAt } = this.#breaker;
    return lastDirtyAt !== undefined && this.#now.getTime() < lastDirtyAt.getTime() + limits.breakerCleanMs;
  }

  #state(who: Who): { wrong: number; windowFrom: Date; barredUntil: Date | undefined } {
    const row = this.#rows.get(keyOf(who));
    const added = this.#added.get(keyOf(who));
    const windowMs = who.scope === 'key' ? limits.guessKeyWindowMs : limits.guessWindowMs;
    const barred = added?.barredUntil ?? row?.barred_until ?? undefined;
    const stillBarred = barred !== undefined && barred > this.#now;
    const live = row !== undefined && (stillBarred || row.window_from.getTime() + windowMs > this.#now.getTime());
    return {
      wrong: (live ? row.wrong : 0) + (added?.wrong ?? 0),
      windowFrom: live ? row.window_from : this.#now,
      barredUntil: live || added ? barred : undefined,
    };
  }

  /** While the breaker is open, one wrong try is all a caller has; a caller with no failure is never blocked. */
  #breakerBar(who: Who, wrong: number): Date | undefined {
    if (who.scope !== 'caller' || wrong === 0) return undefined;
    if (this.dirty) return new Date(this.#now.getTime() + limits.breakerCleanMs);
    const { lastDirtyAt } = this.#breaker;
    return this.tripped && lastDirtyAt ? new Date(lastDirtyAt.getTime() + limits.breakerCleanMs) : undefined;
  }

  #climb(who: Who): void {
    const { wrong, windowFrom } = this.#state(who);
    const added = this.#added.get(keyOf(who)) ?? { ...who, windowFrom, wrong: 0, barredUntil: undefined };
    added.wrong += 1;
    added.barredUntil = barAfter(who, wrong + 1, this.#now) ?? added.barredUntil;
    this.#added.set(keyOf(who), added);
  }
}

/** The steps of the ladder as they stand now. */
export function stepsFrom(now: Date): { wrong: number; until: Date }[] {
  return guessLadder.map(({ wrong, barMs }) => ({
    wrong,
    until: Number.isFinite(barMs) ? new Date(now.getTime() + barMs) : STAFF,
  }));
}

/** The bar that this many wrong tries bring, if they stand on a step. */
function barAfter({ scope, id }: Who, wrong: number, now: Date): Date | undefined {
  if (scope === 'key') {
    const max = id.startsWith(VISITOR) ? limits.guessAddressMissingMax : limits.guessKeyMissingMax;
    return wrong > max ? new Date(now.getTime() + limits.guessKeyWindowMs) : undefined;
  }
  const last = guessLadder.at(-1);
  if (last && wrong >= last.wrong) return STAFF;
  return stepsFrom(now).find((step) => step.wrong === wrong)?.until;
}

/** Who an attempt is counted against. Caller and target are blind indexes, never numbers. */
export function whosOf(attempt: { caller: Uuid; target: Uuid; key: string | undefined }): Who[] {
  const whos: Who[] = [
    { scope: 'caller', id: attempt.caller },
    { scope: 'target', id: attempt.target },
  ];
  if (attempt.key !== undefined) whos.push({ scope: 'key', id: attempt.key });
  return whos;
}
