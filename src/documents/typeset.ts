import { HAN, type Run, runsOf, type Weight } from './fonts.ts';

export type Style = {
  readonly size: number;
  readonly weight: Weight;
  readonly color: string;
  /** For text that no other is like, such as a serial: a document keeps how it has set each word, and would grow by this one. */
  readonly isOnce?: boolean;
};

/** One line, ready to be drawn. */
export type Line = { readonly runs: readonly Run[]; readonly width: number; readonly style: Style };

export type Place = {
  readonly x: number;
  /** Where the letters stand: one line for both fonts, whose boxes differ. */
  readonly baseline: number;
};

/** Sets text of mixed scripts, which pdfkit's own text flow cannot: it knows one font a line. */
export type Typesetter = {
  line(text: string, style: Style): Line;
  /** Lines no wider than that; a word that is too long is cut anywhere. */
  wrap(text: string, style: Style, width: number): Line[];
  draw(line: Line, place: Place): void;
};

export function typesetter(doc: PDFKit.PDFDocument): Typesetter {
  const use = ({ face }: Run, size: number): PDFKit.PDFDocument => doc.font(face.font, face.name, size);
  const line = (text: string, style: Style): Line => {
    const runs = runsOf(text, style.weight);
    let width = 0;
    for (const run of runs) width += use(run, style.size).widthOfString(run.text, shaping(style));
    return { runs, width, style };
  };
  return {
    line: (text, style) => line(plain(text), style),
    wrap(text, style, width) {
      const whole = line(plain(text), style);
      if (whole.width <= width) return [whole];
      const widthOf = (part: string): number => line(part, style).width;
      return broken(plain(text), width, widthOf).map((part) => {
        // The space at which a line was broken stays, unseen, so that who copies the text gets words apart.
        return { ...line(part, style), width: widthOf(part.trimEnd()) };
      });
    },
    draw({ runs, style }, { x, baseline }) {
      let at = x;
      for (const run of runs) {
        use(run, style.size).fillColor(style.color);
        doc.text(run.text, at, baseline, { lineBreak: false, baseline: 'alphabetic', ...shaping(style) });
        at += doc.widthOfString(run.text, shaping(style));
      }
    },
  };
}

/** pdfkit keeps no word that is set with features of its own; this one is on anyway. */
function shaping({ isOnce }: Style): PDFKit.Mixins.TextOptions {
  return isOnce ? { features: ['kern'] } : {};
}

/** Spaces that a font may lack become ones that it has; what has no shape is dropped. */
function plain(text: string): string {
  return text
    .replace(/[\t\r\n]/g, ' ')
    .replace(/\u202f/g, '\u00a0')
    .replace(/[\p{Cc}\p{Cf}]/gu, '');
}

function broken(text: string, width: number, widthOf: (part: string) => number): string[] {
  const lines: string[] = [];
  let current = '';
  let used = 0;
  const add = (part: string): void => {
    if (current !== '' && used + widthOf(part.trimEnd()) > width) {
      lines.push(current);
      current = '';
      used = 0;
    }
    current += part;
    used += widthOf(part);
  };
  for (const piece of pieces(text)) {
    if (widthOf(piece.trimEnd()) <= width) add(piece);
    else for (const character of piece) add(character);
  }
  return [...lines, current];
}

/** Stretches between which a line may break. */
function* pieces(text: string): Generator<string, void, void> {
  let piece = '';
  let before = '';
  for (const character of text) {
    if (piece !== '' && mayBreak(before, character)) {
      yield piece;
      piece = '';
    }
    piece += character;
    before = character;
  }
  if (piece !== '') yield piece;
}

/** A line of Chinese does not begin with these, nor end with those; a dial code with a Chinese word in it stays whole. */
const CLOSING = /[，。、；：？！）》」』】%#*]/u;
const OPENING = /[（《「『【*]/u;

function mayBreak(before: string, after: string): boolean {
  if (before === ' ') return after !== ' ';
  if (after === ' ' || CLOSING.test(after) || OPENING.test(before)) return false;
  return HAN.test(before) || HAN.test(after);
}
