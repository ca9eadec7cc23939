import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codecs } from './codecs.ts';
import { fuzz } from './fuzz.ts';

// Of every codec a few thousand inputs; npm run fuzz takes a long look.

const INPUTS = 20_000;
const seed = Number(process.env.FUZZ_SEED ?? process.pid);
const MEMORY_BYTES_MAX = 200 * 1024 * 1024;
const SLOWEST_MS = 500;

for (const codec of codecs)
  test(`${codec.name}: ${INPUTS} inputs that were good once are read without harm (seed ${seed})`, () => {
    const before = process.memoryUsage().rss;
    const { found, slowestMs } = fuzz(codec, { inputs: INPUTS, seed });
    assert.equal(found, undefined);
    assert.ok(slowestMs < SLOWEST_MS, `one took ${slowestMs} ms`);
    assert.ok(process.memoryUsage().rss - before < MEMORY_BYTES_MAX, 'memory stays where it was');
  });
