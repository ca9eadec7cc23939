import { limits } from '../../src/base/limits.ts';
import type { Patience } from '../../src/topups/index.ts';

/**
 * A quarter of an hour in twelve seconds, a day in fifteen: what a run waits for, in the proportions that the rules rest on. `pace` stretches the long
 * waits; the short ones are bounded by what a machine can do.
 */
export function patienceAt(pace: number): Patience {
  return {
    ...limits,
    quoteMs: 12_000 * pace,
    correctionMs: 4_000 * pace,
    unsentMs: 8_000 * pace,
    unsentRetryMs: 300,
    unknownCaseMs: 15_000 * pace,
    absentMs: 1_200,
    claimMs: 4_000,
    enquiriesMs: [150, 300, 600, 1_200],
    paymentPollsMs: [300, 800, 1_500],
    latePollsMs: [1_000, 3_000, 6_000, 9_000],
    refundRetriesMs: [150, 400, 800, 1_500],
  };
}

/** An operator is given up then. Two calls of one delivery fit into a claim, as they do in the product. */
export const operatorTimeoutMs = 1_000;
/** An operator in trouble is left alone so long. */
export const breakerOpenMs = 700;
/** Stretches the operators' waits of 3 and 20 seconds. */
export const operatorPace = 0.05;
