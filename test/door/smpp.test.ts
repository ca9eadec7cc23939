import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { dialects } from '../../simulators/smsc/dialogues.ts';
import { type Smsc, startSmsc } from '../../simulators/smsc/smsc.ts';
import type { Msisdn } from '../../src/base/msisdn.ts';
import { createGatewayBoard } from '../../src/gateways/index.ts';
import { audit } from '../../src/reports/index.ts';
import { openTestGateways, type TestGateways, until } from '../support/gateways.ts';
import { newNumber, openTestPlatform, type TestPlatform } from '../support/platform.ts';
import { issueVouchers } from '../support/vouchers.ts';

// A phone dials, an SMSC speaks SMPP, and a card is credited: the whole way over sockets, with all that can go wrong on it.

let platform: TestPlatform;
let smsc: Smsc;
let gateways: TestGateways;
let cards: string[];

before(async () => {
  platform = await openTestPlatform();
  const values = [{ unit: 'KZT' as const, amount: 500_00n }];
  cards = [...(await issueVouchers(platform, { values, count: 100 })).pins];
  smsc = await startSmsc({ systemId: 'sapar', password: 'secret' });
  gateways = await openTestGateways(platform, { smpp: [rowFor(smsc.port)] });
  await bound();
});

after(async () => {
  await gateways.close();
  await smsc.close();
  assert.deepEqual(gateways.errors, []);
  const broken = (await audit(platform.db)).filter(({ ok }) => !ok);
  await platform.close();
  assert.deepEqual(broken, [], 'the books hold');
});

beforeEach(async () => {
  await misbehave({});
  await bound();
  // Nobody of the test before is still on the telephone.
  for (const number of dialled.splice(0)) await post(`/phones/${number}/hangup`, {});
});

function rowFor(port: number, more: object = {}) {
  const bind = { host: '127.0.0.1', port, systemId: 'sapar', password: 'secret' };
  return { id: 'kcell-main', operator: 'kcell', language: 'en', ...bind, codes: ['*111#'], ...more };
}

const stateOf = () => gateways.list[0]?.status().state;
const bound = () => until('the gateway is bound', () => stateOf() === 'bound');

async function post(
  path: string,
  body: object,
  url = smsc.url,
): Promise<{ status: number; text: string; end: boolean }> {
  const response = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  const said = (await response.json()) as { text?: string; end?: boolean; error?: string };
  return { status: response.status, text: said.text ?? said.error ?? '', end: said.end ?? false };
}

const misbehave = (manners: object) => post('/_control', manners);
const dialled: string[] = [];
const dial = (number: string, text = '*111#') => {
  dialled.push(number);
  return post(`/phones/${number}/dial`, { text });
};
const answer = (number: string, text: string) => post(`/phones/${number}/answer`, { text });

function nextCard(): string {
  const card = cards.pop();
  assert.ok(card);
  return card;
}

async function balanceOf(number: Msisdn): Promise<string> {
  const [bucket] = await platform.subscribers.balances(number);
  return bucket?.amount ?? '0';
}

test('a card is redeemed in a dialogue, and the last screen ends it', async () => {
  const number = newNumber();
  const menu = await dial(number);
  assert.equal(menu.end, false);
  assert.match(menu.text, /1 /);
  const asked = await answer(number, nextCard());
  assert.match(asked.text, /\d{4}/);
  const done = await answer(number, '1');
  assert.ok(done.end, done.text);
  assert.match(done.text, /500/);
  assert.equal(await balanceOf(number), '500.00');
});

test('a code dialled with the card in it is credited at once', async () => {
  const number = newNumber();
  const done = await dial(number, `*111*${nextCard()}#`);
  assert.ok(done.end, done.text);
  assert.equal(await balanceOf(number), '500.00');
});

test('Cyrillic goes over the wire and comes back', async () => {
  const number = newNumber();
  await dial(number);
  await answer(number, '9');
  const russian = await answer(number, '3');
  assert.match(russian.text, /[а-я]/);
});

for (const dialect of dialects)
  test(`the ${dialect} dialect: a dialogue that is dropped in the middle goes on after a redial`, async () => {
    const centre = await startSmsc({ systemId: 'sapar', password: 'secret', dialect });
    const links = await openTestGateways(platform, { smpp: [rowFor(centre.port, { id: `by-${dialect}`, dialect })] });
    try {
      await until('it is bound', () => links.list[0]?.status().state === 'bound');
      const number = newNumber();
      const on = (path: string, body: object) => post(`/phones/${number}/${path}`, body, centre.url);
      await on('dial', { text: '*111#' });
      const asked = await on('answer', { text: nextCard() });
      assert.ok(!asked.end && asked.status === 200, asked.text);
      await on('hangup', {});
      assert.equal(links.list[0]?.status().dialogues, 0);
      // No gateway names more than a few dialogues; one names none, so that this one has the name of the last.
      const again = await on('dial', { text: '*111#' });
      assert.match(again.text, /\d{4}/, 'the card that was typed is offered again');
      await on('answer', { text: '1' });
      const done = await on('answer', { text: '1' });
      assert.ok(done.end, done.text);
      assert.equal(await balanceOf(number), '500.00');
      assert.deepEqual(links.errors, []);
    } finally {
      await links.close();
      await centre.close();
    }
  });

test('a bind that is refused is tried again until it is taken', async () => {
  await misbehave({ refuseBinds: 2, bindStatus: 0x0e, now: 'drop' });
  await until('the bind is refused', () => stateOf() === 'refused');
  assert.equal(gateways.list[0]?.status().lastError, 'bind refused: RINVPASWD');
  await bound();
  assert.equal((await dial(newNumber())).status, 200);
});

