import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { issueVouchers, newNumber, openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { steppedClock } from '../base/clock.ts';
import { parseMsisdn } from '../base/msisdn.ts';
import { audit } from '../reports/index.ts';
import { parsePin } from '../vouchers/index.ts';

const DAY_MS = 86_400_000;
const clock = steppedClock(new Date());
let platform: TestPlatform;
before(async () => {
  platform = await openTestPlatform({ clock });
});
after(() => platform.close());

async function redeem(pin: string, number: string) {
  const target = parseMsisdn(number);
  return platform.topups.redeem({
    pin: parsePin(pin),
    target,
    caller: target,
    channel: 'cli',
    gateway: undefined,
    operator: 'kcell',
    apiKey: undefined,
  });
}

async function assertBooks(): Promise<void> {
  assert.deepEqual(
    (await audit(platform.db)).filter((check) => !check.ok),
    [],
  );
}

test('a card of several buckets credits each in its unit, and what ends, ends on its day while money keeps', async () => {
  const { pins } = await issueVouchers(platform, {
    operator: 'kcell',
    values: [
      { unit: 'KZT', amount: 1_000_00n },
      { unit: 'MB', amount: 1_024_000n, validDays: 30 },
      { unit: 'SECOND', amount: 3_600n, validDays: 7 },
      { unit: 'SMS', amount: 50n },
    ],
    count: 2,
    state: 'active',
  });
  const number = newNumber();
  const msisdn = parseMsisdn(number);
  const first = await redeem(pins[0] ?? '', number);
  assert.deepEqual(
    first.values.map(({ unit, amount }) => `${amount} ${unit}`),
    ['1000.00 KZT', '1024.000 MB', '3600 SECOND', '50 SMS'],
  );
  await redeem(pins[1] ?? '', number);
  const buckets = async (): Promise<string[]> =>
    (await platform.subscribers.balances(msisdn)).map(({ unit, amount }) => `${amount} ${unit}`);
  assert.deepEqual((await buckets()).sort(), [
    '100 SMS',
    '1024.000 MB',
    '1024.000 MB',
    '2000.00 KZT',
    '3600 SECOND',
    '3600 SECOND',
  ]);
  await assertBooks();

  clock.advance(8 * DAY_MS);
  assert.deepEqual(
    (await buckets()).sort(),
    ['100 SMS', '1024.000 MB', '1024.000 MB', '2000.00 KZT'],
    'past its day it no longer counts, swept or not',
  );
  await platform.sweep();
  await platform.sweep();
  await assertBooks();

  clock.advance(30 * DAY_MS);
  await Promise.all([platform.sweep(), platform.sweep(), platform.sweep()]);
  assert.deepEqual(await buckets(), ['2000.00 KZT', '100 SMS']);
  const [ended] = await platform.sql<{ unit: number; total: bigint }>(
    `select unit, sum(amount)::bigint as total from transfer where code = 'credit_expiry' and unit = 3 group by unit`,
  );
  assert.equal(ended?.total, 2n * 1_024_000n, 'what was left moved to expired credit, once');
  await assertBooks();
  const movements = await platform.subscribers.movements(msisdn, { limit: 20 });
  assert.equal(movements.filter((movement) => movement.kind === 'credit_expiry').length, 4);
});
