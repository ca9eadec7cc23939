import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import bwipjs from 'bwip-js';
import { encode } from 'uqr';
import { pdfFonts, pdfInfo, pdfPixels, pdfText } from '../../test/support/pdf.ts';
import { Secret } from '../base/secret.ts';
import type { PrintedCard } from '../vouchers/index.ts';
import { type CardFacts, type SheetsOptions, writeCards } from './index.ts';

const facts: CardFacts = {
  operator: { en: 'Beeline', ru: 'Билайн', kk: 'Beeline', zh: 'Beeline' },
  values: [{ unit: 'KZT', amount: 1_000_00n, validDays: undefined }],
  expiresAt: new Date('2028-12-31T19:00:00.000Z'),
  dialCode: '*100#',
  hotline: '116',
  origin: 'https://sapar.example',
  languages: ['zh', 'en', 'ru', 'kk'],
};

const pinOf = (no: number): string => String(1_234_567_890_123_456n + BigInt(no) * 7_919_000_077n);
const serialOf = (no: number): bigint => 1_000_000_001n + BigInt(no);

async function* cards(count: number): AsyncGenerator<PrintedCard, void, void> {
  for (let no = 0; no < count; no += 1) yield { serial: serialOf(no), pin: new Secret(pinOf(no)) };
}

function optionsOf(count: number, other: Partial<SheetsOptions> = {}): SheetsOptions {
  const { signal } = new AbortController();
  return { ...facts, batch: 12n, count, perSheet: 10, onProgress: () => undefined, signal, ...other };
}

async function print(count: number, other: Partial<SheetsOptions> = {}): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const out = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  const made = await writeCards(cards(count), optionsOf(count, other), out);
  assert.deepEqual(made, { cards: count, sheets: Math.ceil(count / (other.perSheet ?? 10)) });
  return Buffer.concat(chunks);
}

const bare = (text: string): string => text.replace(/\s/g, '');

test('each card has its code in groups of four and its serial, on as many sheets as it takes', async () => {
  const file = await print(23);
  assert.equal(pdfInfo(file).get('Pages'), '3');
  const text = pdfText(file, '-layout');
  for (let no = 0; no < 23; no += 1) {
    assert.match(text.replace(/ +/g, ' '), new RegExp(pinOf(no).replace(/\d{4}(?=\d)/g, '$& ')));
    assert.ok(text.includes(String(serialOf(no))));
  }
  assert.match(text, /batch 12 · from serial 1000000021 · sheet 3 of 3/);
  assert.ok(pdfFonts(file).every(({ isWhole }) => isWhole));
});

test('a card says in all four languages what to do with it', async () => {
  const text = bare(pdfText(await print(1)));
  for (const words of [
    'Beeline · Билайн',
    '₸1,000',
    '密码 · code · код',
    '有效期至 · Use by · Годна до · Жарамды мерзімі',
    '2028-12-31',
    'sapar.example/v',
    '刮开涂层，拨打 *100# 并输入密码（无需流量），或扫描二维码。到账前请保留此卡。客服：116。',
    'Scratch off the panel, dial *100# and enter the code (no data needed), or scan the QR code. Keep the card until credited. Help: 116.',
    'Сотрите слой, наберите *100# и введите код (интернет не нужен) или отсканируйте QR-код. Храните карту до зачисления. Помощь: 116.',
    'Қабатты өшіріп, *100# теріңіз де, кодты енгізіңіз (интернет керек емес) немесе QR-кодты сканерлеңіз. Ақша түскенше картаны сақтаңыз. Көмек: 116.',
  ])
    assert.ok(text.includes(bare(words)), words);
});

test('the first language gives the value its form; the life of a credit is told in each', async () => {
  const values: CardFacts['values'] = [
    { unit: 'KZT', amount: 1_000_00n, validDays: undefined },
    { unit: 'MB', amount: 500_000n, validDays: 30 },
    { unit: 'SECOND', amount: 3_600n, validDays: 30 },
  ];
  const text = bare(pdfText(await print(1, { values, languages: ['ru', 'kk', 'zh', 'en'] })));
  for (const words of [
    '1 000 ₸ + 500 МБ + 60 мин',
    '500 МБ, 60 мин: 30 дн.',
    '500 MB、60分钟：30 天。',
    '500 МБ, 60 мин: 30 күн.',
  ])
    assert.ok(text.includes(bare(words)), words);
});

test('without a dial code the card leads to the page alone', async () => {
  const text = bare(pdfText(await print(1, { dialCode: undefined, hotline: undefined })));
  assert.ok(text.includes(bare('or enter the code at sapar.example/v.')));
  assert.ok(!text.includes('dial'));
});

test('a value of so many parts that nobody could read the card is turned away', async () => {
  const values = Array.from({ length: 8 }, (_, no) => ({ unit: 'MB', amount: 1_000n, validDays: no + 1 }) as const);
  await assert.rejects(print(1, { values }), /too long for a card/);
});

