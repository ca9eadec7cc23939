/** How a top-up ends. `pin` is completed too, by a code to be dialled, on the one wire that knows it. */
export const endings = ['completed', 'pin', 'invalid', 'barred', 'down', 'duplicate', 'declined', 'exception'] as const;

export type Ending = (typeof endings)[number];

/** `afterMs` is undefined where it never ends. */
export type Fate = { readonly ending: Ending; readonly afterMs: number | undefined };

/** By the first of the last three digits. 1, 2 and 3 are those of DT One's own sandbox; 8 and 9 are ours. */
const waits: ReadonlyMap<string, number | undefined> = new Map([
  ['1', 3_000],
  ['2', 20_000],
  ['3', 300_000],
  ['8', 0],
  ['9', undefined],
]);

/**
 * What becomes of a top-up, by the last three digits of its number: `n0e`, where `n` is when and `e` is how, 0 to 7 in the order of `endings`. Any
 * other number completes at once. `pace` stretches the waits: 0.01 for a test in a hurry.
 */
export function fateOf(number: string, pace: number): Fate {
  const match = /([12389])0([0-7])$/.exec(number);
  const ending = endings[Number(match?.[2])];
  if (!match || ending === undefined) return { ending: 'completed', afterMs: 0 };
  const wait = waits.get(match[1] ?? '');
  return { ending, afterMs: wait === undefined ? undefined : wait * pace };
}

export function isCredit(ending: Ending): boolean {
  return ending === 'completed' || ending === 'pin';
}
