import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { steppedClock } from '../../src/base/clock.ts';
import { eventId } from '../../src/base/ids.ts';
import type { Unit } from '../../src/base/money.ts';
import type { Msisdn } from '../../src/base/msisdn.ts';
import { Refusal } from '../../src/base/refusal.ts';
import { Secret } from '../../src/base/secret.ts';
import { withTx } from '../../src/db/index.ts';
import {
  type AccountId,
  accountsOf,
  endHolds,
  floatAccount,
  type LedgerEvent,
  mainAccount,
  openAccounts,
  type PartyId,
  post,
  systemAccount,
} from '../../src/ledger/index.ts';
import { audit } from '../../src/reports/index.ts';
import {
  issueVouchers,
  newNumber,
  newPartner,
  newPin,
  openTestPlatform,
  type TestPlatform,
} from '../support/platform.ts';
import { apply, emptyState, endDue, type Posting, type State, type Wish } from './model.ts';

// Random wishes to the platform and to a model of a hundred lines: the same answers, the same sums, and books that hold. A
// failure prints its seed and the shortest sequence found. LAWS_RUNS and LAWS_SEED choose how many and which.

const runs = Number(process.env.LAWS_RUNS ?? 300);
const seed = Number(process.env.LAWS_SEED ?? randomInt(2 ** 31));
/** Of the usual three hundred; a busy machine does fewer rather than being late. */
const TIME_LIMIT_MS = 90_000;
/** Each sequence is audited, and an audit reads everything: so everything is forgotten now and then. */
const RUNS_BEFORE_FORGETTING = 200;

const clock = steppedClock(new Date('2026-01-01T00:00:00Z'));
const platform = await openTestPlatform({ clock });
const second = await openTestPlatform({ clock, dataDir: platform.dataDir });
const platforms = [platform, second] as const;

after(async () => {
  await second.close();
  await platform.close();
});

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const walletUnits = ['KZT', 'MB'] as const;

const index = (below: number) => fc.nat(below - 1);
const amount = fc.bigInt(1n, 800n);
const leg = fc
  .record({ unit: fc.constantFrom(...walletUnits), from: index(4), step: fc.integer({ min: 1, max: 3 }), amount })
  .map(({ unit, from, step, amount }) => ({
    from: walletName(from, unit),
    to: walletName((from + step) % 4, unit),
    amount,
  }));
const posting = fc.record({
  key: index(6).map((key) => `key ${key}`),
  hold: fc.boolean(),
  legs: fc.array(leg, { minLength: 1, maxLength: 3 }),
});
const postings = fc.record({
  kind: fc.constant('post' as const),
  list: fc.array(posting, { minLength: 1, maxLength: 3 }),
});
/** One posting and another under its key that is nearly the same. */
const twins = fc
  .record({ first: posting, change: fc.constantFrom('none', 'hold', 'amount', 'legs') })
  .map(({ first, change }) => {
    const [leg, ...more] = first.legs;
    const legs = leg && change === 'amount' ? [{ ...leg, amount: leg.amount + 1n }, ...more] : first.legs;
    const second = {
      ...first,
      hold: first.hold !== (change === 'hold'),
      legs: change === 'legs' ? legs.toReversed() : legs,
    };
    return { kind: 'post' as const, list: [first, second] };
  });
const capture = fc.record({
  kind: fc.constant('capture' as const),
  key: index(6).map((key) => `key ${key}`),
  amounts: fc.option(fc.array(fc.bigInt(0n, 800n), { maxLength: 3 }), { nil: undefined }),
});
const release = fc.record({ kind: fc.constant('release' as const), key: index(6).map((key) => `key ${key}`) });
const credit = fc
  .record({
    partner: index(2),
    number: index(4),
    key: index(4),
    amount: fc.constantFrom(99_99n, 100_00n, 100_00n, 500_00n, 700_00n, 50_000_01n),
  })
  .map(({ partner, number, key, amount }) => ({
    kind: 'credit' as const,
    float: `float ${partner}`,
    number: `number ${number}`,
    key: `credit ${partner} ${key}`,
    amount,
  }));
