import { randomBytes, randomFillSync } from 'node:crypto';

/** Chance is an argument: production draws from the operating system, a test may replay a seed. */
export type Random = { bytes(size: number): Buffer };

export const systemRandom: Random = { bytes: (size) => randomBytes(size) };

/** Bytes 250..255 would make the digits 0..5 likelier, so they are drawn again (rejection sampling). */
const UNBIASED_BELOW = 250;
const POOL_BYTES = 64 * 1024;

/**
 * A source of uniform decimal digit strings. The pool is filled in large gulps: one system call serves thousands of
 * PINs, which is what makes a million of them cheap.
 */
export function digitSource(fill: (pool: Buffer) => void = (pool) => void randomFillSync(pool)): (length: number) => string {
  const pool = Buffer.allocUnsafe(POOL_BYTES);
  let at = POOL_BYTES;
  const next = (): number => {
    for (;;) {
      if (at === POOL_BYTES) {
        fill(pool);
        at = 0;
      }
      const byte = pool[at] ?? UNBIASED_BELOW;
      // A used byte is wiped: clear PIN material does not linger in the pool.
      pool[at] = 0;
      at += 1;
      if (byte < UNBIASED_BELOW) return byte % 10;
    }
  };
  return (length) => {
    let digits = '';
    for (let i = 0; i < length; i += 1) digits += next();
    return digits;
  };
}