// In millimetres: the grid of ten cards on A4, and on a card what docs/vouchers.md gives the printer.
const CARD = { width: 85.6, height: 54 };
const cornerOf = (no: number): { x: number; y: number } => ({
  x: (210 - 2 * CARD.width) / 2 + (no % 2) * CARD.width,
  y: (297 - 5 * CARD.height) / 2 + Math.floor(no / 2) * CARD.height,
});
const PANEL = { x: 3, y: 8.6, width: 79.6, height: 17 };

test('the QR code on each card is that of the redeem page with the code of that card behind a #', async () => {
  const pixels = pdfPixels(await print(10));
  for (let no = 0; no < 10; no += 1) {
    const { data, size } = encode(`https://sapar.example/v#${pinOf(no)}`, { ecc: 'M', border: 4 });
    const module = PANEL.height / size;
    const card = cornerOf(no);
    const left = card.x + PANEL.x + PANEL.width - PANEL.height;
    for (const [row, cells] of data.entries()) {
      for (const [column, isDark] of cells.entries()) {
        // The outermost cells of the empty margin share their edge with the frame of the panel.
        if ([row, column].some((at) => at === 0 || at === size - 1)) continue;
        const at = { x: left + (column + 0.5) * module, y: card.y + PANEL.y + (row + 0.5) * module };
        assert.equal(pixels.isDark(at.x, at.y), isDark, `card ${no}, row ${row}, column ${column}`);
      }
    }
  }
});

test('the barcode on each card is Code 128 of its serial', async () => {
  const pixels = pdfPixels(await print(10));
  const module = (0.72 / 72) * 25.4;
  for (let no = 0; no < 10; no += 1) {
    const [symbol] = bwipjs.raw({ bcid: 'code128', text: String(serialOf(no)) });
    assert.ok(symbol && 'sbs' in symbol);
    const modules = symbol.sbs.flatMap((width, at) => new Array<boolean>(width).fill(at % 2 === 0));
    const card = cornerOf(no);
    for (const [at, isDark] of modules.entries()) {
      const x = card.x + 3 + (at + 0.5) * module;
      assert.equal(pixels.isDark(x, card.y + CARD.height - 7), isDark, `card ${no}, module ${at}`);
    }
  }
});

test('cut marks stand at every line that is cut, and none crosses a card', async () => {
  const pixels = pdfPixels(await print(10));
  const { x, y } = cornerOf(0);
  for (let line = 0; line <= 2; line += 1) assert.ok(pixels.isDark(x + line * CARD.width, y - 4));
  for (let line = 0; line <= 5; line += 1) assert.ok(pixels.isDark(x - 4, y + line * CARD.height));
  for (let mm = 0.5; mm < 5 * CARD.height; mm += 0.5) assert.ok(!pixels.isDark(x + CARD.width, y + mm));
});

test('more cards take no more memory', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const seen: number[] = [];
  const onProgress = (done: number): void => {
    // The first ones warm everything up.
    if (done !== 1_000 && done !== 2_600) return;
    collect();
    collect();
    seen.push(process.memoryUsage().heapUsed / 1024 / 1024);
  };
  const out = new Writable({ write: (_chunk, _encoding, done) => done() });
  await writeCards(cards(2_600), optionsOf(2_600, { onProgress }), out);
  const [early = 0, late = 0] = seen;
  assert.ok(late - early < 1.5, `${early} MB at 1000 cards, ${late} MB at 2600`);
});

test('no more cards are asked for than the disk takes', async () => {
  let asked = 0;
  const out = new Writable({ highWaterMark: 1, write: () => undefined });
  const stop = new AbortController();
  const onProgress = (): void => {
    asked += 1;
  };
  const writing = writeCards(cards(500), optionsOf(500, { onProgress, signal: stop.signal }), out);
  writing.catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.ok(asked <= 20, `${asked} cards`);
  out.destroy(new Error('disk full'));
  await assert.rejects(writing, /disk full/);
});

test('a disk that fails is told, and cards that fail end the file', async () => {
  const failing = new Writable({ write: (_chunk, _encoding, done) => done(new Error('disk full')) });
  let drawn = 0;
  const onProgress = (): void => {
    drawn += 1;
  };
  await assert.rejects(writeCards(cards(200), optionsOf(200, { onProgress }), failing), /disk full/);
  assert.ok(drawn <= 20, `${drawn} cards for a disk that took none`);
  const out = new Writable({ write: (_chunk, _encoding, done) => done() });
  async function* broken(): AsyncGenerator<PrintedCard, void, void> {
    yield* cards(3);
    throw new Error('cut short');
  }
  await assert.rejects(writeCards(broken(), optionsOf(5), out), /cut short/);
  assert.ok(out.destroyed);
});
