import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { steppedClock } from '../base/clock.ts';
import { parseMsisdn } from '../base/msisdn.ts';
import { createDelivery, type DeliveryCall, type DeliveryRequest, type DeliveryRoute, type Outcome } from './index.ts';

const clock = steppedClock(new Date('2026-11-24T10:00:00Z'));
const FAILURES = 3;
const OPEN_MS = 60;

const lost: Outcome = { kind: 'unknown', detail: 'TimeoutError' };
const busy: Outcome = { kind: 'unknown', detail: 'CONFIRMED', isUnderWay: true };
const down: Outcome = { kind: 'refused', reason: 'operator.unavailable', detail: '8' };
const barred: Outcome = { kind: 'refused', reason: 'number.barred', detail: '79' };
const delivered: Outcome = { kind: 'delivered', operatorReference: '1' };

const requestFor = (operator: string): DeliveryRequest => ({
  reference: '1',
  msisdn: parseMsisdn('77071234567'),
  operator,
  amountMinor: 1_000_00n,
  beganAt: clock.now(),
  isFirst: true,
});

/** A route whose far end says what it is told to, when it is told to. */
function scripted() {
  const far = { sent: 0, asked: 0, outcome: lost as Outcome | Error, wait: Promise.resolve() };
  const answer = async (): Promise<Outcome> => {
    const { outcome, wait } = far;
    await wait;
    if (outcome instanceof Error) throw outcome;
    return outcome;
  };
  const route: DeliveryRoute = {
    id: 'osmp',
    deliver: () => {
      far.sent += 1;
      return answer();
    },
    enquire: () => {
      far.asked += 1;
      return answer();
    },
  };
  const calls: DeliveryCall[] = [];
  const errors: unknown[] = [];
  const delivery = createDelivery({
    routes: [route],
    clock,
    breaker: { failures: FAILURES, openMs: OPEN_MS },
    onCall: (call) => calls.push(call),
    onError: (error) => errors.push(error),
  });
  const send = async (outcome: Outcome | Error, operator = 'beeline'): Promise<Outcome> => {
    far.outcome = outcome;
    return delivery.deliver('osmp', requestFor(operator));
  };
  return { far, delivery, send, calls, errors, isOpen: () => delivery.isOpen('osmp', 'beeline') };
}

async function broken() {
  const all = scripted();
  for (let n = 0; n < FAILURES; n += 1) await all.send(lost);
  assert.equal(all.isOpen(), true);
  return all;
}

test('trouble so many times in a row opens it, and nothing is sent any more', async () => {
  const { far, delivery, send, isOpen } = scripted();
  await send(lost);
  await send(down);
  assert.equal(isOpen(), false);
  await send(lost);
  assert.equal(isOpen(), true);
  assert.deepEqual(await send(delivered), { kind: 'refused', reason: 'operator.unavailable', detail: 'breaker open' });
  const { isFirst: _, ...again } = requestFor('beeline');
  assert.deepEqual(await delivery.deliver('osmp', again), { kind: 'unknown', detail: 'breaker open' });
  assert.equal(far.sent, FAILURES);
});

test('a yes, a no and "at work on it" are signs of life', async () => {
  for (const life of [delivered, barred, busy]) {
    const { send, isOpen } = scripted();
    for (let n = 0; n < 3 * FAILURES; n += 1) await send(n % FAILURES === 0 ? life : lost);
    assert.equal(isOpen(), false, JSON.stringify(life));
    for (let n = 0; n < 3 * FAILURES; n += 1) await send(life);
    assert.equal(isOpen(), false, JSON.stringify(life));
  }
});

test('one operator in trouble does not stop another on the same route', async () => {
  const { delivery, send } = await broken();
  assert.equal(delivery.isOpen('osmp', 'kcell'), false);
  assert.deepEqual(await send(delivered, 'kcell'), delivered);
});

test('after a while one goes first; its success closes it for all', async () => {
  const { far, delivery, send, isOpen } = await broken();
  await delay(OPEN_MS + 10);
  assert.equal(isOpen(), false);
  const gate = Promise.withResolvers<void>();
  far.wait = gate.promise;
  const first = send(delivered);
  assert.equal(isOpen(), true, 'while it is on its way the others wait');
  const others = await Promise.all(Array.from({ length: 20 }, () => send(delivered)));
  assert.ok(others.every((outcome) => outcome.kind === 'refused' && outcome.detail === 'breaker open'));
  assert.equal(far.sent, FAILURES + 1);
  gate.resolve();
  assert.deepEqual(await first, delivered);
  assert.equal(isOpen(), false);
  assert.equal(delivery.status()[0]?.state, 'closed');
  await send(lost);
  assert.equal(isOpen(), false, 'the count starts again');
});

test('and its failure opens it for as long again', async () => {
  const { far, send, isOpen } = await broken();
  await delay(OPEN_MS + 10);
  await send(lost);
  assert.equal(isOpen(), true);
  assert.equal(far.sent, FAILURES + 1);
  await delay(OPEN_MS + 10);
  assert.deepEqual(await send(delivered), delivered);
  assert.equal(isOpen(), false);
});

test('enquiries pass an open breaker and change nothing about it', async () => {
  const { far, delivery, isOpen } = await broken();
  far.outcome = delivered;
  assert.deepEqual(await delivery.enquire('osmp', requestFor('beeline')), delivered);
  assert.equal(isOpen(), true);
  const calm = scripted();
  for (let n = 0; n < 3 * FAILURES; n += 1) await calm.delivery.enquire('osmp', requestFor('beeline'));
  assert.equal(calm.isOpen(), false);
  assert.equal(calm.far.asked, 3 * FAILURES);
});

test('what a route throws is unknown, told to whoever listens, and counts as trouble', async () => {
  const { delivery, far, send, errors, isOpen } = scripted();
  const defect = new Error('defect');
  for (let n = 0; n < FAILURES; n += 1) assert.deepEqual(await send(defect), { kind: 'unknown', detail: 'defect' });
  assert.equal(isOpen(), true);
  far.outcome = defect;
  assert.deepEqual(await delivery.enquire('osmp', requestFor('beeline')), { kind: 'unknown', detail: 'defect' });
  assert.deepEqual(errors, Array(FAILURES + 1).fill(defect));
});

test('the state of each route and operator can be read, and each call is measured', async () => {
  const { delivery, far, send, calls } = scripted();
  await send(delivered);
  clock.advance(1_000);
  await send(barred);
  await send(lost);
  clock.advance(1_000);
  far.outcome = busy;
  await delivery.enquire('osmp', requestFor('beeline'));
  assert.deepEqual(delivery.status(), [
    {
      route: 'osmp',
      operator: 'beeline',
      state: 'closed',
      delivered: 1,
      refused: 1,
      unknown: 1,
      enquiries: 1,
      lastSuccessAt: clock.now(),
      lastFailureAt: new Date(clock.now().getTime() - 1_000),
      lastFailure: 'TimeoutError',
    },
  ]);
  assert.deepEqual(
    calls.map(({ verb, outcome }) => `${verb} ${outcome}`),
    ['deliver delivered', 'deliver refused', 'deliver unknown', 'enquire unknown'],
  );
  assert.ok(calls.every(({ ms }) => ms >= 0));
});

test('a route that is not configured is a defect of the caller', async () => {
  const { delivery } = scripted();
  await assert.rejects(delivery.deliver('dtone', requestFor('tele2')), /the route dtone is configured/);
});
