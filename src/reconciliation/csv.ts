import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { CsvError, type CsvErrorCode, parse } from 'csv-parse';
import { parse as parseAll } from 'csv-parse/sync';
import { limits } from '../base/limits.ts';
import { invalid } from './report.ts';
import type { FirstLine, Format } from './table.ts';

/** One record and the line it ends on. */
export type CsvRecord = { readonly cells: readonly string[]; readonly line: number };

type Shape = Pick<Format, 'encoding' | 'delimiter'>;

const DELIMITERS = [',', ';', '\t'] as const;

/** The records of a file, one after the other: whatever its size, only a piece of it is in memory. `onBytes` sees every byte. */
export async function* readRecords(
  path: string,
  shape: Shape & { delimiter: string },
  onBytes: (chunk: Buffer) => void = () => undefined,
): AsyncGenerator<CsvRecord, void, void> {
  const parser = parse({
    delimiter: shape.delimiter,
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: limits.reportLineBytesMax,
  });
  // Its failure is that of the parser, which is read below.
  pipeline(Readable.from(checkedText(path, shape.encoding, onBytes)), parser, () => undefined);
  const records: AsyncIterable<{ record: string[]; info: { lines: number } }> = parser;
  try {
    for await (const { record, info } of records) yield { cells: record, line: info.lines };
  } catch (error) {
    throw error instanceof CsvError ? invalid(csvReasons.get(error.code) ?? 'not a table', lineOf(error)) : error;
  }
}

// Not the parser's own words: they quote what stands in the file.
const csvReasons = new Map<CsvErrorCode, string>([
  ['CSV_QUOTE_NOT_CLOSED', 'cut short'],
  ['CSV_INVALID_CLOSING_QUOTE', 'a quotation mark out of place'],
  ['INVALID_OPENING_QUOTE', 'a quotation mark out of place'],
  ['CSV_MAX_RECORD_SIZE', 'too long'],
]);

function lineOf(error: CsvError): { line?: number } {
  return typeof error.lines === 'number' ? { line: error.lines } : {};
}

/** The first line, taken apart by the delimiter of the format or else by the one that gives most cells. */
export async function readFirstLine(path: string): Promise<(shape: Shape) => FirstLine> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(limits.reportLineBytesMax) });
    const head = buffer.subarray(0, bytesRead);
    const end = head.findIndex((byte) => byte === LF || byte === CR);
    const line = end < 0 ? head : head.subarray(0, end);
    if (bytesRead === 0) throw invalid('empty');
    if (end < 0 && bytesRead === limits.reportLineBytesMax) throw invalid('too long', { line: 1 });
    return ({ encoding, delimiter }) => {
      const text = decode(line, encoding, 0).toString();
      const ways = (delimiter === undefined ? DELIMITERS : [delimiter]).map((one) => ({
        cells: cellsOf(text, one),
        delimiter: one,
      }));
      return ways.reduce((best, way) => (way.cells.length > best.cells.length ? way : best));
    };
  } finally {
    await file.close();
  }
}

/** None where quotation marks stand so that this cannot be the delimiter. */
function cellsOf(line: string, delimiter: string): string[] {
  try {
    const [cells = []] = parseAll(line, { delimiter, bom: true, relax_quotes: true });
    return cells;
  } catch (error) {
    if (error instanceof CsvError) return [];
    throw error;
  }
}

const LF = 0x0a;
const CR = 0x0d;

/** The bytes in whole lines, in UTF-8. Refuses what is too large, has a line too long, or is no text in this encoding. */
async function* checkedText(
  path: string,
  encoding: Format['encoding'],
  onBytes: (chunk: Buffer) => void,
): AsyncGenerator<Buffer | string, void, void> {
  let size = 0;
  let linesBefore = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limits.reportBytesMax) throw invalid('too large');
    onBytes(chunk);
    const joined = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = Math.max(joined.lastIndexOf(LF), joined.lastIndexOf(CR)) + 1;
    rest = joined.subarray(end);
    if (rest.length > limits.reportLineBytesMax)
      throw invalid('too long', { line: linesBefore + countLines(joined) + 1 });
    if (end === 0) continue;
    const whole = joined.subarray(0, end);
    yield decode(whole, encoding, linesBefore);
    linesBefore += countLines(whole);
  }
  if (rest.length > 0) yield decode(rest, encoding, linesBefore);
}

/** By line feeds; by carriage returns in a file that has no others. */
function countLines(text: Buffer): number {
  const byte = text.includes(LF) ? LF : CR;
  let count = 0;
  for (let at = text.indexOf(byte); at >= 0; at = text.indexOf(byte, at + 1)) count += 1;
  return count;
}

const windows1251 = new TextDecoder('windows-1251');

function decode(bytes: Buffer, encoding: Format['encoding'], linesBefore: number): Buffer | string {
  // A zero byte is a sign of UTF-16, or of no text at all.
  const isText = (part: Buffer): boolean => !part.includes(0) && (encoding === 'windows-1251' || isUtf8(part));
  if (isText(bytes)) return encoding === 'windows-1251' ? windows1251.decode(bytes) : bytes;
  let line = linesBefore + 1;
  for (let at = 0; at < bytes.length; line += 1) {
    const next = bytes.indexOf(LF, at) + 1 || bytes.length;
    if (!isText(bytes.subarray(at, next))) break;
    at = next;
  }
  throw invalid(encoding === 'utf-8' ? 'not UTF-8' : 'no text', { line });
}