const cards = ['card 0', 'card 1', 'card 2', 'locked', 'expired', 'unknown', 'unknown'];
const ownRedeem = fc
  .record({
    card: fc.constantFrom(...cards),
    number: index(4).map((one) => `number ${one}`),
    gateway: fc.constantFrom(undefined, 'kcell', 'beeline'),
  })
  .map((one) => ({ kind: 'redeem' as const, ...one, caller: one.number }));
const redeem = fc
  .record({ own: ownRedeem, caller: index(4) })
  .map(({ own, caller }) => ({ ...own, caller: `number ${caller}` }));
const single = fc.oneof(
  postings.map((one) => ({ ...one, list: one.list.slice(0, 1) })),
  capture,
  release,
  credit,
  credit,
  ownRedeem,
);

type Command =
  | { readonly kind: 'wish'; readonly wish: Wish }
  /** The same as some time before. */
  | { readonly kind: 'again'; readonly back: number }
  /** Wrong codes one after the other. */
  | { readonly kind: 'guess'; readonly number: string; readonly caller: string; readonly count: number }
  /** All at once, each in a lane or process of its own: the answers must be those of some order. */
  | { readonly kind: 'burst'; readonly wishes: readonly Wish[] }
  | { readonly kind: 'many'; readonly wishes: readonly Extract<Wish, { kind: 'credit' }>[] }
  | { readonly kind: 'wait'; readonly ms: number }
  /** The background's round: credits and cards whose day has come are ended. */
  | { readonly kind: 'sweep' }
  | { readonly kind: 'close'; readonly number: string };

const guesses = fc
  .record({ number: index(4), caller: index(4), count: fc.integer({ min: 1, max: 6 }) })
  .map(({ number, caller, count }) => ({
    kind: 'guess' as const,
    number: `number ${number}`,
    caller: `number ${caller}`,
    count,
  }));

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 2, arbitrary: guesses },
  { weight: 1, arbitrary: index(5).map((back) => ({ kind: 'again' as const, back })) },
  {
    weight: 6,
    arbitrary: fc
      .oneof(postings, twins, capture, release, credit, redeem)
      .map((wish) => ({ kind: 'wish' as const, wish })),
  },
  {
    weight: 3,
    arbitrary: fc.array(single, { minLength: 2, maxLength: 5 }).map((wishes) => ({ kind: 'burst' as const, wishes })),
  },
  {
    weight: 1,
    arbitrary: fc.array(credit, { minLength: 2, maxLength: 5 }).map((wishes) => ({ kind: 'many' as const, wishes })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(-10 * MINUTE_MS, MINUTE_MS, 16 * MINUTE_MS, 61 * MINUTE_MS, 25 * HOUR_MS, 31 * 24 * HOUR_MS)
      .map((ms) => ({ kind: 'wait' as const, ms })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'sweep' as const }) },
  { weight: 1, arbitrary: index(4).map((number) => ({ kind: 'close' as const, number: `number ${number}` })) },
);

test('whatever is asked in whatever order, the answers and the books are those of the model', {
  timeout: 24 * HOUR_MS,
}, async () => {
  let run = 0;
  const property = fc.asyncProperty(
    fc.array(command, { minLength: 1, maxLength: 16, size: 'max' }),
    async (commands) => {
      run += 1;
      if (run % RUNS_BEFORE_FORGETTING === 0) await forgetEverything();
      // Out of the window of the breaker, which is everybody's and is tested elsewhere.
      clock.advance(HOUR_MS);
      const world = await newWorld();
      for (const one of commands) await obey(world, one);
      await compareSums(world);
      assert.deepEqual(
        (await audit(platform.db)).filter((check) => !check.ok),
        [],
      );
    },
  );
  const limit = process.env.LAWS_RUNS === undefined ? { interruptAfterTimeLimit: TIME_LIMIT_MS } : {};
  await fc.assert(property, { seed, numRuns: runs, ...limit });
});

