import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Bank, startBank } from '../../simulators/bank/bank.ts';
import { openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { steppedClock } from '../base/clock.ts';
import { addDays, dayOf, startOfDay } from '../base/day.ts';
import { limits } from '../base/limits.ts';
import { currencyNames } from '../base/money.ts';
import { bankSource, createRates, type RateSource, type Rates } from './index.ts';

const HOUR = 3_600_000;
/** Tuesday noon in Astana; each test begins a week later. */
const start = new Date('2026-11-24T07:00:00Z').getTime();
const clock = steppedClock(new Date(start));

let platform: TestPlatform;
let bank: Bank;
let asked: string[] = [];
let rates: Rates;

before(async () => {
  [platform, bank] = await Promise.all([openTestPlatform({ clock }), startBank()]);
});
after(async () => {
  await platform.close();
  await bank.close();
});
beforeEach(async () => {
  await platform.sql('delete from fx_rate');
  bank.set({ mode: 'normal', faults: [] });
  asked = [];
  rates = another();
  clock.advance(7 * 24 * HOUR - ((clock.now().getTime() - start) % (7 * 24 * HOUR)));
});

function counted(source: RateSource): RateSource {
  return {
    name: source.name,
    read(day) {
      asked.push(day);
      return source.read(day);
    },
  };
}

/** As another process has it: the same table, a memory of its own. */
const another = (): Rates =>
  createRates({ db: platform.db, clock, source: counted(bankSource({ url: bank.feedUrl })) });

const today = (): string => dayOf(clock.now());

test('before anything is fetched there are tenge, one for one', async () => {
  const current = await rates.current();
  assert.deepEqual([...current.keys()], ['KZT']);
  assert.equal(current.get('KZT')?.microTenge, 1_000_000n);
});

test('a refresh brings today’s rates, each with its day and source, and they are usable', async () => {
  await rates.current();
  await rates.refresh();
  const current = await rates.current();
  assert.deepEqual([...current.keys()].toSorted(), currencyNames.toSorted());
  for (const rate of current.values()) {
    assert.equal(rate.day, today());
    assert.ok(rates.isUsable(rate, clock.now()), rate.currency);
  }
  const dollar = current.get('USD');
  assert.equal(dollar?.source, 'National Bank of Kazakhstan');
  assert.deepEqual(dollar?.fetchedAt, clock.now());
  assert.ok(dollar && dollar.microTenge > 300_000_000n && dollar.microTenge < 700_000_000n);
});

test('the bank is asked once a day, however many ask and however often', async () => {
  await Promise.all([rates.refresh(), rates.refresh()]);
  await rates.refresh();
  assert.deepEqual(asked, [today()]);
  clock.advance(limits.rateRefreshMs);
  await rates.refresh();
  await another().refresh();
  assert.deepEqual(asked, [today()], 'another process finds them there');
  const before = today();
  clock.advance(24 * HOUR);
  await rates.refresh();
  assert.deepEqual(asked, [before, today()]);
});

test('two processes that fetch at once keep one set of rates', async () => {
  const other = another();
  await Promise.all([rates.refresh(), other.refresh()]);
  assert.equal((await platform.sql('select 1 from fx_rate')).length, currencyNames.length - 1);
  assert.deepEqual(await rates.current(), await other.current());
});

test('a day’s rates never change once they are there', async () => {
  await rates.refresh();
  const first = (await rates.current()).get('USD');
  const source: RateSource = {
    name: 'another',
    read: async (day) => [{ currency: 'USD', microTenge: 1n, day, source: 'another' }],
  };
  await platform.sql('delete from fx_rate where currency <> $1', ['USD']);
  await createRates({ db: platform.db, clock, source }).refresh();
  assert.deepEqual((await another().current()).get('USD'), first);
  await assert.rejects(platform.db.pool.query('update fx_rate set micro_tenge = 1'), /permission denied/);
});

test('a failing bank is said to be one, leaves the old rates, and is asked again after a minute', async () => {
  await rates.refresh();
  const old = await rates.current();
  clock.advance(24 * HOUR);
  bank.set({ mode: 'fail' });
  await assert.rejects(rates.refresh(), /answered 503/);
  await rates.refresh();
  assert.equal(asked.length, 2, 'not at once');
  assert.deepEqual((await rates.current()).get('USD'), old.get('USD'));
  bank.set({ mode: 'normal' });
  clock.advance(limits.rateRetryMs);
  await rates.refresh();
  assert.equal((await rates.current()).get('USD')?.day, today());
});

test('while the bank is gone foreign money ends 36 hours after the day of the last rates; tenge stay', async () => {
  await rates.refresh();
  bank.set({ mode: 'fail' });
  const endOfDay = startOfDay(addDays(today(), 1)).getTime();
  clock.advance(endOfDay + limits.rateAgeMsMax - clock.now().getTime());
  const usable = async () =>
    [...(await rates.current()).values()]
      .filter((rate) => rates.isUsable(rate, clock.now()))
      .map((one) => one.currency);
  assert.equal((await usable()).length, currencyNames.length);
  clock.advance(1);
  assert.deepEqual(await usable(), ['KZT']);
});

test('over a weekend foreign money stays on while the bank answers', async () => {
  // To Sunday, 22:00.
  clock.advance((5 * 24 + 10) * HOUR);
  await rates.refresh();
  const dollar = (await rates.current()).get('USD');
  assert.ok(dollar && rates.isUsable(dollar, clock.now()));
});

test('what the bank sets for yesterday only is asked for again each hour', async () => {
  bank.set({ mode: 'yesterday' });
  await rates.refresh();
  clock.advance(limits.rateRefreshMs);
  await rates.refresh();
  assert.equal(asked.length, 2);
  const dollar = (await rates.current()).get('USD');
  assert.ok(dollar && dollar.day < today());
});

test('rates are remembered for a minute, and a failing database only for the one who asked', async () => {
  await rates.refresh();
  const first = await rates.current();
  await platform.sql('delete from fx_rate');
  assert.equal(await rates.current(), first);
  clock.advance(limits.rateCacheMs);
  await platform.sql('alter table fx_rate rename to elsewhere');
  await assert.rejects(rates.current());
  await platform.sql('alter table elsewhere rename to fx_rate');
  assert.deepEqual([...(await rates.current()).keys()], ['KZT']);
});

test('a rate for a later day does not count yet', async () => {
  await platform.sql(`insert into fx_rate values ('USD', '2099-01-01', 1, 'a slip', now())`);
  assert.equal((await rates.current()).get('USD'), undefined);
});
