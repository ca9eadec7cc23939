import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import PDFDocument from 'pdfkit';
import { assert } from '../base/assert.ts';
import { limits } from '../base/limits.ts';
import type { PrintedCard } from '../vouchers/index.ts';
import { type CardFacts, type CardText, cardText, redeemAddress } from './card.ts';
import { endDocument } from './fonts.ts';
import { barcode, type CodeSymbol, qrCode } from './symbols.ts';
import { type Line, type Style, type Typesetter, typesetter } from './typeset.ts';

// Sheets of scratch cards on A4: cards of the size of a bank card (ISO/IEC 7810, ID-1) edge to edge, so that each line is cut once.

const MM = 72 / 25.4;
const SHEET = { width: 210 * MM, height: 297 * MM } as const;
const CARD = { width: 85.6 * MM, height: 54 * MM } as const;
const COLUMNS_MAX = 2;
const ROWS_MAX = 5;

assert(limits.cardsPerSheetMax === COLUMNS_MAX * ROWS_MAX, 'a sheet of A4 takes two columns of five cards');

/** Nothing that matters is nearer to the edge than the knife may stray. */
const MARGIN = 3 * MM;
const INNER = CARD.width - 2 * MARGIN;
/** What the printer covers with scratch-off ink: the code, and the QR code that holds it. Given in docs/vouchers.md. */
const PANEL = { x: MARGIN, y: 8.6 * MM, width: INNER, height: 17 * MM } as const;

const INK = '#000000';
const GREY = '#575757';
const LINE = '#8a8a8a';

const styles = {
  name: { size: 11.5, weight: 'bold', color: INK },
  value: { size: 15, weight: 'bold', color: INK },
  code: { size: 14, weight: 'bold', color: INK, isOnce: true },
  dial: { size: 13, weight: 'bold', color: INK },
  day: { size: 9, weight: 'bold', color: INK },
  serial: { size: 6.5, weight: 'regular', color: INK, isOnce: true },
  page: { size: 6, weight: 'regular', color: INK },
  label: { size: 4.8, weight: 'regular', color: GREY },
  slug: { size: 6, weight: 'regular', color: GREY, isOnce: true },
} as const satisfies Record<string, Style>;

export type SheetsOptions = CardFacts & {
  readonly batch: bigint;
  readonly count: number;
  readonly perSheet: number;
  readonly onProgress: (cards: number, total: number) => void;
  readonly signal: AbortSignal;
};

type Place = { readonly x: number; readonly y: number };

/**
 * Writes the sheets as the cards come: one card is held at a time, and no more is asked for than `out` has taken. Answers how many there were of each.
 */
export async function writeSheets(
  cards: AsyncIterable<PrintedCard>,
  options: SheetsOptions,
  out: Writable,
): Promise<{ cards: number; sheets: number }> {
  const { perSheet, count, batch, signal, onProgress } = options;
  const doc = new PDFDocument({
    autoFirstPage: false,
    font: '',
    info: { Title: `Sapar, cards of batch ${batch}`, Creator: 'Sapar', Producer: 'Sapar' },
  });
  const written = finished(out);
  written.catch(() => undefined);
  doc.pipe(out);
  const set = typesetter(doc);
  const face = faceOf(set, cardText(options));
  const grid = gridOf(perSheet);
  const sheets = Math.ceil(count / perSheet);
  let drawn = 0;
  try {
    for await (const card of cards) {
      signal.throwIfAborted();
      const place = grid[drawn % perSheet];
      if (place === grid[0]) {
        await drained(out);
        doc.addPage({ size: [SHEET.width, SHEET.height], margin: 0 });
        drawCutMarks(doc, grid);
        drawSlug(set, { batch, first: card.serial, sheet: drawn / perSheet + 1, sheets });
      }
      if (place) drawCard({ doc, set, face, origin: options.origin }, card, place);
      drawn += 1;
      onProgress(drawn, count);
    }
  } catch (error) {
    out.destroy();
    throw error;
  }
  endDocument(doc);
  await written;
  return { cards: drawn, sheets: Math.ceil(drawn / perSheet) };
}

