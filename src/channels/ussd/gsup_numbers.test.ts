import assert from 'node:assert/strict';
import { test } from 'node:test';
import { steppedClock } from '../../base/clock.ts';
import { simNumbers } from './gsup_numbers.ts';

const KEPT = 60_000;

/** A register whose answers can be changed, and that counts what it is asked. */
function register(initial: Record<string, string | undefined>) {
  const numbers = { ...initial };
  const asked: string[] = [];
  const clock = steppedClock(new Date('2026-11-05T09:05:00Z'));
  let held: Promise<void> | undefined;
  const ctrl = {
    async get(variable: string) {
      asked.push(variable);
      const value = numbers[/by-imsi-(\d+)\.msisdn/.exec(variable)?.[1] ?? ''];
      await held;
      if (value === 'away') throw new Error('away');
      return value;
    },
  };
  const hold = (until: Promise<void>): void => {
    held = until;
  };
  return { numbers, asked, clock, hold, known: simNumbers({ ctrl, clock, keptMs: KEPT }) };
}

test('the number of a SIM is asked for once, and believed for its time', async () => {
  const { known, asked, clock, numbers } = register({ '901700000000001': '77011234567' });
  assert.equal(await known.numberOf('901700000000001'), '77011234567');
  numbers['901700000000001'] = '77017654321';
  clock.advance(KEPT - 1);
  assert.equal(await known.numberOf('901700000000001'), '77011234567');
  clock.advance(1);
  assert.equal(await known.numberOf('901700000000001'), '77017654321');
  assert.deepEqual(asked, Array(2).fill('subscriber.by-imsi-901700000000001.msisdn'));
});

test('what was believed is forgotten when the HLR was away, an answer on its way included', async () => {
  const { known, numbers, hold } = register({ '901700000000001': '77011234567' });
  const { promise, resolve } = Promise.withResolvers<void>();
  hold(promise);
  const first = known.numberOf('901700000000001');
  known.forget();
  resolve();
  assert.equal(await first, '77011234567');
  numbers['901700000000001'] = '77017654321';
  assert.equal(await known.numberOf('901700000000001'), '77017654321', 'the late answer was not kept');
  numbers['901700000000001'] = '77010000000';
  known.forget();
  assert.equal(await known.numberOf('901700000000001'), '77010000000');
});

test('phones of one SIM that dial at once share a question', async () => {
  const { known, asked } = register({ '901700000000001': '77011234567' });
  await Promise.all(Array.from({ length: 20 }, () => known.numberOf('901700000000001')));
  assert.equal(asked.length, 1);
});

for (const [name, value] of [
  ['no subscriber', undefined],
  ['no number', 'none'],
  ['a number from elsewhere', '8613800138000'],
  ['something that is no number', '<script>'],
] as const) {
  test(`${name} is not served, and asked after again`, async () => {
    const { known, asked } = register({ '901700000000001': value });
    for (let times = 0; times < 2; times += 1) assert.equal(await known.numberOf('901700000000001'), 'not_served');
    assert.equal(asked.length, 2);
  });
}

test('an HLR that does not say is not taken for one that says no', async () => {
  const { known, numbers } = register({ '901700000000001': 'away' });
  await assert.rejects(known.numberOf('901700000000001'));
  numbers['901700000000001'] = '77011234567';
  assert.equal(await known.numberOf('901700000000001'), '77011234567');
});
