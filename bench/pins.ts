/** Card codes that can be computed from their place in the batch: who loads them and who presents them need no list in common. */
const CODES = 10n ** 16n;
// Odd and not a multiple of five, so that no two places share a code.
const FACTOR = 6_180_339_887_498_949n;
const OFFSET = 2_718_281_828_459_045n;

/** Sixteen digits, different for every index from 0 up to 10^16. */
export function pinOf(index: number): string {
  return String((BigInt(index) * FACTOR + OFFSET) % CODES).padStart(16, '0');
}

/**
 * The nth voucher to be presented out of `count`: each once, far from the one before it. People do not redeem cards in the order
 * of printing, and neighbours would be found on a page just read.
 */
export function nthPlace(nth: number, count: number): number {
  return (nth * strideOf(count)) % count;
}

const strides = new Map<number, number>();

function strideOf(count: number): number {
  const known = strides.get(count);
  if (known !== undefined) return known;
  let stride = Math.max(1, Math.floor(count * 0.618_033_988_75));
  while (divisor(stride, count) !== 1) stride += 1;
  strides.set(count, stride);
  return stride;
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