/** A document makes pages faster than a disk takes them, and would keep them all. */
async function drained(out: Writable): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (out.errored) throw out.errored;
  if (out.writableNeedDrain) await once(out, 'drain');
}

/** Where cards lie, row by row, the whole in the middle of the sheet. */
function gridOf(perSheet: number): Place[] {
  const columns = Math.min(perSheet, COLUMNS_MAX);
  const rows = Math.ceil(perSheet / columns);
  const left = (SHEET.width - columns * CARD.width) / 2;
  const top = (SHEET.height - rows * CARD.height) / 2;
  return Array.from({ length: perSheet }, (_, at) => ({
    x: left + (at % columns) * CARD.width,
    y: top + Math.floor(at / columns) * CARD.height,
  }));
}

const MARK = { gap: 1.5 * MM, length: 5 * MM } as const;

/** Outside the cards, at every line that is cut. */
function drawCutMarks(doc: PDFKit.PDFDocument, grid: readonly Place[]): void {
  const xs = [...new Set(grid.flatMap(({ x }) => [x, x + CARD.width]))];
  const ys = [...new Set(grid.flatMap(({ y }) => [y, y + CARD.height]))];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const far = MARK.gap + MARK.length;
  doc.lineWidth(0.25).strokeColor(INK);
  for (const x of xs) {
    doc.moveTo(x, top - far).lineTo(x, top - MARK.gap);
    doc.moveTo(x, bottom + MARK.gap).lineTo(x, bottom + far);
  }
  for (const y of ys) {
    doc.moveTo(left - far, y).lineTo(left - MARK.gap, y);
    doc.moveTo(right + MARK.gap, y).lineTo(right + far, y);
  }
  doc.stroke();
}

type Slug = { readonly batch: bigint; readonly first: bigint; readonly sheet: number; readonly sheets: number };

/** In the waste: which sheet this is, for whoever has to print one again. */
function drawSlug(set: Typesetter, { batch, first, sheet, sheets }: Slug): void {
  const text = `Sapar · batch ${batch} · from serial ${first} · sheet ${sheet} of ${sheets}`;
  set.draw(set.line(text, styles.slug), { x: SHEET.width / 2 + 8 * MM, baseline: SHEET.height - 4 * MM });
}

type Drawn = { readonly line: Line; readonly x: number; readonly baseline: number };

/** What is the same on every card, set once. */
type Face = { readonly lines: readonly Drawn[]; readonly codeWidth: number };

const BLOCKS = { top: PANEL.y + PANEL.height + 3, gap: 6 } as const;
const BLOCK_WIDTH = (INNER - BLOCKS.gap) / 2;
/** Barcode, dial code and date. */
const FOOT = { top: CARD.height - MARGIN - 15, baseline: CARD.height - MARGIN } as const;
/** `room` holds the barcode of ten digits and the empty margin behind it. */
const BAR = { module: 0.72, height: 8.5, room: 74 } as const;
const INDENT = 6;

function faceOf(set: Typesetter, text: CardText): Face {
  const right = CARD.width - MARGIN;
  const atRight = (line: Line, baseline: number): Drawn => ({ line, x: right - line.width, baseline });
  const value = fitted(set, text.value, { style: styles.value, width: INNER * 0.6 });
  const name = fitted(set, text.operator, { style: styles.name, width: INNER - value.width - 8 });
  const day = set.line(text.useBy, styles.day);
  const dayLabel = set.line(text.useByLabel, styles.label);
  const page = set.line(text.page, styles.page);
  const codeLabel = set.line(text.codeLabel, styles.label);
  const lines: Drawn[] = [
    { line: name, x: MARGIN, baseline: PANEL.y - 5.5 },
    atRight(value, PANEL.y - 5.5),
    { line: codeLabel, x: PANEL.x + INDENT, baseline: PANEL.y + 9.5 },
    { line: page, x: PANEL.x + INDENT, baseline: PANEL.y + PANEL.height - 6 },
    atRight(dayLabel, FOOT.top + 5),
    atRight(day, FOOT.baseline),
    ...blocksOf(set, text.instructions),
  ];
  if (text.dialCode !== undefined) {
    const width = INNER - BAR.room - dayLabel.width - BLOCKS.gap;
    const dial = fitted(set, text.dialCode, { style: styles.dial, width });
    lines.push({ line: dial, x: MARGIN + BAR.room, baseline: FOOT.baseline });
  }
  return { lines, codeWidth: PANEL.width - PANEL.height - 2 * INDENT };
}

