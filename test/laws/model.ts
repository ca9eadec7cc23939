import { guessLadder, limits } from '../../src/base/limits.ts';

/**
 * The books as a few maps: what the platform must be indistinguishable from. No batches, no lanes, no database, one wish at a time.
 * Accounts go by name; a name that begins with $ is a system account and has no floor. Answers are words: `posted`, `replayed`,
 * or the code of a refusal.
 */
export type Leg = { readonly from: string; readonly to: string; readonly amount: bigint };
export type Posting = { readonly key: string; readonly hold: boolean; readonly legs: readonly Leg[] };

export type Wish =
  | { readonly kind: 'post'; readonly list: readonly Posting[] }
  | { readonly kind: 'capture'; readonly key: string; readonly amounts: readonly bigint[] | undefined }
  | { readonly kind: 'release'; readonly key: string }
  | {
      readonly kind: 'credit';
      readonly float: string;
      readonly number: string;
      readonly key: string;
      readonly amount: bigint;
    }
  | {
      readonly kind: 'redeem';
      readonly card: string;
      readonly number: string;
      readonly caller: string;
      readonly gateway: string | undefined;
    };

type Event = Posting & { readonly end?: readonly bigint[] | 'released' };
type Card = {
  readonly operator: string;
  readonly state: 'active' | 'locked';
  readonly expiresAt: number;
  readonly legs: readonly { readonly unit: string; readonly amount: bigint; readonly validDays?: number }[];
  readonly usedBy?: string;
};
type Guesses = { readonly wrong: number; readonly from: number; readonly until: number };

const DAY_MS = 86_400_000;

export type State = {
  now: number;
  /** What is left to spend: holds are taken off, and not yet there on the other side. */
  readonly available: Map<string, bigint>;
  readonly events: Map<string, Event>;
  readonly cards: Map<string, Card>;
  readonly guesses: Map<string, Guesses>;
  /** Credits that end, each on its day. */
  buckets: readonly { readonly account: string; readonly amount: bigint; readonly until: number }[];
  readonly closed: Set<string>;
};

export function emptyState(now: number): State {
  return {
    now,
    available: new Map(),
    events: new Map(),
    cards: new Map(),
    guesses: new Map(),
    buckets: [],
    closed: new Set(),
  };
}

/** What the platform must answer; the state afterwards is what its tables must add up to. */
export function apply(state: State, wish: Wish): string {
  switch (wish.kind) {
    case 'post':
      return post(state, wish.list).join();
    case 'capture':
      return end(state, wish.key, (amounts) => amounts.map((held, leg) => wish.amounts?.[leg] ?? held));
    case 'release':
      return end(state, wish.key, () => 'released');
    case 'credit':
      return credit(state, wish);
    case 'redeem':
      return redeem(state, wish);
  }
}

/** Takes away the credits whose day has come. */
export function endDue(state: State): void {
  for (const { account, amount, until } of state.buckets) if (until <= state.now) add(state, account, -amount);
  state.buckets = state.buckets.filter((bucket) => bucket.until > state.now);
}

function post(state: State, list: readonly Posting[]): string[] {
  // A list is decided by what was there before it: what it pays in cannot be paid out again by itself.
  const left = new Map(state.available);
  return list.map((posting) => {
    const first = state.events.get(posting.key);
    if (first) return isSame(first, posting) ? 'replayed' : 'key.reused';
    const wanted = new Map<string, bigint>();
    for (const { from, amount } of posting.legs) wanted.set(from, (wanted.get(from) ?? 0n) + amount);
    for (const [from, amount] of wanted) {
      if (!from.startsWith('$') && (left.get(from) ?? 0n) < amount)
        return from.startsWith('float') ? 'float.too_low' : 'account.too_low';
    }
    for (const [from, amount] of wanted) left.set(from, (left.get(from) ?? 0n) - amount);
    for (const { from, to, amount } of posting.legs) {
      add(state, from, -amount);
      if (!posting.hold) add(state, to, amount);
    }
    state.events.set(posting.key, posting);
    return 'posted';
  });
}

function end(state: State, key: string, endOf: (held: bigint[]) => bigint[] | 'released'): string {
  const event = state.events.get(key);
  if (!event?.hold) return 'hold.not_found';
  const held = event.legs.map((leg) => leg.amount);
  const wanted = endOf(held);
  if (event.end !== undefined) return String(event.end) === String(wanted) ? 'replayed' : 'hold.ended';
  const taken = held.map((_, leg) => (wanted === 'released' ? 0n : (wanted[leg] ?? 0n)));
  if (wanted !== 'released' && taken.some((amount, leg) => amount <= 0n || amount > (held[leg] ?? 0n)))
    return 'hold.too_large';
  event.legs.forEach(({ from, to, amount }, leg) => {
    add(state, from, amount - (taken[leg] ?? 0n));
    add(state, to, taken[leg] ?? 0n);
  });
  state.events.set(key, { ...event, end: wanted });
  return 'posted';
}

function credit(state: State, wish: Extract<Wish, { kind: 'credit' }>): string {
  if (wish.amount < limits.topupMinorMin) return 'amount.too_small';
  if (wish.amount > limits.topupMinorMax) return 'amount.too_large';
  if (!state.events.has(wish.key) && state.closed.has(wish.number)) return 'subscriber.closed';
  return post(state, [
    { key: wish.key, hold: false, legs: [{ from: wish.float, to: `${wish.number} KZT`, amount: wish.amount }] },
  ]).join();
}

function redeem(state: State, wish: Extract<Wish, { kind: 'redeem' }>): string {
  const card = state.cards.get(wish.card);
  if (card?.usedBy === wish.number) return 'already_credited';
  const ladders = [`caller ${wish.caller}`, `target ${wish.number}`];
  if (ladders.some((name) => (state.guesses.get(name)?.until ?? 0) > state.now)) return 'voucher.guess_barred';
  if (state.closed.has(wish.number)) return 'subscriber.closed';
  if (!card) for (const name of ladders) climb(state, name);
  if (!card) return 'voucher.refused';
  if (card.usedBy !== undefined || card.state !== 'active' || card.expiresAt <= state.now) {
    climb(state, `caller ${wish.caller}`);
    return 'voucher.refused';
  }
  if (wish.gateway !== undefined && wish.gateway !== card.operator) return 'voucher.wrong_operator';
  state.cards.set(wish.card, { ...card, usedBy: wish.number });
  for (const { unit, amount, validDays } of card.legs) {
    const account = `${wish.number} ${unit}`;
    add(state, account, amount);
    if (validDays !== undefined)
      state.buckets = [...state.buckets, { account, amount, until: state.now + validDays * DAY_MS }];
  }
  return 'credited';
}

function climb(state: State, name: string): void {
  const before = state.guesses.get(name);
  const isOpen = before !== undefined && (before.until > state.now || before.from + limits.guessWindowMs > state.now);
  const wrong = (isOpen ? before.wrong : 0) + 1;
  const step = guessLadder.find((one) => one.wrong === wrong);
  state.guesses.set(name, {
    wrong,
    from: isOpen ? before.from : state.now,
    until: Math.max(before?.until ?? 0, step ? state.now + step.barMs : 0),
  });
}

function add(state: State, account: string, amount: bigint): void {
  state.available.set(account, (state.available.get(account) ?? 0n) + amount);
}

function isSame(a: Posting, b: Posting): boolean {
  const textOf = ({ hold, legs }: Posting): string =>
    `${hold} ${legs.map((leg) => `${leg.from} ${leg.to} ${leg.amount}`)}`;
  return textOf(a) === textOf(b);
}
