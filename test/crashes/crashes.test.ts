import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crash } from './harness.ts';

const KILLS = 25;
const seed = Number(process.env.CRASH_SEED ?? process.pid);

test(`after ${KILLS} kills under load nothing acknowledged is lost and nothing is doubled (seed ${seed})`, async () => {
  const verdict = await crash({ kills: KILLS, control: 'none', seed });
  assert.ok(verdict.acknowledged > KILLS * 10, `${verdict.acknowledged} credits are too few to prove anything`);
  assert.deepEqual(
    { lost: verdict.lost, doubled: verdict.doubled, breaches: verdict.breaches },
    { lost: [], doubled: [], breaches: [] },
  );
  assert.ok(
    verdict.recoveryMsMax < 10_000,
    `a good credit ${Math.round(verdict.recoveryMsMax)} ms after a kill, on a machine that runs other tests too`,
  );
});

// A harness that cannot fail proves nothing: each way to break the promise must be seen.
test('commits that are not awaited on disk are caught: credits are lost', async () => {
  const { lost } = await crash({ kills: 4, control: 'sync-off', seed, targets: ['postmaster', 'both'] });
  assert.ok(lost.length > 0);
});

test('missing unique keys are caught: a card credits twice', async () => {
  const { doubled } = await crash({ kills: 3, control: 'no-unique', seed, targets: ['program'] });
  assert.ok(doubled.length > 0);
});

test('an answer before the commit is caught: credits are lost', async () => {
  const { lost } = await crash({ kills: 4, control: 'ack-early', seed, targets: ['program', 'both'] });
  assert.ok(lost.length > 0);
});
