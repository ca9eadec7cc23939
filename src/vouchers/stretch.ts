import { never } from '../base/assert.ts';
import type { RangeState } from './voucher.ts';

/** Serials in a row that share a state. `approval` is the one that made it so; `issued` once the face value counts as outstanding. */
export type Stretch = {
  readonly first: bigint;
  readonly last: bigint;
  readonly state: RangeState;
  readonly issued: boolean;
  readonly approval: bigint | undefined;
  readonly changedAt: Date;
};

export const changeVerbs = ['activate', 'lock', 'unlock', 'damage', 'steal', 'void'] as const;
export type ChangeVerb = (typeof changeVerbs)[number];

export type Change = {
  readonly verb: ChangeVerb;
  readonly first: bigint;
  readonly last: bigint;
  readonly approval: bigint;
  readonly at: Date;
};

/** What a change makes of the stretches of one batch. `moved` are the parts that change, as they were; `kept` those it leaves alone. */
export type Changed = {
  readonly stretches: readonly Stretch[];
  readonly moved: readonly Stretch[];
  readonly kept: readonly Stretch[];
};

/** The state a verb is asked for, bound into its approval. */
export const stateAfter: Readonly<Record<ChangeVerb, RangeState>> = {
  activate: 'active',
  lock: 'locked',
  unlock: 'active',
  damage: 'damaged',
  steal: 'stolen',
  void: 'void',
};

/** Splits stretches at the borders of the change, moves what may move, and joins neighbours that have become alike. */
export function changeStretches(stretches: readonly Stretch[], change: Change): Changed {
  const moved: Stretch[] = [];
  const kept: Stretch[] = [];
  const pieces = stretches.toSorted(byFirst).flatMap((stretch) => {
    const within = overlap(stretch, change);
    if (!within) return [stretch];
    const after = moveOf(within, change);
    if (!after) {
      kept.push(within);
      return [stretch];
    }
    moved.push(within);
    return [...before(stretch, within.first), after, ...behind(stretch, within.last)];
  });
  return { stretches: joined(pieces), moved, kept };
}

export function sizeOf(range: { readonly first: bigint; readonly last: bigint }): bigint {
  return range.last - range.first + 1n;
}

/** The part of a stretch inside a range of serials. */
export function overlap(
  stretch: Stretch,
  range: { readonly first: bigint; readonly last: bigint },
): Stretch | undefined {
  const first = stretch.first > range.first ? stretch.first : range.first;
  const last = stretch.last < range.last ? stretch.last : range.last;
  return first > last ? undefined : { ...stretch, first, last };
}

function moveOf(stretch: Stretch, { verb, approval, at }: Change): Stretch | undefined {
  const next = nextOf(stretch, verb);
  if (!next) return undefined;
  // Back at `created` it is as it was loaded, which needs nobody's consent.
  return { ...stretch, ...next, approval: next.state === 'created' ? undefined : approval, changedAt: at };
}

/** The state table of serial ranges. Undefined: the verb does not apply to this state. */
function nextOf(
  { state, issued }: Stretch,
  verb: ChangeVerb,
): { readonly state: RangeState; readonly issued: boolean } | undefined {
  switch (verb) {
    case 'activate':
      return state === 'created' ? { state: 'active', issued: true } : undefined;
    case 'lock':
      return state === 'created' || state === 'active' ? { state: 'locked', issued } : undefined;
    case 'unlock':
      if (state !== 'locked' && state !== 'damaged' && state !== 'stolen') return undefined;
      return { state: issued ? 'active' : 'created', issued };
    case 'damage':
      // A damaged card is honoured by its serial, so it must have been good until then.
      return state === 'active' ? { state: 'damaged', issued } : undefined;
    case 'steal':
      return state === 'stolen' || state === 'void' ? undefined : { state: 'stolen', issued };
    case 'void':
      return state === 'void' ? undefined : { state: 'void', issued };
    default:
      return never(verb);
  }
}

function before(stretch: Stretch, first: bigint): Stretch[] {
  return stretch.first < first ? [{ ...stretch, last: first - 1n }] : [];
}

function behind(stretch: Stretch, last: bigint): Stretch[] {
  return stretch.last > last ? [{ ...stretch, first: last + 1n }] : [];
}

function joined(pieces: readonly Stretch[]): Stretch[] {
  const result: Stretch[] = [];
  for (const piece of pieces) {
    const previous = result.at(-1);
    if (previous && isAlike(previous, piece)) result[result.length - 1] = { ...piece, first: previous.first };
    else result.push(piece);
  }
  return result;
}

function isAlike(a: Stretch, b: Stretch): boolean {
  return a.last + 1n === b.first && a.state === b.state && a.issued === b.issued && a.approval === b.approval;
}

function byFirst(a: Stretch, b: Stretch): number {
  return a.first < b.first ? -1 : 1;
}
