import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { steppedClock } from '../../src/base/clock.ts';
import { eventId } from '../../src/base/ids.ts';
import type { Msisdn } from '../../src/base/msisdn.ts';
import { Secret } from '../../src/base/secret.ts';
import { createLanes, withTx } from '../../src/db/index.ts';
import {
  type AccountId,
  type LedgerEvent,
  mainAccount,
  openAccounts,
  type Posting,
  post,
  systemAccount,
} from '../../src/ledger/index.ts';
import { audit } from '../../src/reports/index.ts';
import { type Client, createClient, type Reply, tally } from '../support/client.ts';
import {
  issueVouchers,
  newKey,
  newNumber,
  newPartner,
  newPin,
  openTestPlatform,
  serveOnSocket,
  type TestPartner,
  type TestPlatform,
} from '../support/platform.ts';

// Many at once, through the door, over real sockets: exactly one may win, and everybody else must be told the truth.

const clock = steppedClock(new Date());
const platform = await openTestPlatform({ clock });
const server = await serveOnSocket(platform);
const second = await openTestPlatform({ clock, dataDir: platform.dataDir });
const secondServer = await serveOnSocket(second);

after(async () => {
  await server.close();
  await secondServer.close();
  await second.close();
  await platform.close();
});

const clientOf = (partner: TestPartner): Client => createClient(server.url, partner.token);
/** Two processes' worth of lanes over one database. */
const clientsOf = (partner: TestPartner): [Client, Client] => [
  clientOf(partner),
  createClient(secondServer.url, partner.token),
];
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const KZT_1000 = 1000_00n;

async function transfersOf(key: string, partner: TestPartner): Promise<number> {
  const id = eventId('topup', String(partner.id), key);
  const [row] = await platform.sql<{ count: bigint }>('select count(*) from transfer where event = $1', [id]);
  return Number(row?.count);
}

async function floatOf(partner: TestPartner): Promise<string> {
  return (await platform.partners.find(partner.name)).float;
}

async function balanceOf(msisdn: Msisdn): Promise<string> {
  const [main] = await platform.subscribers.balances(msisdn);
  return main?.amount ?? '0.00';
}

/** After every race the whole of the books is recomputed. */
async function booksHold(): Promise<void> {
  const broken = (await audit(platform.db)).filter((check) => !check.ok);
  assert.deepEqual(broken, []);
}

test('one PIN from 200 callers at once credits one of them', async () => {
  const partner = await newPartner(platform, { float: 0n });
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: KZT_1000 }], count: 1 });
  const callers = times(200, newNumber);
  const replies = await Promise.all(callers.map((msisdn) => clientOf(partner).redeem({ msisdn, pin: pins[0] ?? '' })));
  assert.deepEqual(tally(replies), { '201': 1, '422 voucher.refused': 199 });
  await booksHold();
});

test('one PIN 200 times for one number is credited once, and each repeat is told so', async () => {
  const partner = await newPartner(platform, { float: 0n });
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: KZT_1000 }], count: 1 });
  const msisdn = newNumber();
  const replies = await Promise.all(times(200, () => clientOf(partner).redeem({ msisdn, pin: pins[0] ?? '' })));
  assert.deepEqual(tally(replies), { '201': 1, '200': 199 });
  for (const { status, body } of replies) {
    assert.equal(body.status, status === 201 ? 'credited' : 'already_credited');
    assert.equal(body.balance, '1000.00');
  }
  assert.equal(new Set(replies.map(({ body }) => body.id)).size, 1);
  assert.equal(await balanceOf(msisdn), '1000.00');
  await booksHold();
});

test('one key with 50 bodies at once means one of them', async () => {
  const partner = await newPartner(platform, { float: 100n * KZT_1000 });
  const wishes = times(50, (index) => ({ key: 'one', msisdn: newNumber(), amount: String(100 + index) }));
  const replies = await Promise.all(wishes.map((wish) => clientOf(partner).topup(wish)));
  assert.deepEqual(tally(replies), { '201': 1, '422 key.reused': 49 });
  assert.equal(await transfersOf('one', partner), 1);
  await booksHold();
});

test('one key with one body 200 times is one top-up with one answer', async () => {
  const partner = await newPartner(platform, { float: 100n * KZT_1000 });
  const msisdn = newNumber();
  const replies = await Promise.all(times(200, () => clientOf(partner).topup({ key: 'same', msisdn, amount: '1000' })));
  assert.deepEqual(tally(replies), { '201': 200 });
  assert.equal(new Set(replies.map(({ body }) => JSON.stringify(body))).size, 1);
  assert.equal(await transfersOf('same', partner), 1);
  assert.equal(await balanceOf(msisdn), '1000.00');
  assert.equal(await floatOf(partner), '99000.00');
  await booksHold();
});

