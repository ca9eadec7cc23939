/** One measurement of one round. Latency in milliseconds, where the tool tells it. */
export type Sample = { readonly rate: number; readonly p50?: number; readonly p99?: number };

/** What a figure must reach to pass. */
export type Mark = { readonly of: 'value' | 'ratio'; readonly atLeast?: number; readonly atMost?: number };

/** One figure, as it stands in the table and in latest.json. */
export type Row = {
  readonly name: string;
  readonly what: string;
  readonly value: number | null;
  readonly unit: '/s' | 'ms' | 's' | 'MB';
  /** What it is compared with, measured in the same rounds; `ratio` = value / baseline. */
  readonly against: string | null;
  readonly baseline: number | null;
  readonly ratio: number | null;
  /** Milliseconds. */
  readonly p50: number | null;
  readonly p99: number | null;
  readonly mark: string | null;
  readonly pass: boolean | null;
  /** How much of the pass mark: 1 and above passes, where less is better as well. */
  readonly reached: number | null;
  /** The value in each round, of which `value` is the median. */
  readonly samples: readonly number[];
  /** Why there is no value. */
  readonly skipped?: string;
};

export type RowParts = {
  readonly name: string;
  readonly what: string;
  readonly unit?: Row['unit'];
  readonly value?: number;
  readonly samples?: readonly Sample[];
  readonly against?: { readonly name: string; readonly value: number | undefined };
  readonly mark?: Mark;
};

/** A row from its parts: medians of the samples, the ratio, and whether it passes. */
export function rowOf(parts: RowParts): Row {
  const { samples = [], mark } = parts;
  const value = parts.value ?? median(samples.map((sample) => sample.rate)) ?? null;
  const baseline = parts.against?.value ?? null;
  const ratio = value === null || baseline === null || baseline === 0 ? null : value / baseline;
  const unit = parts.unit ?? '/s';
  const reached = mark ? reachedOf(mark, mark.of === 'value' ? value : ratio) : null;
  return {
    name: parts.name,
    what: parts.what,
    value,
    unit,
    against: baseline === null ? null : (parts.against?.name ?? null),
    baseline,
    ratio,
    p50: median(samples.flatMap(({ p50 }) => (p50 === undefined ? [] : [p50]))) ?? null,
    p99: median(samples.flatMap(({ p99 }) => (p99 === undefined ? [] : [p99]))) ?? null,
    mark: mark ? markText(mark, unit) : null,
    pass: reached === null ? null : reached >= 1,
    reached,
    samples: samples.map((sample) => sample.rate),
  };
}

export function skippedRow(parts: Pick<RowParts, 'name' | 'what' | 'mark'>, why: string): Row {
  return { ...rowOf(parts), pass: null, reached: null, skipped: why };
}

function reachedOf(mark: Mark, figure: number | null): number {
  if (figure === null || figure <= 0) return 0;
  return mark.atLeast === undefined ? (mark.atMost ?? 0) / figure : figure / mark.atLeast;
}

function markText(mark: Mark, unit: Row['unit']): string {
  const bound = mark.atLeast === undefined ? `≤ ${numberText(mark.atMost ?? 0)}` : `≥ ${numberText(mark.atLeast)}`;
  if (mark.of === 'ratio') return `ratio ${bound}`;
  return unit === '/s' ? `${bound}/s` : `${bound} ${unit}`;
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle];
  const low = sorted[middle - 1];
  if (high === undefined) return undefined;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** Three figures that matter: 13,412 · 26.3 · 0.58. */
export function numberText(value: number): string {
  const decimals = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en', { maximumFractionDigits: decimals });
}

/**
 * Runs each kind once a round, every other round in the opposite order: what drifts, the machine or the size of a table, then falls
 * on all of them alike.
 */
export async function interleave<Kind extends string>(
  rounds: number,
  kinds: Readonly<Partial<Record<Kind, () => Promise<Sample>>>>,
): Promise<Partial<Record<Kind, Sample[]>>> {
  const samples: Partial<Record<Kind, Sample[]>> = {};
  const names = Object.keys(kinds) as Kind[];
  for (let round = 0; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const sample = await kinds[name]?.();
      if (sample) samples[name] = [...(samples[name] ?? []), sample];
    }
  }
  return samples;
}

export function medianRate(samples: readonly Sample[] | undefined): number | undefined {
  return median((samples ?? []).map((sample) => sample.rate));
}
