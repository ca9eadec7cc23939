import { randomFillSync } from 'node:crypto';

/** Bytes 250..255 would make the digits 0..5 likelier, so they are drawn again (rejection sampling). */
const UNBIASED_BELOW = 250;
const POOL_BYTES = 64 * 1024;

/** Writes `length` uniform decimal digits, as ASCII, at `at`. */
export type DigitWriter = (target: Buffer, at: number, length: number) => void;

const ZERO = 48;

/**
 * A source of uniform decimal digits. The pool is filled in large gulps: one system call serves thousands of PINs, which is what
 * makes a million of them cheap. Digits go into a buffer and not a string, because a buffer can be wiped.
 */
export function digitWriter(fill: (pool: Buffer) => void = (pool) => void randomFillSync(pool)): DigitWriter {
  const pool = Buffer.alloc(POOL_BYTES);
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
  return (target, from, length) => {
    for (let i = from; i < from + length; i += 1) target[i] = ZERO + next();
  };
}
