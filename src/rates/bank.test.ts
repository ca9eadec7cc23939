import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { type Bank, startBank } from '../../simulators/bank/bank.ts';
import { limits } from '../base/limits.ts';
import { bankSource, parseFeed } from './bank.ts';

const item = (title: string, description: string, quant: string): string =>
  `<item><fullname>X</fullname><title>${title}</title><description>${description}</description><quant>${quant}</quant><index/><change/></item>`;
const feed = (date: string, ...items: string[]): string =>
  `<?xml version="1.0" encoding="utf-8"?><rates><title>Official</title><date>${date}</date>${items.join('')}</rates>`;

test('of the bank’s list the currencies we know are read, for one unit and exactly', () => {
  const xml = feed('24.11.2026', item('USD', '519.43', '1'), item('UZS', '3.81', '100'), item('JPY', '2.91', '1'));
  assert.deepEqual(parseFeed(xml), {
    day: '2026-11-24',
    rates: [
      { currency: 'USD', microTenge: 519_430_000n },
      { currency: 'UZS', microTenge: 38_100n },
    ],
  });
});

test('one currency alone, and none at all, are documents too', () => {
  assert.equal(parseFeed(feed('24.11.2026', item('USD', '519.43', '1'))).rates.length, 1);
  assert.deepEqual(parseFeed(feed('24.11.2026', '<info>нет</info>')).rates, []);
});

test('tenge have no rate, whatever the feed says', () => {
  assert.deepEqual(parseFeed(feed('24.11.2026', item('KZT', '2', '1'))).rates, []);
});

for (const [what, xml] of [
  ['nothing', ''],
  ['a page', '<!doctype html><html><body>502</body></html>'],
  ['another document', '<ValCurs Date="24.11.2026"/>'],
  ['broken off in the middle', feed('24.11.2026', item('USD', '519.43', '1')).slice(0, 120)],
  ['no date', '<rates><item><title>USD</title><description>1</description><quant>1</quant></item></rates>'],
  ['a day that is none', feed('31.02.2026', item('USD', '519.43', '1'))],
  ['a date in another order', feed('2026-11-24', item('USD', '519.43', '1'))],
  ['two rates for one currency', feed('24.11.2026', item('USD', '519.43', '1'), item('USD', '51.94', '1'))],
  ['a rate of nothing', feed('24.11.2026', item('USD', '0', '1'))],
  ['a rate that is a word', feed('24.11.2026', item('USD', 'много', '1'))],
  ['no quantity', feed('24.11.2026', '<item><title>USD</title><description>519</description></item>')],
  [
    'an entity that stands for a rate',
    `<!DOCTYPE r [<!ENTITY a "519.43">]>${feed('24.11.2026', item('USD', '&a;', '1')).slice(38)}`,
  ],
  ['an entity of XML itself', feed('24.11.2026', item('USD', '5&#49;9.43', '1'))],
] as const) {
  test(`turned away: ${what}`, () => assert.throws(() => parseFeed(xml)));
}

let bank: Bank;
before(async () => {
  bank = await startBank();
});
after(() => bank.close());
beforeEach(() => bank.set({ mode: 'normal', faults: [] }));

const read = (day: string) => bankSource({ url: bank.feedUrl }).read(day);
const daysOf = async (day: string) => [...new Set((await read(day)).map((rate) => rate.day))];

test('the feed is asked for a day and answers with all seven currencies and where they come from', async () => {
  const rates = await read('2026-11-24');
  assert.deepEqual(rates.map((rate) => rate.currency).toSorted(), ['CNY', 'EUR', 'GBP', 'KGS', 'RUB', 'USD', 'UZS']);
  for (const { microTenge, day, source } of rates) {
    assert.ok(microTenge > 0n);
    assert.deepEqual([day, source], ['2026-11-24', 'National Bank of Kazakhstan']);
  }
  const som = rates.find((rate) => rate.currency === 'UZS');
  assert.ok(som && som.microTenge < 50_000n, 'the figure for a hundred soms is divided');
});

test('on a weekend the bank answers for the day asked for', async () => {
  assert.deepEqual(await daysOf('2026-11-28'), ['2026-11-28']);
});

test('a rate of yesterday stays one of yesterday', async () => {
  bank.set({ mode: 'yesterday' });
  assert.deepEqual(await daysOf('2026-11-25'), ['2026-11-24']);
});

test('a rate of Friday counts for the weekend after it, and not for Monday', async () => {
  const source = (days: Record<string, string>) =>
    served((request, response) => {
      const asked = new URL(request.url ?? '', 'http://bank').searchParams.get('fdate') ?? '';
      const date = days[asked];
      response.end(date === undefined ? feed(asked) : feed(date, item('USD', '519.43', '1')));
    });
  await using silent = await source({ '27.11.2026': '27.11.2026' });
  const days = async (url: string, day: string) => (await bankSource({ url }).read(day)).map((rate) => rate.day);
  assert.deepEqual(await days(silent.url, '2026-11-28'), ['2026-11-28'], 'a feed that has nothing on Saturday');
  assert.deepEqual(await days(silent.url, '2026-11-29'), ['2026-11-29']);
  assert.deepEqual(await days(silent.url, '2026-11-30'), ['2026-11-29']);
  await assert.rejects(bankSource({ url: silent.url }).read('2026-12-05'), /has no rates for 2026-12-05/);

  await using honest = await source({ '29.11.2026': '27.11.2026', '30.11.2026': '27.11.2026' });
  assert.deepEqual(await days(honest.url, '2026-11-29'), ['2026-11-29'], 'a feed that names Friday on Sunday');
  assert.deepEqual(await days(honest.url, '2026-11-30'), ['2026-11-29']);
});

test('with a calendar it counts for a holiday too', async () => {
  await using server = await served((_, response) => response.end(feed('15.12.2026', item('USD', '519.43', '1'))));
  const isWorkingDay = (day: string) => day !== '2026-12-16';
  const [rate] = await bankSource({ url: server.url, isWorkingDay }).read('2026-12-16');
  assert.equal(rate?.day, '2026-12-16');
});

test('rates of a day that has not come are turned away', async () => {
  await using server = await served((_, response) => response.end(feed('25.11.2026', item('USD', '519.43', '1'))));
  await assert.rejects(
    bankSource({ url: server.url }).read('2026-11-24'),
    /asked for 2026-11-24 and answered for 2026-11-25/,
  );
});

for (const [mode, said] of [
  ['fail', /answered 503/],
  ['garbage', /document type/],
  ['empty', /has no rates/],
] as const) {
  test(`a bank in mode ${mode} is a failure`, async () => {
    bank.set({ mode });
    await assert.rejects(read('2026-11-24'), said);
  });
}

test('so is one that hangs up, never answers, answers without end or sends us elsewhere', async () => {
  bank.set({ faults: [{ kind: 'drop' }] });
  await assert.rejects(read('2026-11-24'), /fetch failed/);

  await using silent = await served(() => undefined);
  await assert.rejects(bankSource({ url: silent.url, timeoutMs: 50 }).read('2026-11-24'), /timeout/);

  await using endless = await served((_, response) => response.end('x'.repeat(limits.rateBytesMax + 1)));
  await assert.rejects(bankSource({ url: endless.url }).read('2026-11-24'), /more than 262144 bytes/);

  await using moved = await served((_, response) => response.writeHead(302, { location: bank.feedUrl }).end());
  await assert.rejects(bankSource({ url: moved.url }).read('2026-11-24'), /fetch failed/);
});

async function served(listener: RequestListener): Promise<AsyncDisposable & { url: string }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/rss/get_rates.cfm`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