/** Fresh parties for one sequence, with the names the model knows them by. */
type World = {
  readonly model: State;
  readonly name: string;
  readonly wallets: readonly PartyId[];
  readonly partners: readonly PartyId[];
  readonly numbers: readonly Msisdn[];
  readonly pins: ReadonlyMap<string, string>;
  readonly asked: Wish[];
};

const FLOAT = 1500_00n;
const WALLET = 1000n;
let worlds = 0;
let nextWallet = 5_000_000_000n;

async function newWorld(): Promise<World> {
  worlds += 1;
  const model = emptyState(clock.now().getTime());
  const partners = [await newPartner(platform, { float: FLOAT }), await newPartner(platform, { float: FLOAT })];
  for (const nth of partners.keys()) model.available.set(`float ${nth}`, FLOAT);
  const wallets = [0, 1, 2].map(() => nextWallet++);
  const world: World = {
    model,
    name: `world ${worlds}`,
    wallets,
    partners: partners.map((one) => one.id),
    numbers: [0, 1, 2, 3].map(newNumber),
    pins: new Map(await Promise.all(cards.map(async (card) => [card, await dealCard(model, card)] as const))),
    asked: [],
  };
  await withTx(platform.db, async (tx) => {
    const ids = wallets.flatMap((party) => walletUnits.map((unit) => mainAccount(party, unit)));
    openAccounts(
      tx,
      ids.map((id) => ({ id, kind: 'subscriber', floor: 0n })),
    );
  });
  const gift = wallets.flatMap((_, nth) =>
    walletUnits.map((unit) => ({ from: walletName(3, unit), to: walletName(nth, unit), amount: WALLET })),
  );
  await obey(world, { kind: 'wish', wish: { kind: 'post', list: [{ key: 'gift', hold: false, legs: gift }] } });
  return world;
}

const FAR_MS = 200 * 365 * 24 * HOUR_MS;
const worth = [
  { unit: 'KZT', amount: 1000_00n },
  { unit: 'MB', amount: 500n, validDays: 30 },
] as const;
const packs = new Map<string, string[]>();

/** A card of its kind that nobody has used, from a pack that is renewed when it is empty. */
async function dealCard(model: State, card: string): Promise<string> {
  if (card === 'unknown') return '';
  const kind = card.split(' ')[0] ?? card;
  const now = clock.now().getTime();
  const expiresAt = kind === 'expired' ? now - HOUR_MS : now + FAR_MS;
  model.cards.set(card, {
    operator: 'kcell',
    state: kind === 'locked' ? 'locked' : 'active',
    expiresAt,
    legs: [...worth],
  });
  const dealt = packs.get(kind)?.pop();
  if (dealt !== undefined) return dealt;
  const state = kind === 'locked' ? 'locked' : 'active';
  const { pins } = await issueVouchers(platform, { values: worth, count: 200, state, expiresAt: new Date(expiresAt) });
  packs.set(kind, [...(packs.get(kind) ?? []), ...pins]);
  return dealCard(model, card);
}

