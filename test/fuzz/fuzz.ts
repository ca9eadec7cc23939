import { seeded } from '../support/kills.ts';
import { mutated } from '../support/mutation.ts';
import type { Codec } from './codecs.ts';

export type Found = { readonly codec: string; readonly input: string; readonly error: unknown };
export type Fuzzed = { readonly inputs: number; readonly slowestMs: number; readonly found: Found | undefined };

const MUTATIONS_MAX = 4;

/** Reads so many inputs that were good once, and stops at the first that breaks a promise. The same seed gives the same inputs. */
export function fuzz(codec: Codec, { inputs, seed }: { inputs: number; seed: number }): Fuzzed {
  const random = seeded(seed);
  let slowestMs = 0;
  for (let count = 1; count <= inputs; count += 1) {
    let octets = codec.seeds[count % codec.seeds.length] ?? Buffer.alloc(0);
    for (let times = count % MUTATIONS_MAX; times >= 0; times -= 1) octets = mutated(octets, random);
    const startedAt = performance.now();
    try {
      codec.read(octets);
    } catch (error) {
      return { inputs: count, slowestMs, found: { codec: codec.name, input: octets.toString('hex'), error } };
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
  }
  return { inputs, slowestMs, found: undefined };
}