const sizes = [5.6, 5.4, 5.2, 5, 4.8, 4.6, 4.4, 4.2];
const LEADING = 1.2;

/** Two by two, as large as all four still fit; smaller than the last size nobody could read them. */
function blocksOf(set: Typesetter, instructions: readonly string[]): Drawn[] {
  const height = (FOOT.top - 3 - BLOCKS.top) / 2;
  for (const size of sizes) {
    const style: Style = { size, weight: 'regular', color: INK };
    const blocks = instructions.map((text) => set.wrap(text, style, BLOCK_WIDTH));
    if (blocks.some((lines) => lines.length * size * LEADING > height - 2)) continue;
    return blocks.flatMap((lines, at) => {
      const x = MARGIN + (at % 2) * (BLOCK_WIDTH + BLOCKS.gap);
      const top = BLOCKS.top + Math.floor(at / 2) * height;
      return lines.map((line, no) => ({ line, x, baseline: top + size * (1 + no * LEADING) }));
    });
  }
  throw new Error('the instructions are too long for a card: its value has too many parts');
}

function fitted(set: Typesetter, text: string, { style, width }: { style: Style; width: number }): Line {
  const line = set.line(text, style);
  return line.width <= width ? line : set.line(text, { ...style, size: (style.size * width) / line.width });
}

type Drawing = {
  readonly doc: PDFKit.PDFDocument;
  readonly set: Typesetter;
  readonly face: Face;
  readonly origin: string;
};

function drawCard({ doc, set, face, origin }: Drawing, { serial, pin }: PrintedCard, { x, y }: Place): void {
  // Revealed onto the card, which is where it belongs, and nowhere else.
  const digits = pin.reveal();
  const grouped = digits.replace(/\d{4}(?=\d)/g, '$&\u2002');
  doc.dash(1.5, { space: 1.5 }).lineWidth(0.4).strokeColor(LINE);
  doc
    .rect(x + PANEL.x, y + PANEL.y, PANEL.width, PANEL.height)
    .stroke()
    .undash();
  for (const { line, x: left, baseline } of face.lines) set.draw(line, { x: x + left, baseline: y + baseline });

  const code = fitted(set, grouped, { style: styles.code, width: face.codeWidth });
  set.draw(code, { x: x + PANEL.x + INDENT, baseline: y + PANEL.y + PANEL.height / 2 + 5 });
  const qr = qrCode(redeemAddress(origin, digits));
  const module = PANEL.height / (qr.size + 2 * qr.quiet);
  const corner = {
    x: x + PANEL.x + PANEL.width - PANEL.height + qr.quiet * module,
    y: y + PANEL.y + qr.quiet * module,
  };
  drawBars(doc, qr, { ...corner, width: module, height: module });

  const bars = barcode(String(serial));
  drawBars(doc, bars, { x: x + MARGIN, y: y + FOOT.top, width: BAR.module, height: BAR.height });
  const number = set.line(String(serial), styles.serial);
  const middle = x + MARGIN + (bars.size * BAR.module) / 2;
  set.draw(number, { x: middle - number.width / 2, baseline: y + FOOT.baseline });
}

type Module = Place & { readonly width: number; readonly height: number };

function drawBars(doc: PDFKit.PDFDocument, { bars }: CodeSymbol, { x, y, width, height }: Module): void {
  for (const bar of bars) doc.rect(x + bar.x * width, y + bar.y * height, bar.width * width, height);
  doc.fill(INK);
}