async function obey(world: World, one: Command): Promise<void> {
  const { model } = world;
  switch (one.kind) {
    case 'wish': {
      world.asked.push(one.wish);
      const answer = await ask(world, one.wish, platform);
      assert.equal(answer, apply(model, one.wish), `${world.name}: ${show(one.wish)}`);
      return;
    }
    case 'again': {
      const wish = world.asked.at(-1 - one.back);
      if (wish) await obey(world, { kind: 'wish', wish });
      return;
    }
    case 'guess': {
      const { number, caller } = one;
      const wish: Wish = { kind: 'redeem', card: 'unknown', number, caller, gateway: undefined };
      for (let nth = 0; nth < one.count; nth += 1) await obey(world, { kind: 'wish', wish });
      return;
    }
    case 'burst': {
      const answers = await Promise.all(
        one.wishes.map((wish, nth) =>
          ask(world, wish, wish.kind === 'redeem' ? platform : (platforms[nth % 2] ?? platform)),
        ),
      );
      follow(
        model,
        one.wishes.map((wish, nth) => ({ wish, answer: answers[nth] ?? '' })),
      );
      return;
    }
    case 'many': {
      const answers = await platform.topups.creditMany(one.wishes.map((wish) => creditOf(world, wish)));
      follow(
        model,
        one.wishes.map((wish, nth) => ({ wish, answer: wordOf(answers[nth]) })),
      );
      return;
    }
    case 'wait':
      clock.advance(one.ms);
      model.now += one.ms;
      return;
    case 'sweep':
      await platform.sweep();
      endDue(model);
      return;
    case 'close': {
      // Only who has been credited is known to the platform.
      if (!model.available.has(`${one.number} KZT`)) return;
      await platform.subscribers.setStatus(numberOf(world, one.number), 'closed', { actor: 'test', reason: 'a law' });
      model.closed.add(one.number);
      return;
    }
  }
}

type Answered = { readonly wish: Wish; readonly answer: string };

/** Moves the model along an order in which the answers make sense; there must be one. */
function follow(model: State, answered: readonly Answered[]): void {
  const end = search(model, answered);
  const told = answered.map(({ wish, answer }) => `${show(wish)} => ${answer}`);
  assert.ok(end, `no order explains these answers:\n${told.join('\n')}`);
  Object.assign(model, end);
}

function search(state: State, answered: readonly Answered[]): State | undefined {
  if (answered.length === 0) return state;
  for (const one of answered) {
    const next = structuredClone(state);
    if (apply(next, one.wish) !== one.answer) continue;
    const rest = search(
      next,
      answered.filter((other) => other !== one),
    );
    if (rest) return rest;
  }
  return undefined;
}

let asked = 0;

async function ask(world: World, wish: Wish, at: TestPlatform): Promise<string> {
  asked += 1;
  const tx = { careful: true, at: clock.now() };
  switch (wish.kind) {
    case 'post':
      return (
        await withTx(at.db, (open) =>
          post(
            open,
            wish.list.map((one) => eventOf(world, one)),
            tx,
          ),
        )
      )
        .map(wordOf)
        .join();
    case 'capture': {
      const amounts = wish.amounts === undefined ? {} : { amounts: wish.amounts };
      return (
        await withTx(at.db, (open) =>
          endHolds(open, [{ event: idOf(world, wish.key), end: 'capture', ...amounts }], tx.at),
        )
      )
        .map(wordOf)
        .join();
    }
    case 'release':
      return (await withTx(at.db, (open) => endHolds(open, [{ event: idOf(world, wish.key), end: 'release' }], tx.at)))
        .map(wordOf)
        .join();
    case 'credit':
      return at.topups.credit(creditOf(world, wish)).then(wordOf, refusalWord);
    case 'redeem':
      return at.topups.redeem(redeemOf(world, wish)).then(wordOf, refusalWord);
  }
}

function creditOf(
  world: World,
  wish: Extract<Wish, { kind: 'credit' }>,
): Parameters<TestPlatform['topups']['credit']>[0] {
  const partner = world.partners[Number(wish.float.split(' ')[1])] ?? 0n;
  return {
    partner,
    key: wish.key,
    msisdn: numberOf(world, wish.number),
    amountMinor: wish.amount,
    operator: undefined,
  };
}

function redeemOf(
  world: World,
  wish: Extract<Wish, { kind: 'redeem' }>,
): Parameters<TestPlatform['topups']['redeem']>[0] {
  const pin = world.pins.get(wish.card) || newPin();
  return {
    pin: new Secret(pin),
    target: numberOf(world, wish.number),
    caller: numberOf(world, wish.caller),
    channel: 'ussd',
    gateway: wish.gateway,
    operator: undefined,
    apiKey: undefined,
  };
}

function numberOf(world: World, name: string): Msisdn {
  return world.numbers[Number(name.split(' ')[1])] ?? assert.fail(`${name} is no number`);
}

