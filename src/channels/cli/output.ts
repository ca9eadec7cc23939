import { formatMoment } from '../../i18n/index.ts';
import type { CliIo } from './program.ts';

/** JSON for programs: numbers beyond 53 bits and instants as text. */
export function asJson(data: unknown): string {
  return `${JSON.stringify(data, (_, value) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`;
}

/** Columns for people, as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return 'none';
  const widths = head.map((cell, column) => Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/** Named facts, one a line; what is not known is left out. */
export function facts(pairs: readonly (readonly [string, string | undefined])[]): string {
  const known = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== undefined && pair[1] !== '');
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

export function grouped(count: number | bigint): string {
  return count.toLocaleString('en');
}

export function moment(at: Date): string {
  return formatMoment(at, 'en');
}

const WIDTH = 30;
const REDRAW_MS = 100;

/** One line on a terminal that redraws itself; silent elsewhere. */
export function progressBar(io: CliIo, label: string): { show(done: number, total: number): void; end(): void } {
  const startedAt = performance.now();
  let drawnAt = 0;
  const isTerminal = io.stderr.isTTY === true;
  return {
    show(done, total) {
      const now = performance.now();
      if (!isTerminal || (now - drawnAt < REDRAW_MS && done < total)) return;
      drawnAt = now;
      const full = Math.round((done / total) * WIDTH);
      const left = Math.ceil((((now - startedAt) / 1_000) * (total - done)) / done);
      const bar = `${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}`;
      io.stderr.write(`\r${label} [${bar}] ${grouped(done)} of ${grouped(total)}, ${left} s left \x1b[K`);
    },
    end() {
      if (isTerminal && drawnAt > 0) io.stderr.write('\r\x1b[K');
    },
  };
}
