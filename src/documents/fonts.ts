import { readFileSync } from 'node:fs';
import PDFDocument from 'pdfkit';

export type Weight = 'regular' | 'bold';

/**
 * Noto Sans has Latin, Cyrillic with the letters of Kazakh, and the signs of all currencies we name; Noto Sans SC has Chinese and lacks both.
 * TrueType, because pdfkit breaks on WOFF2. Of the two packages only these four files are ever read.
 */
const files = {
  sans: {
    regular: import.meta.resolve('@expo-google-fonts/noto-sans/400Regular/NotoSans_400Regular.ttf'),
    bold: import.meta.resolve('@expo-google-fonts/noto-sans/600SemiBold/NotoSans_600SemiBold.ttf'),
  },
  han: {
    regular: import.meta.resolve('@expo-google-fonts/noto-sans-sc/400Regular/NotoSansSC_400Regular.ttf'),
    bold: import.meta.resolve('@expo-google-fonts/noto-sans-sc/600SemiBold/NotoSansSC_600SemiBold.ttf'),
  },
} as const;

type Family = keyof typeof files;

/** A font as pdfkit has parsed it; it takes one back wherever it takes a file. */
type Parsed = Buffer & { hasGlyphForCodePoint(codePoint: number): boolean; _glyphs: object };

/** The name is the key under which a document keeps it. */
export type Face = { readonly name: string; readonly font: Parsed };

const opened = new Map<string, Face>();

/** Each file is read when its first character is set, and parsed once: pdfkit alone would parse the Chinese one anew for every document, 60 ms each. */
function face(family: Family, weight: Weight): Face {
  const name = `${family}-${weight}`;
  let found = opened.get(name);
  if (found === undefined) {
    const scratch = new PDFDocument({ autoFirstPage: false, font: '' });
    scratch.font(readFileSync(new URL(files[family][weight])));
    // Where pdfkit keeps what it has parsed; its version is pinned, and a test sets text in all four.
    found = { name, font: (scratch as unknown as { _font: { font: Parsed } })._font.font };
    opened.set(name, found);
  }
  return found;
}

/**
 * Ends a document. Writing its fonts loads the parts of composite glyphs, `h` for the Kazakh `һ`, without the characters they stand for, and the
 * parsed font would keep them so: the next document's `h` could be seen but not read. So it forgets its glyphs.
 */
export function endDocument(doc: PDFKit.PDFDocument): void {
  doc.end();
  for (const { font } of opened.values()) font._glyphs = {};
}

export type Run = { readonly face: Face; readonly text: string };

/** Ideographs and the full-width punctuation that goes with them. */
export const HAN = /[\p{Script=Han}\u3000-\u303f\uff00-\uffef]/u;

/** What neither font can draw, such as an emoji in a seller's name, is shown to be missing. */
const MISSING = '\ufffd';

/** Text as stretches of one font each, the font chosen by the character and not by the language of the text. */
export function runsOf(text: string, weight: Weight): Run[] {
  const runs: { face: Face; text: string }[] = [];
  for (const character of text) {
    const { font, drawn } = chosen(character, weight);
    const last = runs.at(-1);
    if (last?.face === font) last.text += drawn;
    else runs.push({ face: font, text: drawn });
  }
  return runs;
}

function chosen(character: string, weight: Weight): { font: Face; drawn: string } {
  const sans = face('sans', weight);
  const codePoint = character.codePointAt(0) ?? 0;
  if (!HAN.test(character) && sans.font.hasGlyphForCodePoint(codePoint)) return { font: sans, drawn: character };
  const han = face('han', weight);
  if (han.font.hasGlyphForCodePoint(codePoint)) return { font: han, drawn: character };
  return { font: sans, drawn: MISSING };
}
