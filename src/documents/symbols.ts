import bwipjs from 'bwip-js';
import { encode } from 'uqr';
import { assert } from '../base/assert.ts';

/** A dark bar, in modules from the top left of the symbol. */
export type Bar = { readonly x: number; readonly y: number; readonly width: number };

/** A symbol a camera reads: bars one module high, or as high as they are drawn. `quiet` is the empty margin it needs on each side. */
export type CodeSymbol = { readonly size: number; readonly quiet: number; readonly bars: readonly Bar[] };

/** ISO/IEC 18004. Error correction M: a scratched card is read with 15 % of it gone. */
export function qrCode(text: string): CodeSymbol {
  const { data, size } = encode(text, { ecc: 'M', border: 0 });
  const bars = data.flatMap((row, y) => barsOf(row, y));
  return { size, quiet: 4, bars };
}

/** Neighbours in a row become one bar: fewer shapes, and no seams between them. */
function barsOf(row: readonly boolean[], y: number): Bar[] {
  const bars: Bar[] = [];
  row.forEach((isDark, x) => {
    const last = bars.at(-1);
    if (isDark && last && last.x + last.width === x) bars[bars.length - 1] = { ...last, width: last.width + 1 };
    else if (isDark) bars.push({ x, y, width: 1 });
  });
  return bars;
}

/** ISO/IEC 15417, Code 128: widths of bars and gaps in turn, beginning with a bar. */
export function barcode(digits: string): CodeSymbol {
  const [symbol] = bwipjs.raw({ bcid: 'code128', text: digits });
  const widths = symbol && 'sbs' in symbol ? symbol.sbs : undefined;
  assert(widths !== undefined, 'a barcode is bars and gaps');
  const bars: Bar[] = [];
  let x = 0;
  widths.forEach((width, at) => {
    if (at % 2 === 0) bars.push({ x, y: 0, width });
    x += width;
  });
  return { size: x, quiet: 10, bars };
}
