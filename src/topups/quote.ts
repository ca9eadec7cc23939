import { assert } from '../base/assert.ts';
import type { Currency } from '../base/money.ts';

/** What we take for a top-up, by operator and method. Basis points are hundredths of a percent. */
export type Pricing = {
  /** Of every order, in tiyn. */
  readonly feeFixedMinor: bigint;
  /** Of the face value. */
  readonly feeBps: bigint;
  /** On the exchange, where the charge is not in tenge. */
  readonly marginBps: bigint;
};

export type Price = { readonly amountMinor: bigint; readonly feeMinor: bigint; readonly marginMinor: bigint };

const TIYN_A_TENGE = 100n;
const BPS = 10_000n;
const MICRO = 1_000_000n;

/** Whole tenge, rounded down: towards the customer. */
export function feeOf(faceMinor: bigint, { feeFixedMinor, feeBps }: Pricing): bigint {
  const fee = feeFixedMinor + (faceMinor * feeBps) / BPS;
  return fee - (fee % TIYN_A_TENGE);
}

/**
 * What is charged in a currency for a face value in tiyn. The charge is rounded up to the currency's minor unit, once, at the end (decision
 * 0012): less than one cent, and it is shown as part of the margin. `microTenge` is the rate, 1_000_000 for tenge itself. All
 * currencies here have two decimals like the tenge, so a minor unit is worth microTenge / 1_000_000 tiyn.
 */
export function priceOf(
  faceMinor: bigint,
  { currency, microTenge, pricing }: { currency: Currency; microTenge: bigint; pricing: Pricing },
): Price {
  assert(faceMinor > 0n && microTenge > 0n, 'a price is of something, at a rate');
  const feeMinor = feeOf(faceMinor, pricing);
  const due = faceMinor + feeMinor;
  if (currency === 'KZT') return { amountMinor: due, feeMinor, marginMinor: 0n };
  const amountMinor = divideUp(due * (BPS + pricing.marginBps) * MICRO, BPS * microTenge);
  // At most what was charged, so that a split neither makes nor loses money: the fraction of a tiyn left over is nobody's.
  const worth = (amountMinor * microTenge) / MICRO;
  const marginMinor = worth - due;
  assert(marginMinor >= 0n, 'rounding up covers what is due');
  return { amountMinor, feeMinor, marginMinor };
}

function divideUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
