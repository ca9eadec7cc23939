import { endDocument } from './fonts.ts';
import { type Line, type Style, type Typesetter, typesetter } from './typeset.ts';

/** A text in one language; a tagged document says which, so that it is read out in that voice. */
export type Block = {
  readonly text: string;
  readonly style: Style;
  readonly language: string;
  /** Goes on the line of the block before it where there is room. */
  readonly isBeside?: boolean;
};

/** `tag` says what it is (ISO 32000-1, 14.8.4): a heading, a paragraph, a cell. */
export type Column = {
  readonly tag: string;
  readonly x: number;
  readonly width: number;
  readonly align?: 'left' | 'right';
};

/** What these hold is running text, and no paragraph of its own. */
const lineTags = new Set(['H1', 'H2', 'P']);

export type Frame = { readonly width: number; readonly height: number; readonly top: number; readonly bottom: number };

/** A page that is written from the top down, and goes on on another one when it is full. */
export type Paper = {
  readonly set: Typesetter;
  /** Everything `write` puts on the page is inside this element: `Table`, `TR`. */
  within(tag: string, write: () => void): void;
  /** What is written in the columns begins at one height; the next thing below the longest of them. */
  columns(...columns: readonly (Column & { readonly blocks: readonly Block[] })[]): void;
  down(points: number): void;
  /** Goes on on a new page unless this much is left of this one. */
  room(points: number): void;
  /** A line across, which nobody reads out. */
  rule(line: { readonly from: number; readonly to: number; readonly color: string }): void;
  end(): void;
};

/** Of a line, in sizes: where its letters stand below its top, and how far the next one is. */
const ASCENT = 1;
const LEADING = 1.35;
const BESIDE = 6;

/** A block in lines, moved sideways by `shift` where two stand on one line; `isBeside` for the second of them. */
type Laid = { readonly lines: readonly Line[]; readonly block: Block; shift: number; readonly isBeside: boolean };

export function paper(doc: PDFKit.PDFDocument, frame: Frame): Paper {
  const set = typesetter(doc);
  const root = doc.struct('Document');
  doc.addPage({ size: [frame.width, frame.height], margin: 0 });
  doc.addStructure(root);
  let parent = root;
  let y = frame.top;

  const makeRoom = (height: number): void => {
    if (y + height <= frame.height - frame.bottom || y === frame.top) return;
    doc.addPage({ size: [frame.width, frame.height], margin: 0 });
    y = frame.top;
  };

  const draw = ({ tag, x, width, align = 'left' }: Column, blocks: readonly Laid[]): void => {
    let at = y;
    let baseline = y;
    for (const { lines, block, shift, isBeside } of blocks) {
      const { size } = block.style;
      const drawLines = (): void => {
        for (const line of lines) {
          if (!isBeside) {
            baseline = at + size * ASCENT;
            at += size * LEADING;
          }
          const left = align === 'right' ? x + width - line.width : x;
          set.draw(line, { x: left + shift, baseline });
        }
      };
      parent.add(doc.struct(lineTags.has(tag) ? 'Span' : 'P', { lang: block.language }, drawLines));
    }
  };

  const within = (tag: string, write: () => void): void => {
    const outer = parent;
    parent = doc.struct(tag);
    outer.add(parent);
    write();
    parent.end();
    parent = outer;
  };

  return {
    set,
    within,
    columns(...columns) {
      const filled = columns.map((column) => ({ column, blocks: lay(set, column, column.blocks) }));
      const height = Math.max(...filled.map(({ blocks }) => heightOf(blocks)));
      makeRoom(height);
      for (const { column, blocks } of filled) within(column.tag, () => draw(column, blocks));
      y += height;
    },
    down(points) {
      y += points;
    },
    room: makeRoom,
    rule({ from, to, color }) {
      doc.markContent('Artifact', { type: 'Layout' });
      doc.moveTo(from, y).lineTo(to, y).lineWidth(0.5).strokeColor(color).stroke();
      doc.endMarkedContent();
    },
    end() {
      root.end();
      endDocument(doc);
    },
  };
}

function lay(set: Typesetter, { width, align }: Column, blocks: readonly Block[]): Laid[] {
  const laid: Laid[] = [];
  for (const block of blocks) {
    const lines = set.wrap(block.text, block.style, width);
    const before = laid.at(-1);
    const own = lines[0]?.width ?? 0;
    const other = before?.lines[0]?.width ?? 0;
    const isLine = lines.length === 1 && before?.lines.length === 1 && other + BESIDE + own <= width;
    const isBeside = block.isBeside === true && isLine;
    if (before && isBeside && align === 'right') before.shift = -(BESIDE + own);
    laid.push({ lines, block, isBeside, shift: isBeside && align !== 'right' ? other + BESIDE : 0 });
  }
  return laid;
}

function heightOf(blocks: readonly Laid[]): number {
  const stacked = blocks.filter(({ isBeside }) => !isBeside);
  return stacked.reduce((height, { lines, block }) => height + lines.length * block.style.size * LEADING, 0);
}
