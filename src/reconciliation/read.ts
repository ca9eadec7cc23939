import { createHash } from 'node:crypto';
import { limits } from '../base/limits.ts';
import { readFirstLine, readRecords } from './csv.ts';
import { recognise } from './formats.ts';
import type { Clockwork, DateEvidence, DateOrder } from './moment.ts';
import { invalid, type Line, type LineKind, type Period } from './report.ts';
import type { FirstLine, Format } from './table.ts';

/** One end of the time a report was asked for: an instant, or a whole day, `2026-11-30`, by the clock of the file. */
export type Bound = { readonly at: Date } | { readonly day: string };

/** What whoever imports a file knows about it beyond what it says. */
export type Knowledge = {
  /** The time it was asked for; otherwise what it names itself, or from its first to its last line. */
  readonly period: { readonly from: Bound; readonly to: Bound } | undefined;
  readonly zoneMinutes: number | undefined;
  readonly order: DateOrder | undefined;
};

/** How one file is read, found out by reading it once. */
export type Reading = {
  readonly path: string;
  readonly format: Format;
  readonly first: FirstLine;
  readonly clockwork: Clockwork;
};

/** What a file holds. */
export type Survey = {
  readonly sha256: Buffer;
  readonly bytes: number;
  readonly rows: number;
  readonly period: Period;
  readonly kinds: Readonly<Partial<Record<LineKind, number>>>;
};

/** Reads the whole file and keeps nothing of it but figures: what cannot be read is refused before anything is written. */
export async function surveyReport(
  path: string,
  candidates: readonly Format[],
  known: Knowledge,
): Promise<{ reading: Reading; survey: Survey }> {
  const { format, first } = recognise(candidates, await readFirstLine(path));
  const evidence: DateEvidence = { isUsed: false, dmy: true, mdy: true };
  const clockwork: Clockwork = { zoneMinutes: known.zoneMinutes ?? format.zoneMinutes, order: known.order, evidence };
  const reading = { path, format, first, clockwork };
  const asked = known.period && periodOf(known.period, clockwork);
  const survey = await surveyOnce(reading, asked);
  if (!evidence.isUsed) return { reading, survey };
  // Only now is it known which of `03/04/2026` is the day.
  const settled = { ...reading, clockwork: { ...clockwork, order: orderOf(evidence) } };
  return { reading: settled, survey: await surveyOnce(settled, asked) };
}

const DAY_MS = 86_400_000;

function periodOf({ from, to }: { from: Bound; to: Bound }, { zoneMinutes }: Clockwork): Period {
  const startOf = (day: string): number => {
    if (zoneMinutes === undefined) throw invalid('whose days are meant: say --zone');
    return Date.parse(`${day}T00:00:00Z`) - zoneMinutes * 60_000;
  };
  const period = {
    from: 'at' in from ? from.at : new Date(startOf(from.day)),
    to: 'at' in to ? to.at : new Date(startOf(to.day) + DAY_MS),
  };
  if (period.from >= period.to) throw invalid('its time would end before it begins');
  return period;
}

function orderOf({ dmy, mdy }: DateEvidence): DateOrder {
  if (dmy && mdy) throw invalid('day and month cannot be told apart: --dates dmy or mdy');
  if (!dmy && !mdy) throw invalid('day and month change places');
  return dmy ? 'dmy' : 'mdy';
}

async function surveyOnce(reading: Reading, asked: Period | undefined): Promise<Survey> {
  const kinds: Partial<Record<LineKind, number>> = {};
  let rows = 0;
  let span: Period | undefined;
  let inside = 0;
  const lines = readLines(reading);
  for (;;) {
    const next = await lines.next();
    if (next.done) {
      const { sha256, bytes, named } = next.value;
      if (asked !== undefined && rows > 0 && inside === 0) throw invalid('no line of it is in that period');
      const period = asked ?? named ?? span;
      if (period === undefined) throw invalid('empty: say --from and --to');
      return { sha256, bytes, rows, period, kinds };
    }
    const { kind, at, until } = next.value;
    rows += 1;
    if (rows > limits.reportLinesMax) throw invalid('too many lines');
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    const end = until > at ? until : new Date(at.getTime() + 1);
    span = { from: span && span.from < at ? span.from : at, to: span && span.to > end ? span.to : end };
    if (asked !== undefined && at >= asked.from && at < asked.to) inside += 1;
  }
}

type End = { readonly sha256: Buffer; readonly bytes: number; readonly named: Period | undefined };

/** The lines of the report, and at the end what the bytes were. */
export async function* readLines({ path, format, first, clockwork }: Reading): AsyncGenerator<Line, End, void> {
  const hash = createHash('sha256');
  let bytes = 0;
  const reader = format.open(first, clockwork);
  const shape = { encoding: format.encoding, delimiter: first.delimiter };
  const onBytes = (chunk: Buffer): void => {
    hash.update(chunk);
    bytes += chunk.length;
  };
  let last = 0;
  for await (const { cells, line } of readRecords(path, shape, onBytes)) {
    last = line;
    const read = reader.read(cells, line);
    if (read) yield read;
  }
  const named = reader.end(last);
  return { sha256: hash.digest(), bytes, named };
}
