import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chaos } from './harness.ts';

const ORDERS = 150;
const seed = Number(process.env.CHAOS_SEED ?? process.pid);
const quick = { orders: ORDERS, payers: ORDERS, pace: 0.5, seed } as const;

test(`${ORDERS} orders end well among providers and operators that misbehave, under kills (seed ${seed})`, async () => {
  const verdict = await chaos({ ...quick, control: 'none' });
  assert.deepEqual(verdict.violations, []);
  assert.equal(verdict.orders, ORDERS);
  assert.ok(verdict.kills.size > 0, 'something was killed');
  assert.ok(verdict.captures > ORDERS / 5 && verdict.credits > ORDERS / 10, 'money came in and phones were credited');
});

// A harness that cannot fail proves nothing: each way to break the promise must be seen.
const few = { ...quick, orders: 50, payers: 50, killEveryMs: 60_000 };

test('a platform that takes silence for a no is caught: phones are credited and the money goes back', async () => {
  const { violations } = await chaos({ ...few, control: 'guess' });
  assert.ok(violations.some((one) => /called refused and the operator has credited it/.test(one)));
});

test('a platform that credits on every notice is caught: phones are credited without an order', async () => {
  const { violations } = await chaos({ ...few, control: 'every-notice' });
  assert.ok(violations.some((one) => /^order_delivery /.test(one)));
});
