import type { Currency } from '../../src/base/money.ts';
import type { ProviderId } from '../../src/payments/index.ts';

/** What a payer does with the page they are sent to. */
export const acts = [
  'pay',
  'decline_then_pay',
  'decline',
  'leave',
  'slow',
  'slow_then_fail',
  'after_expiry',
  'twice',
  'revise_then_pay',
  'race_revision',
  'forge',
] as const;
export type Act = (typeof acts)[number];

/** What happens once it is paid. */
export type Afterwards =
  | 'wait'
  | 'take_back'
  | 'correct_early'
  | 'provider_returns_all'
  | 'provider_returns_part'
  | 'dispute_won'
  | 'dispute_lost'
  | 'dispute_open';

/** One order as its payer means it. Drawn from the seed, so that a run's orders can be repeated. */
export type Plan = {
  readonly no: number;
  readonly operator: 'kcell' | 'beeline' | 'tele2';
  readonly number: string;
  /** Decimal tenge. */
  readonly amount: string;
  readonly currency: Currency;
  readonly method: ProviderId;
  /** Used by who pays in two ways, or changes their mind. */
  readonly other: ProviderId;
  readonly act: Act;
  readonly afterwards: Afterwards;
  readonly whenRefused: 'correct' | 'take_back' | 'leave';
  /** How often the button is pressed at once. */
  readonly clicks: number;
  /** Whether the payer's bank sends a refund back, after it was made. */
  readonly isSentBack: boolean;
  /** Whether the browser comes back from the provider's page. */
  readonly returns: boolean;
};

type Weighted<T> = readonly (readonly [T, number])[];

export function pick<T>(random: () => number, among: Weighted<T>): T {
  let left = random() * among.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of among) {
    left -= weight;
    if (left < 0) return value;
  }
  const [last] = among.at(-1) ?? [];
  if (last === undefined) throw new Error('there is something to pick from');
  return last;
}

const operators: Weighted<Plan['operator']> = [
  ['kcell', 30],
  ['beeline', 35],
  ['tele2', 35],
];

const prefixes = { kcell: '701', beeline: '705', tele2: '707' } as const;

/**
 * The last three digits decide how an operator ends it (simulators/operators): the first when, at once, after a while, after longer, or never;
 * the last how. Anything else is credited at once.
 */
const fates: Weighted<string> = [
  ['111', 46],
  ['800', 6],
  ['100', 8],
  ['200', 6],
  ['201', 2],
  ['802', 5],
  ['102', 3],
  ['803', 4],
  ['103', 2],
  ['804', 3],
  ['204', 2],
  ['805', 2],
  ['806', 3],
  ['107', 3],
  ['900', 3],
  ['903', 2],
];

const currencies: Weighted<Currency> = [
  ['KZT', 25],
  ['CNY', 20],
  ['USD', 20],
  ['EUR', 15],
  ['RUB', 10],
  ['GBP', 10],
];

const actWeights: Weighted<Act> = [
  ['pay', 48],
  ['decline_then_pay', 5],
  ['decline', 3],
  ['leave', 4],
  ['slow', 6],
  ['slow_then_fail', 4],
  ['after_expiry', 4],
  ['twice', 7],
  ['revise_then_pay', 6],
  ['race_revision', 6],
  ['forge', 3],
];

const afterwardsWeights: Weighted<Afterwards> = [
  ['wait', 72],
  ['take_back', 8],
  ['correct_early', 3],
  ['provider_returns_all', 5],
  ['provider_returns_part', 5],
  ['dispute_won', 2],
  ['dispute_lost', 2],
  ['dispute_open', 2],
];

export function draw(random: () => number, no: number, methods: readonly ProviderId[]): Plan {
  const operator = pick(random, operators);
  const any = (): ProviderId =>
    pick(
      random,
      methods.map((method) => [method, 1]),
    );
  const middle = String(1_000 + (no % 9_000));
  return {
    no,
    operator,
    number: `7${prefixes[operator]}${middle}${pick(random, fates)}`,
    amount: String(500 + 100 * Math.floor(random() * 120)),
    currency: pick(random, currencies),
    method: any(),
    other: any(),
    act: pick(random, actWeights),
    afterwards: pick(random, afterwardsWeights),
    whenRefused: pick(random, [
      ['correct', 5],
      ['take_back', 2],
      ['leave', 3],
    ]),
    clicks: pick(random, [
      [1, 7],
      [2, 2],
      [3, 1],
    ]),
    returns: random() < 0.6,
    isSentBack: random() < 0.1,
  };
}

/** The same number with an end that is good. */
export function corrected(number: string): string {
  return `${number.slice(0, -3)}111`;
}
