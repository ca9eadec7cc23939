import { execFileSync } from 'node:child_process';

// What another program reads in a PDF of ours: Debian's poppler-utils.

/** The text of all pages, in reading order, one line of the page a line. */
export function pdfText(file: Uint8Array, ...options: string[]): string {
  return execFileSync('pdftotext', [...options, '-', '-'], {
    input: file,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** `Pages`, `Tagged`, `Title` and what else pdfinfo names. */
export function pdfInfo(file: Uint8Array): ReadonlyMap<string, string> {
  const lines = execFileSync('pdfinfo', ['-'], { input: file, encoding: 'utf8' }).split('\n');
  return new Map(
    lines.map((line): [string, string] => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
}

/** Fonts by name, each with whether it is embedded and says which characters it draws. */
export function pdfFonts(file: Uint8Array): readonly { name: string; isWhole: boolean }[] {
  const lines = execFileSync('pdffonts', ['-'], { input: file, encoding: 'utf8' }).trim().split('\n').slice(2);
  return lines.map((line) => ({ name: line.split(' ')[0] ?? '', isWhole: / yes yes yes /.test(line) }));
}

export type Pixels = {
  /** Whether the page is dark there, in millimetres from its top left. */
  isDark(x: number, y: number): boolean;
};

const MM_AN_INCH = 25.4;
const DPI = 600;

/** One page as a printer of 600 dots an inch would lay it down. */
export function pdfPixels(file: Uint8Array, page = 1): Pixels {
  const args = ['-r', String(DPI), '-gray', '-f', String(page), '-l', String(page), '-'];
  const image = execFileSync('pdftoppm', args, { input: file, maxBuffer: 64 * 1024 * 1024 });
  const [head = '', width = ''] = /^P5\s(\d+) (\d+)\s255\s/.exec(image.subarray(0, 32).toString('latin1')) ?? [];
  return {
    isDark: (x, y) => {
      const [column, row] = [x, y].map((mm) => Math.floor((mm / MM_AN_INCH) * DPI));
      return (image[head.length + (row ?? 0) * Number(width) + (column ?? 0)] ?? 255) < 128;
    },
  };
}