test('a throttled gateway sends less, and the screen arrives', async () => {
  await misbehave({ throttle: 3 });
  const number = newNumber();
  const asked = dial(number, `*111*${nextCard()}#`);
  await until('the gateway is throttled', () => stateOf() === 'throttled');
  const done = await asked;
  assert.ok(done.end, done.text);
  assert.equal(await balanceOf(number), '500.00');
  await bound();
});

for (const [name, manners] of [
  ['an answer that is lost', { loseAnswers: 1 }],
  ['an answer that cannot be read', { garble: 1 }],
  ['a message that is delivered twice', { repeat: true }],
  ['an answer that comes late', { delayMs: 100 }],
] as const)
  test(`${name} costs nobody anything`, async () => {
    const number = newNumber();
    await dial(number);
    await answer(number, nextCard());
    await misbehave(manners);
    const done = await answer(number, '1');
    assert.ok(done.end, done.text);
    assert.equal(await balanceOf(number), '500.00');
    await misbehave({});
    await bound();
  });

for (const now of ['drop', 'garbage', 'nonsense', 'unbind'] as const)
  test(`${now}: the gateway comes back by itself, and the dialogue goes on`, async () => {
    const number = newNumber();
    await dial(number);
    await answer(number, nextCard());
    await misbehave({ now });
    if (now !== 'garbage') await until('the connection is gone', () => stateOf() !== 'bound');
    await bound();
    const done = await answer(number, '1');
    assert.ok(done.end, done.text);
    assert.equal(await balanceOf(number), '500.00');
  });

test('a centre that answers nothing any more is left and found again', async () => {
  await misbehave({ silent: true });
  await until('enquire_link is missed', () => gateways.list[0]?.status().lastError === 'enquire_link unanswered');
  await misbehave({ halfOpen: true, now: 'drop' });
  await until('nobody answers the bind', () => gateways.list[0]?.status().lastError === 'bind unanswered');
  await misbehave({});
  await bound();
  assert.equal((await dial(newNumber())).status, 200);
});

test('a dialogue whose steps reach one process after the other goes on as one', async () => {
  const centre = await startSmsc({ systemId: 'sapar', password: 'secret' });
  const processes = [
    await openTestGateways(platform, { smpp: [rowFor(centre.port)] }),
    await openTestGateways(platform, { smpp: [rowFor(centre.port)] }),
  ];
  try {
    await until('both are bound', () => processes.every(({ list }) => list[0]?.status().state === 'bound'));
    const number = newNumber();
    const on = (path: string, text: string) => post(`/phones/${number}/${path}`, { text }, centre.url);
    await on('dial', '*111#');
    await on('answer', nextCard());
    const done = await on('answer', '1');
    assert.ok(done.end, done.text);
    assert.equal(await balanceOf(number), '500.00');
    const taken = processes.map(({ counted }) => counted.filter(({ direction }) => direction === 'in').length);
    assert.deepEqual(taken.toSorted(), [1, 2], 'each had its part');
  } finally {
    for (const one of processes) await one.close();
    await centre.close();
  }
});

test('a text message that strays to a USSD bind is refused, and answered by no screen', async () => {
  const number = newNumber();
  const { counted } = gateways;
  const out = () => counted.filter(({ direction }) => direction === 'out').length;
  const before = out();
  const response = await fetch(`${smsc.url}/phones/${number}/sms`, { method: 'POST', body: '{"text":"1"}' });
  assert.deepEqual(await response.json(), { answers: [0x65] });
  assert.equal((await dial(newNumber())).status, 200);
  assert.equal(out(), before + 1);
});

test('a drained gateway finishes what is under way, begins nothing, and comes back when wished', async () => {
  const board = createGatewayBoard(platform);
  const [mine, other] = [newNumber(), newNumber()];
  await dial(mine);
  await answer(mine, nextCard());
  const wish = { gateway: 'kcell-main', reason: 'works at the operator', actor: 'aigul' };
  await until('it is told of', async () => (await board.list()).length > 0);
  await board.wish({ ...wish, wish: 'drain' });
  await until('the gateway drains', () => stateOf() === 'draining');
  assert.equal((await dial(other)).status, 504, 'nobody begins');
  const done = await answer(mine, '1');
  assert.ok(done.end);
  assert.equal(await balanceOf(mine), '500.00');
  await until('the gateway is drained', () => stateOf() === 'drained');
  const state = await (await fetch(`${smsc.url}/_control`)).json();
  assert.deepEqual(Reflect.get(Object(state), 'binds'), []);
  await board.wish({ ...wish, wish: 'run' });
  await bound();
  assert.equal((await dial(other)).status, 200);
});

test('a trace names what goes over the wire, and no PIN, number or password', async () => {
  const { traced } = gateways;
  const again = await openTestGateways(platform, { smpp: [rowFor(smsc.port, { id: 'traced' })] }, { trace: 'traced' });
  try {
    await until('it is bound', () => again.list[0]?.status().state === 'bound');
    const [number, card] = [newNumber(), nextCard()];
    await dial(number);
    await dial(number);
    await answer(number, card);
    await answer(number, '1');
    await until('it was traced', () => again.traced.length > 4);
    const lines = [...traced, ...again.traced].join('');
    assert.match(again.traced.join(''), /traced in deliver_sm/);
    for (const secret of [card, number, 'secret']) assert.ok(!lines.includes(secret));
  } finally {
    await again.close();
  }
});
