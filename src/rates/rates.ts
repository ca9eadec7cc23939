import type { Clock } from '../base/clock.ts';
import { addDays, dayOf, startOfDay } from '../base/day.ts';
import { limits } from '../base/limits.ts';
import type { Currency } from '../base/money.ts';
import { type Db, withTx } from '../db/index.ts';
import type { Rate, RateSource } from './rate.ts';
import * as store from './store.ts';

export type Rates = {
  /** The freshest rate of each currency there is one of, tenge always among them. An old one too: ask `isUsable` before pricing. */
  current(): Promise<ReadonlyMap<Currency, Rate>>;
  /**
   * Fetches today's rates where they are not there yet, at most once an hour, after a failure once a minute; in between it does nothing.
   * Throws what the source throws, and the rates stay as they were.
   */
  refresh(): Promise<void>;
  /** Whether foreign money may be priced by it now. */
  isUsable(rate: Pick<Rate, 'currency' | 'day'>, now: Date): boolean;
};

export function createRates({ db, clock, source }: { db: Db; clock: Clock; source: RateSource }): Rates {
  let cached: { readonly until: number; readonly rates: Promise<ReadonlyMap<Currency, Rate>> } | undefined;
  let refreshAt = 0;

  async function load(): Promise<ReadonlyMap<Currency, Rate>> {
    const now = clock.now();
    const rates = [...(await store.readFreshest(db, dayOf(now))), tenge(now)];
    return new Map(rates.map((rate) => [rate.currency, rate]));
  }

  async function fetchDay(day: string): Promise<void> {
    const fetchedAt = clock.now();
    const rates = await source.read(day);
    await withTx(db, async (tx) => {
      store.insertRates(
        tx,
        rates.map((rate) => ({ ...rate, fetchedAt })),
      );
    });
    cached = undefined;
  }

  return {
    current() {
      const now = clock.now().getTime();
      if (cached !== undefined && now < cached.until) return cached.rates;
      const rates = load();
      cached = { until: now + limits.rateCacheMs, rates };
      // Whoever waits for it hears of the failure; the next one asks again.
      rates.catch(() => {
        if (cached?.rates === rates) cached = undefined;
      });
      return rates;
    },
    async refresh() {
      const now = clock.now();
      if (now.getTime() < refreshAt) return;
      refreshAt = now.getTime() + limits.rateRetryMs;
      const today = dayOf(now);
      if (!(await store.isThere(db, today))) await fetchDay(today);
      refreshAt = now.getTime() + limits.rateRefreshMs;
    },
    isUsable,
  };
}

/** The unit everything is counted in: it needs no bank. */
function tenge(now: Date): Rate {
  return { currency: 'KZT', microTenge: 1_000_000n, day: dayOf(now), source: 'by definition', fetchedAt: now };
}

/** Its age counts from the end of the day it is for: today's is new, and what is past by more than 36 hours prices nothing. */
export function isUsable({ currency, day }: Pick<Rate, 'currency' | 'day'>, now: Date): boolean {
  if (currency === 'KZT') return true;
  if (day > dayOf(now)) return false;
  return now.getTime() - startOfDay(addDays(day, 1)).getTime() <= limits.rateAgeMsMax;
}
