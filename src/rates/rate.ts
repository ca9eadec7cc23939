import type { Currency } from '../base/money.ts';

/** Tenge for one unit of a currency, in millionths: 519.43 tenge for a dollar is `519_430_000n`. */
export type Rate = {
  readonly currency: Currency;
  readonly microTenge: bigint;
  /** The day it is set for, `2026-11-24`, by the bank's calendar. */
  readonly day: string;
  readonly source: string;
  readonly fetchedAt: Date;
};

/** Where rates come from: the National Bank's daily feed, or a file where there is no network. Throws when it has none. */
export type RateSource = {
  readonly name: string;
  read(day: string): Promise<readonly Omit<Rate, 'fetchedAt'>[]>;
};