/** Wallets 0 to 2 belong to parties; 3 is the system's, which has no end. */
function walletName(nth: number, unit: string): string {
  return nth === 3 ? `$${unit}` : `wallet ${nth} ${unit}`;
}

function accountOf(world: World, name: string): AccountId {
  const [kind = '', nth = '', unit] = name.split(' ');
  // Another stripe each time: which one a lane uses is no part of what was asked for.
  if (kind === '$KZT') return systemAccount('cash', 'KZT', asked % 16);
  if (kind === '$MB') return systemAccount('allowance', 'MB', asked % 16);
  return mainAccount(world.wallets[Number(nth)] ?? 0n, unit as Unit);
}

function idOf(world: World, key: string): LedgerEvent['id'] {
  return eventId('law', world.name, key);
}

function eventOf(world: World, { key, hold, legs }: Posting): LedgerEvent {
  return {
    id: idOf(world, key),
    code: 'transfer',
    kind: hold ? 'pending' : 'posted',
    legs: legs.map(({ from, to, amount }) => ({ debit: accountOf(world, from), credit: accountOf(world, to), amount })),
  };
}

function wordOf(answer: unknown): string {
  if (answer instanceof Refusal) return answer.code;
  if (typeof answer === 'string') return answer;
  if (answer instanceof Object && 'fresh' in answer) return answer.fresh === true ? 'posted' : 'replayed';
  return answer instanceof Object && 'status' in answer ? String(answer.status) : String(answer);
}

function refusalWord(error: unknown): string {
  if (error instanceof Refusal) return error.code;
  throw error;
}

function show(wish: Wish): string {
  return JSON.stringify(wish, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
}

/** Every balance the model speaks of, against the account rows. */
async function compareSums(world: World): Promise<void> {
  const expected = new Map<string, bigint>();
  const ids: bigint[] = [];
  const names: string[] = [];
  const expect = (name: string, low: bigint, high: bigint): void => {
    expected.set(name, world.model.available.get(name) ?? 0n);
    names.push(name);
    ids.push(low, high);
  };
  world.wallets.forEach((party, nth) => {
    for (const unit of walletUnits) expect(walletName(nth, unit), mainAccount(party, unit), mainAccount(party, unit));
  });
  world.partners.forEach((party, nth) => {
    expect(`float ${nth}`, floatAccount(party, 'KZT'), floatAccount(party, 'KZT'));
  });
  for (const [nth, number] of world.numbers.entries()) {
    const holder = await platform.subscribers.read(number);
    const { from, to } = accountsOf(holder?.id ?? 0n);
    // One range a unit: the main account and every bucket.
    for (const unit of walletUnits) {
      const low = holder ? mainAccount(holder.id, unit) : from;
      expect(`number ${nth} ${unit}`, holder ? low : to, holder ? low + 0xffffn : to);
    }
  }
  const rows = await platform.sql<{ name: string; left: bigint }>(
    `select name, coalesce(sum(credits_posted - debits_posted - debits_pending), 0)::bigint as left
     from unnest($1::text[], $2::bigint[], $3::bigint[]) as wanted (name, low, high) left join account on account.id between low and high group by name`,
    [names, ids.filter((_, nth) => nth % 2 === 0), ids.filter((_, nth) => nth % 2 === 1)],
  );
  assert.deepEqual(Object.fromEntries(rows.map((row) => [row.name, row.left])), Object.fromEntries(expected));
}

async function forgetEverything(): Promise<void> {
  packs.clear();
  const client = await platform.owner.connect();
  try {
    await client.query(`begin;
      set local session_replication_role = replica;
      truncate transfer, notice, bucket, subject, audit_entry, audit_seal, voucher_batch, voucher_value, voucher, voucher_range, voucher_end,
        voucher_guess, voucher_attempts, voucher_refusal;
      delete from account where id > 0;
      update account set debits_posted = 0, credits_posted = 0, debits_pending = 0, credits_pending = 0;
      commit`);
  } finally {
    client.release();
  }
}