test('duplicates inside one bulk are credited once', async () => {
  const partner = await newPartner(platform, { float: 100n * KZT_1000 });
  const wish = { key: 'twice', msisdn: newNumber(), amount: '500' };
  const other = { key: 'alone', msisdn: newNumber(), amount: '500' };
  const reply = await clientOf(partner).bulk('bulk', [
    wish,
    other,
    wish,
    { ...wish, amount: '501' },
    { ...wish, msisdn: newNumber() },
    wish,
  ]);
  assert.deepEqual(
    reply.body.items?.map((item) => item.problem?.code ?? item.status),
    [201, 201, 201, 'key.reused', 'key.reused', 201],
  );
  assert.equal(await floatOf(partner), '99000.00');
  assert.equal(await balanceOf(wish.msisdn), '500.00');
  await booksHold();
});

test('a key whose first body was refused is free for another body, also inside one bulk', async () => {
  const partner = await newPartner(platform, { float: KZT_1000 });
  const msisdn = newNumber();
  const big = { key: 'k', msisdn, amount: '2000' };
  const small = { key: 'k', msisdn, amount: '700' };
  const { body } = await clientOf(partner).bulk('bulk', [big, small, big, small]);
  assert.deepEqual(
    body.items?.map((item) => item.problem?.code ?? item.status),
    ['float.too_low', 201, 'key.reused', 201],
  );
  assert.equal(await floatOf(partner), '300.00');
});

test('a float with room for 7 of 50 sells 7', async () => {
  const partner = await newPartner(platform, { float: 7n * KZT_1000 });
  const wishes = times(50, (index) => ({ key: `k${index}`, msisdn: newNumber(), amount: '1000' }));
  const replies = await Promise.all(
    wishes.map((wish, index) => clientsOf(partner)[index % 2]?.topup(wish) as Promise<Reply>),
  );
  assert.deepEqual(tally(replies), { '201': 7, '422 float.too_low': 43 });
  assert.equal(await floatOf(partner), '0.00');
  await booksHold();
});

test('two processes racing the same keys credit each once', async () => {
  const partner = await newPartner(platform, { float: 1000n * KZT_1000 });
  const wishes = times(100, (index) => ({ key: `k${index}`, msisdn: newNumber(), amount: '1000' }));
  const [here, there] = clientsOf(partner);
  const replies = await Promise.all([
    ...wishes.map((wish) => here.topup(wish)),
    ...wishes.toReversed().map((wish) => there.topup(wish)),
  ]);
  assert.deepEqual(tally(replies), { '201': 200 });
  assert.equal(await floatOf(partner), '900000.00');
  await booksHold();
});

test('two processes racing the same bulk in opposite orders credit each item once', async () => {
  const partner = await newPartner(platform, { float: 1000n * KZT_1000 });
  const wishes = times(200, (index) => ({ key: `k${index}`, msisdn: newNumber(), amount: '1000' }));
  const [here, there] = clientsOf(partner);
  const replies = await Promise.all([
    here.bulk('a', wishes),
    there.bulk('b', wishes.toReversed()),
    here.bulk('c', wishes.toReversed()),
    there.bulk('d', wishes),
  ]);
  assert.deepEqual(
    replies.map(({ status, body }) => [status, body.credited]),
    times(4, () => [200, 200]),
  );
  assert.equal(await floatOf(partner), '800000.00');
  await booksHold();
});

test('two processes racing one PIN credit one of the callers', async () => {
  const partner = await newPartner(platform, { float: 0n });
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: KZT_1000 }], count: 40 });
  const clients = clientsOf(partner);
  const replies = await Promise.all(
    pins.flatMap((pin) =>
      times(4, (index) => clients[index % 2]?.redeem({ msisdn: newNumber(), pin }) as Promise<Reply>),
    ),
  );
  assert.deepEqual(tally(replies), { '201': 40, '422 voucher.refused': 120 });
  const repeats = await Promise.all(
    pins.flatMap((pin) =>
      times(2, (index) => clients[index]?.redeem({ msisdn: '77770000001', pin }) as Promise<Reply>),
    ),
  );
  assert.equal(repeats.filter(({ status }) => status === 201).length, 0);
  await booksHold();
});

