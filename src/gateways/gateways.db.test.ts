import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { steppedClock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { createGatewayBoard, createGatewayReporter, type Gateway, type GatewayState, Traffic } from './index.ts';

const clock = steppedClock(new Date('2026-11-05T09:05:00Z'));
let platform: TestPlatform;
before(async () => {
  platform = await openTestPlatform({ clock });
});
after(() => platform.close());

/** A link that does at once what it is told. */
function openLink(id: string): Gateway {
  let state: GatewayState = 'bound';
  return {
    id,
    protocol: 'smpp',
    operator: platform.catalogue.parseOperator('kcell'),
    status: () => ({ state, since: clock.now(), lastError: 'ECONNRESET', dialogues: 3, waiting: 1 }),
    drain: () => {
      state = 'drained';
    },
    resume: () => {
      state = 'bound';
    },
    close: async () => undefined,
  };
}

test('staff see what each process tells, and when it says nothing any more', async () => {
  const board = createGatewayBoard(platform);
  const traffic = new Traffic(clock);
  const tell = (process: string) =>
    createGatewayReporter(platform, { process, gateways: [openLink('kcell-main')], traffic });
  const [one, two] = [tell('one'), tell('two')];
  traffic.count({ gateway: 'kcell-main', direction: 'in' });
  clock.advance(50_000);
  for (let n = 0; n < 4; n += 1) traffic.count({ gateway: 'kcell-main', direction: 'out' });
  await Promise.all([one.round(), two.round()]);
  const [first] = await board.list();
  assert.ok(first);
  const { since, toldAt, ...told } = first;
  assert.deepEqual([since, toldAt], [clock.now(), clock.now()]);
  assert.deepEqual(told, {
    id: 'kcell-main',
    process: 'one',
    protocol: 'smpp',
    operator: 'kcell',
    state: 'bound',
    isCurrent: true,
    lastError: 'ECONNRESET',
    dialogues: 3,
    waiting: 1,
    inMinute: 1,
    outMinute: 4,
    wish: 'run',
    reason: undefined,
  });
  clock.advance(15_000);
  assert.deepEqual(traffic.perMinute('kcell-main'), { in: 0, out: 4 }, 'what is a minute old counts no more');
  await two.round();
  clock.advance(limits.gatewayGoneMs - 10_000);
  assert.deepEqual(
    (await board.list()).map(({ process, isCurrent }) => [process, isCurrent]),
    [
      ['one', false],
      ['two', true],
    ],
  );
  await two.close();
  assert.deepEqual(
    (await board.list()).map(({ process }) => process),
    ['one'],
  );
  await one.close();
});

test('a wish is kept, recorded with its reason, and obeyed by every process until another one', async () => {
  const board = createGatewayBoard(platform);
  const links = [openLink('hlr'), openLink('hlr')];
  const reporters = links.map((link, index) =>
    createGatewayReporter(platform, { process: `p${index}`, gateways: [link], traffic: new Traffic(clock) }),
  );
  const round = () => Promise.all(reporters.map((one) => one.round()));
  const states = () => links.map((link) => link.status().state);
  await round();
  await board.wish({ gateway: 'hlr', wish: 'drain', reason: 'the operator works tonight', actor: 'aigul' });
  await round();
  assert.deepEqual(states(), ['drained', 'drained']);
  assert.equal((await board.list())[0]?.reason, 'the operator works tonight');
  await board.wish({ gateway: 'hlr', wish: 'run', reason: 'done', actor: 'aigul' });
  await round();
  assert.deepEqual(states(), ['bound', 'bound']);
  const entries = await platform.sql<{ action: string; actor: string; subject: string }>(
    `select action, actor, subject from audit_entry where subject = 'gateway:hlr' order by id`,
  );
  assert.deepEqual(entries, [
    { action: 'gateway.drain', actor: 'aigul', subject: 'gateway:hlr' },
    { action: 'gateway.run', actor: 'aigul', subject: 'gateway:hlr' },
  ]);
});

test('a gateway nobody has told of cannot be wished anything, and a reason holds no number', async () => {
  const board = createGatewayBoard(platform);
  const wish = { gateway: 'nowhere', wish: 'drain', reason: 'x', actor: 'aigul' } as const;
  await assert.rejects(board.wish(wish), { code: 'gateway.not_found' });
  await assert.rejects(board.wish({ ...wish, reason: '7701 123 45 67' }), { code: 'request.invalid' });
});
