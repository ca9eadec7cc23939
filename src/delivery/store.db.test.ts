import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { present } from '../base/assert.ts';
import { parseUuid, type Uuid } from '../base/ids.ts';
import { withTx } from '../db/index.ts';
import * as delivery from './index.ts';

let platform: TestPlatform;

before(async () => {
  platform = await openTestPlatform();
});

after(() => platform.close());

const newOrder = (): Uuid => present(parseUuid(randomUUID()), 'a random UUID is one');
const at = new Date('2026-11-24T10:00:00Z');
const later = new Date('2026-11-24T10:00:05Z');

function begin(orderId: Uuid, attempt = 1): Promise<void> {
  const reference = delivery.referenceOf(orderId, attempt);
  return withTx(platform.db, async (tx) => {
    delivery.begin(tx, { orderId, attempt, route: 'osmp', operator: 'beeline', reference, at });
  });
}

/** The first attempt, unless the order is named with another. */
function settle(
  order: Uuid | { orderId: Uuid; attempt: number },
  from: 'sending' | 'unknown',
  outcome: delivery.Outcome,
): Promise<boolean> {
  const which = typeof order === 'string' ? { orderId: order, attempt: 1 } : order;
  return withTx(platform.db, (tx) => delivery.settle(tx, { ...which, from, outcome, at: later }));
}

const delivered = (operatorReference: string): delivery.Outcome => ({ kind: 'delivered', operatorReference });
const refused: delivery.Outcome = { kind: 'refused', reason: 'number.barred', detail: '79' };
const unknown: delivery.Outcome = { kind: 'unknown', detail: 'TimeoutError' };

test('a reference is the same whenever it is asked for, another for each attempt, and at most 18 digits without a zero in front', () => {
  const order = '00000000-0000-4000-8000-000000000001' as Uuid;
  assert.equal(delivery.referenceOf(order, 1), delivery.referenceOf(order, 1));
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.uuid(), fc.integer({ min: 1, max: 30 }), (id, attempt) => {
      const reference = delivery.referenceOf(id as Uuid, attempt);
      assert.match(reference, /^[1-9]\d{0,17}$/);
      seen.add(reference);
    }),
    { numRuns: 300 },
  );
  assert.ok(seen.size > 290);
});

test('an attempt is begun once, and read back as it is', async () => {
  const orderId = newOrder();
  await begin(orderId);
  await begin(orderId, 2);
  await assert.rejects(begin(orderId), /delivery_pkey/);
  const [first, second, ...rest] = await delivery.find(platform.db, orderId);
  assert.deepEqual(first, {
    orderId,
    attempt: 1,
    route: 'osmp',
    operator: 'beeline',
    reference: delivery.referenceOf(orderId, 1),
    state: 'sending',
    operatorReference: undefined,
    reason: undefined,
    asked: 0,
    beganAt: at,
    endedAt: undefined,
  });
  assert.equal(second?.attempt, 2);
  assert.deepEqual(rest, []);
  assert.deepEqual(await withTx(platform.db, (tx) => delivery.attemptsOf(tx, orderId)), [first, second]);
  assert.deepEqual(await delivery.findByReference(platform.db, delivery.referenceOf(orderId, 2)), second);
  assert.equal(await delivery.findByReference(platform.db, '0'), undefined);
});

test('of many who settle the same attempt one wins, and what it recorded stands', async () => {
  const orderId = newOrder();
  await begin(orderId);
  const outcomes = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? delivered(String(index)) : refused));
  const won = await Promise.all(outcomes.map((outcome) => settle(orderId, 'sending', outcome)));
  assert.equal(won.filter(Boolean).length, 1);
  const winner = present(outcomes[won.indexOf(true)], 'the winner had an outcome');
  const [attempt] = await delivery.find(platform.db, orderId);
  assert.equal(attempt?.state, winner.kind);
  assert.equal(attempt?.operatorReference, winner.kind === 'delivered' ? winner.operatorReference : undefined);
  assert.equal(attempt?.reason, winner.kind === 'refused' ? winner.reason : undefined);
  assert.deepEqual(attempt?.endedAt, later);
});

test('unknown has no end, is asked after and counted, and then ends once', async () => {
  const orderId = newOrder();
  await begin(orderId);
  assert.equal(await settle(orderId, 'unknown', delivered('1')), false, 'it is not unknown yet');
  assert.equal(await settle(orderId, 'sending', unknown), true);
  assert.equal(await settle(orderId, 'sending', refused), false, 'somebody has recorded that it is unknown');
  for (let n = 0; n < 3; n += 1) await withTx(platform.db, async (tx) => delivery.asked(tx, { orderId, attempt: 1 }));
  const [waiting] = await delivery.find(platform.db, orderId);
  assert.deepEqual([waiting?.state, waiting?.asked, waiting?.endedAt], ['unknown', 3, undefined]);
  assert.equal(await settle(orderId, 'unknown', delivered('2016')), true);
  assert.equal(await settle(orderId, 'unknown', refused), false);
  const [ended] = await delivery.find(platform.db, orderId);
  assert.deepEqual([ended?.state, ended?.operatorReference, ended?.endedAt], ['delivered', '2016', later]);
});

test('settling one attempt leaves the others alone', async () => {
  const orderId = newOrder();
  await begin(orderId);
  await settle(orderId, 'sending', refused);
  await begin(orderId, 2);
  assert.equal(await settle({ orderId, attempt: 2 }, 'sending', delivered('7')), true);
  const attempts = await delivery.find(platform.db, orderId);
  assert.deepEqual(
    attempts.map(({ state, reason }) => [state, reason]),
    [
      ['refused', 'number.barred'],
      ['delivered', undefined],
    ],
  );
});
