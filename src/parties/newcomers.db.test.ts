import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newNumber, openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { limits } from '../base/limits.ts';

let platform: TestPlatform;

before(async () => {
  platform = await openTestPlatform();
});
after(() => platform.close());

test('more newcomers at once than there are connections are all opened, by a process that has just started', async () => {
  const { orders } = platform;
  const startedAt = performance.now();
  const drafts = Array.from({ length: limits.poolConnectionsMax * 5 }, () =>
    orders.draft({ recipient: { msisdn: newNumber(), operator: 'kcell' }, language: 'en' }),
  );
  assert.equal(new Set(await Promise.all(drafts)).size, limits.poolConnectionsMax * 5);
  assert.ok(performance.now() - startedAt < limits.answerTimeoutMs, 'nobody waited for a connection that never came');
});

test('as many corrections at once find their numbers', async () => {
  const { orders } = platform;
  const ids = await Promise.all(
    Array.from({ length: limits.poolConnectionsMax * 5 }, () =>
      orders.draft({ recipient: { msisdn: newNumber(), operator: 'kcell' }, language: 'en' }),
    ),
  );
  const startedAt = performance.now();
  await Promise.all(ids.map((id) => orders.correct(id, { operator: 'tele2' })));
  assert.ok(performance.now() - startedAt < limits.answerTimeoutMs, 'nobody waited for a connection that never came');
});
