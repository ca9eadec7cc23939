import type { Machine } from './machine.ts';
import { numberText, type Row } from './rows.ts';

/** One run: what bench/results/latest.json holds. */
export type Report = {
  readonly at: string;
  readonly machine: Machine;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly results: readonly Row[];
  /** What the ledger said afterwards, by scenario. */
  readonly verified: Readonly<Record<string, { readonly ok: boolean; readonly lines: readonly string[] }>>;
};

const head = ['', 'figure', 'value', 'p50', 'p99', 'against', 'baseline', 'ratio', 'pass mark'];

function cellsOf(row: Row): string[] {
  const ms = (value: number | null): string => (value === null ? '' : `${numberText(value)} ms`);
  const verdict = row.pass === null ? '' : row.pass ? 'pass' : 'FAIL';
  return [
    verdict,
    row.what,
    row.value === null ? (row.skipped ?? 'not measured') : valueText(row.value, row.unit),
    ms(row.p50),
    ms(row.p99),
    row.against ?? '',
    row.baseline === null ? '' : valueText(row.baseline, row.unit),
    row.ratio === null ? '' : numberText(row.ratio),
    row.mark ?? '',
  ];
}

function valueText(value: number, unit: Row['unit']): string {
  return unit === '/s' ? `${numberText(value)}/s` : `${numberText(value)} ${unit}`;
}

/** For a terminal. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [head, ...rows.map(cellsOf)];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const isNumber = (column: number): boolean => [2, 3, 4, 6, 7].includes(column);
  const pad = (text: string, column: number): string =>
    isNumber(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0);
  return lines.map((line) => line.map(pad).join('  ').trimEnd()).join('\n');
}

/** For docs/benchmarks.md. */
export function markdownOf(report: Report): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `Measured ${report.at.slice(0, 10)} on ${machineText(report)}.`,
    '',
    line(head),
    line(head.map((_, column) => ([2, 3, 4, 6, 7].includes(column) ? '---:' : '---'))),
    ...report.results.map((row) => line(cellsOf(row))),
    '',
    ...Object.entries(report.verified).flatMap(([name, { lines }]) => lines.map((text) => `- ${name}: ${text}`)),
  ].join('\n');
}

export function machineText({ machine, settings }: Report): string {
  const { cores, cpu, memoryGb, node, flushMs } = machine;
  return `${cores} cores (${cpu}), ${memoryGb} GB, ${node}, PostgreSQL ${settings.server_version}, ${numberText(flushMs)} ms to flush a page; load generator on the same machine`;
}

const BEGIN = '<!-- figures: written by `npm run bench -- --docs` from bench/results/latest.json -->';
const END = '<!-- end of figures -->';

/** The document with its figures replaced. */
export function withFigures(document: string, figures: string): string {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from)
    throw new Error('docs/benchmarks.md has lost the two comments between which figures are written');
  return `${document.slice(0, from + BEGIN.length)}\n${figures}\n${document.slice(to)}`;
}
