import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tell } from './harness.ts';

const NOTICES = 2_000;
const FEW = 700;
/** So that it takes long enough for several kills. */
const pace = { window: 8, answerMs: 15 };
const seed = Number(process.env.NOTICES_SEED ?? process.pid);

test(`${NOTICES} credits are told while the SMS centre and the platform are killed: none is lost, repeats say so (seed ${seed})`, async () => {
  const verdict = await tell({ notices: NOTICES, pace, control: 'none', seed });
  assert.ok(verdict.centreKills >= 3, `${verdict.centreKills} kills are too few to prove anything`);
  assert.deepEqual(
    { lost: verdict.lost, unmarked: verdict.unmarked, unsettled: verdict.unsettled },
    { lost: [], unmarked: [], unsettled: 0 },
  );
});

// A harness that cannot fail proves nothing: each way to break the promise must be seen.
test('what was not answered, sent again as if it were the first, is caught', async () => {
  const { unmarked } = await tell({ notices: FEW, pace, control: 'refused', seed });
  assert.ok(unmarked.length > 0);
});

test('what was not answered, taken for sent, is caught', async () => {
  const { lost, unsettled } = await tell({ notices: FEW, pace, control: 'taken', seed });
  assert.ok(lost.length > 0 || unsettled > 0);
});