test('a card and a top-up for the same new number, from two processes, open one subscriber', async () => {
  const partner = await newPartner(platform, { float: 1000n * KZT_1000 });
  const { pins } = await issueVouchers(platform, {
    values: [
      { unit: 'KZT', amount: KZT_1000 },
      { unit: 'MB', amount: 500n, validDays: 30 },
    ],
    count: 50,
  });
  const [here, there] = clientsOf(partner);
  const numbers = times(50, newNumber);
  const replies = await Promise.all(
    numbers.flatMap((msisdn, index) => [
      here.topup({ key: `h${index}`, msisdn, amount: '1000' }),
      there.topup({ key: `t${index}`, msisdn, amount: '1000' }),
      here.redeem({ msisdn, pin: pins[index] ?? '' }),
    ]),
  );
  assert.deepEqual(tally(replies), { '201': 150 });
  for (const number of numbers) assert.equal(await balanceOf(number), '3000.00');
  await booksHold();
});

test('200 transfers crossing between wallets all arrive, and no caller hears of a deadlock', async () => {
  const wallets = times(8, (index) => mainAccount(8_000_000n + BigInt(index), 'KZT'));
  const at = clock.now();
  const fund: LedgerEvent = {
    id: eventId('crossing', 'fund'),
    code: 'float_fund',
    kind: 'posted',
    legs: wallets.map((credit) => ({ debit: systemAccount('cash', 'KZT', 0), credit, amount: 1_000n })),
  };
  await withTx(platform.db, async (tx) => {
    openAccounts(
      tx,
      wallets.map((id) => ({ id, kind: 'subscriber', floor: 0n })),
    );
    await post(tx, [fund], { careful: true, at });
  });
  // Batches of two lanes sets meet here, optimistic and careful, and single transactions of the pool.
  const lanes = [platform, second].map((one) =>
    createLanes<LedgerEvent, Posting>({
      url: one.db.url,
      name: 'crossing',
      count: 2,
      batchMax: 5,
      work: async (tx, events, turn) => {
        const answers = await post(tx, events, { careful: turn.careful, at });
        return () => answers;
      },
    }),
  );
  const startedAt = performance.now();
  const answers = await Promise.all(
    times(200, (index) => crossing(wallets, index)).map(async (event, index) => {
      const lane = lanes[index % 3];
      if (lane) return lane.submit(index, event);
      const [answer] = await withTx(platform.db, (tx) => post(tx, [event], { careful: true, at }));
      return answer;
    }),
  );
  const tookMs = performance.now() - startedAt;
  await Promise.all(lanes.map((lane) => lane.close()));
  assert.deepEqual(
    answers.filter((answer) => answer !== 'posted'),
    [],
  );
  const [state] = await platform.sql<{ sum: string; deadlocks: bigint }>(
    `select (select sum(credits_posted - debits_posted) from account where id = any($1)) as sum,
      (select deadlocks from pg_stat_database where datname = current_database()) as deadlocks`,
    [wallets],
  );
  assert.equal(Number(state?.sum), 8_000);
  assert.equal(state?.deadlocks, 0n, `locks are taken in one order (took ${Math.round(tookMs)} ms)`);
  await booksHold();
});

function crossing(wallets: readonly AccountId[], index: number): LedgerEvent {
  const debit = wallets[index % 8];
  const credit = wallets[(index + 1 + (Math.floor(index / 8) % 7)) % 8];
  assert.ok(debit && credit);
  return {
    id: eventId('crossing', String(index)),
    code: 'transfer',
    kind: 'posted',
    legs: [{ debit, credit, amount: 10n }],
  };
}

const MINUTE_MS = 60_000;

test('the guess ladder bars after 5, 10 and 15 wrong codes, and after 30 until staff lift it', async () => {
  const partner = await newPartner(platform, { float: 0n });
  const msisdn = newNumber();
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: KZT_1000 }], count: 1 });
  const guess = async (count: number, client: Client): Promise<Reply[]> =>
    Promise.all(times(count, () => client.redeem({ msisdn, pin: newPin() })));
  const [here, there] = clientsOf(partner);
  assert.deepEqual(tally(await guess(8, here)), { '422 voucher.refused': 5, '429 voucher.guess_barred': 3 });
  const barred = await there.redeem({ msisdn, pin: pins[0] ?? '' });
  assert.deepEqual([barred.status, barred.body.code], [429, 'voucher.guess_barred']);
  assert.ok(
    barred.retryAfter !== undefined && barred.retryAfter > 0 && barred.retryAfter <= 15 * 60,
    `Retry-After is ${barred.retryAfter}`,
  );
  const steps = [
    { minutes: 16, wrong: 5, nextBarMinutes: 60 },
    { minutes: 61, wrong: 5, nextBarMinutes: 24 * 60 },
    { minutes: 24 * 60 + 1, wrong: 5, nextBarMinutes: 24 * 60 },
    { minutes: 24 * 60 + 1, wrong: 5, nextBarMinutes: 24 * 60 },
    { minutes: 24 * 60 + 1, wrong: 5, nextBarMinutes: 29 * 24 * 60 },
  ];
  for (const { minutes, wrong, nextBarMinutes } of steps) {
    clock.advance(minutes * MINUTE_MS);
    assert.deepEqual(tally(await guess(wrong + 3, here)), {
      '422 voucher.refused': wrong,
      '429 voucher.guess_barred': 3,
    });
    clock.advance((nextBarMinutes - 1) * MINUTE_MS);
    assert.deepEqual(
      tally(await guess(1, there)),
      { '429 voucher.guess_barred': 1 },
      'still barred a minute before the end',
    );
    clock.advance(-(nextBarMinutes - 1) * MINUTE_MS);
  }
  clock.advance(365 * 24 * 60 * MINUTE_MS);
  assert.deepEqual(tally(await guess(1, here)), { '429 voucher.guess_barred': 1 }, 'only staff lift the last bar');
  assert.equal(
    (await here.redeem({ msisdn: newNumber(), pin: pins[0] ?? '' })).status,
    422,
    'the card has expired by now',
  );
});

