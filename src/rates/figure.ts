import { assert } from '../base/assert.ts';

const MICRO_DECIMALS = 6;
const RATE = /^(\d{1,9})(?:[.,](\d{1,6}))?$/;
const QUANT = /^[1-9]\d{0,5}$/;

/**
 * Tenge for one unit in millionths, from a bank's figure for `quant` units: 3.96 for 100 is `39_600n`. Nothing is rounded; throws on
 * what is no figure and on what millionths cannot hold.
 */
export function microTengeOf({ rate, quant }: { rate: string; quant: string }): bigint {
  const [, whole, fraction = ''] = RATE.exec(rate) ?? [];
  if (whole === undefined || !QUANT.test(quant)) throw new Error(`"${rate}" for "${quant}" is no rate`);
  const micro = BigInt(whole + fraction.padEnd(MICRO_DECIMALS, '0'));
  const units = BigInt(quant);
  if (micro === 0n || micro % units !== 0n) throw new Error(`a rate of ${rate} for ${quant} cannot be held exactly`);
  const one = micro / units;
  assert(one * units === micro, 'a rate is divided without a remainder');
  return one;
}