test('a bar survives a restart', async (t) => {
  const first = await openTestPlatform({ keep: true });
  const partner = await newPartner(first, { float: 0n });
  const msisdn = newNumber();
  const firstServer = await serveOnSocket(first);
  const guess = (url: string): Promise<Reply> => createClient(url, partner.token).redeem({ msisdn, pin: newPin() });
  for (let wrong = 0; wrong < 5; wrong += 1) await guess(firstServer.url);
  await firstServer.close();
  await first.close();
  const again = await openTestPlatform({ dataDir: first.dataDir, keep: false });
  const againServer = await serveOnSocket(again);
  t.after(async () => {
    await againServer.close();
    await again.close();
  });
  assert.deepEqual(tally([await guess(againServer.url)]), { '429 voucher.guess_barred': 1 });
});

test('wrong codes by one caller in two processes at once pass no step of the ladder without its bar', async () => {
  const guess = (caller: Msisdn, at: TestPlatform): Promise<string> => {
    const target = newNumber();
    const command = {
      target,
      caller,
      channel: 'ussd',
      gateway: 'kcell',
      operator: undefined,
      apiKey: undefined,
    } as const;
    return at.topups.redeem({ ...command, pin: new Secret(newPin()) }).then(
      () => 'credited',
      (error: Error) => error.message,
    );
  };
  const callers = times(40, newNumber);
  await Promise.all(
    callers.map(async (caller) => {
      for (const at of [platform, second, platform]) assert.equal(await guess(caller, at), 'voucher.refused');
    }),
  );
  // Each process has seen three and adds a fourth: neither sees the fifth.
  await Promise.all(callers.flatMap((caller) => [guess(caller, platform), guess(caller, second)]));
  const answers = await Promise.all(callers.map((caller) => guess(caller, platform)));
  assert.deepEqual(
    answers,
    callers.map(() => 'voucher.guess_barred'),
  );
});

test('the breaker trips on a flood of wrong codes, spares whoever has not failed, and ends by itself', async () => {
  clock.advance(60 * MINUTE_MS);
  const partner = await newPartner(platform, { float: 0n });
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: KZT_1000 }], count: 10 });
  let next = 0;
  const pin = (): string => pins[next++] ?? assert.fail('no card left');
  // A key is barred after a hundred, so a flood comes through many.
  const flood = await Promise.all(times(6, async () => createClient(server.url, await newKey(platform, partner.name))));
  const good = createClient(server.url, await newKey(platform, partner.name));
  const failedOnce = newNumber();
  assert.equal((await good.redeem({ msisdn: failedOnce, pin: newPin() })).status, 422);
  const replies: Reply[] = [];
  for (const client of flood)
    replies.push(...(await Promise.all(times(90, () => client.redeem({ msisdn: newNumber(), pin: newPin() })))));
  assert.deepEqual(tally(replies), { '422 voucher.refused': 540 });
  const blocked = await good.redeem({ msisdn: failedOnce, pin: pin() });
  assert.deepEqual([blocked.status, blocked.body.code], [429, 'voucher.guess_barred']);
  assert.equal(
    (await good.redeem({ msisdn: newNumber(), pin: pin() })).status,
    201,
    'a caller with no failure is not blocked',
  );
  clock.advance(9 * MINUTE_MS);
  assert.equal((await good.redeem({ msisdn: failedOnce, pin: pin() })).status, 429);
  clock.advance(2 * MINUTE_MS);
  assert.equal((await good.redeem({ msisdn: failedOnce, pin: pin() })).status, 201, 'ten clean minutes have passed');
  await booksHold();
});
