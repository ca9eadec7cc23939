import PDFDocument from 'pdfkit';
import { type Block, type Paper, paper } from './paper.ts';
import { type ReceiptData, type ReceiptRow, receiptText } from './receipt.ts';
import type { Style } from './typeset.ts';

// A receipt on A4: black on white, the payer's language first and Russian under it, because whoever checks it in Kazakhstan reads that.

const PAGE = { width: 595.28, height: 841.89, top: 48, bottom: 36 } as const;
const LEFT = 62;
const WIDTH = PAGE.width - 2 * LEFT;
const RIGHT = LEFT + WIDTH;
const LABELS = 220;
const GAP = 16;

const INK = '#000000';
/** Seven to one on white. */
const GREY = '#575757';
const RULE = '#bdbdbd';

const styles = {
  seller: { size: 11, weight: 'bold', color: INK },
  contact: { size: 8.5, weight: 'regular', color: GREY },
  title: { size: 26, weight: 'bold', color: INK },
  titleSecond: { size: 12, weight: 'regular', color: GREY },
  reference: { size: 15, weight: 'bold', color: INK },
  warning: { size: 13, weight: 'bold', color: INK },
  figure: { size: 24, weight: 'bold', color: INK },
  section: { size: 11.5, weight: 'bold', color: INK },
  label: { size: 10, weight: 'regular', color: INK },
  value: { size: 10, weight: 'regular', color: INK },
  total: { size: 10, weight: 'bold', color: INK },
  small: { size: 8.5, weight: 'regular', color: INK },
  second: { size: 7.5, weight: 'regular', color: GREY },
} as const satisfies Record<string, Style>;

/** A text in the payer's language, and in Russian where that is another one. */
type Said<T> = { readonly first: T; readonly second: T | undefined };

type Page = {
  readonly paper: Paper;
  readonly language: string;
};

/** The same data give the same bytes: nothing in the file comes from a clock or from chance. */
export async function drawReceipt(data: ReceiptData): Promise<Buffer> {
  const { title } = receiptText(data, data.language);
  const doc = new PDFDocument({
    autoFirstPage: false,
    font: '',
    pdfVersion: '1.7',
    tagged: true,
    displayTitle: true,
    lang: data.language,
    info: {
      Title: `${title} ${data.reference}`,
      Author: data.seller.name,
      Creator: 'Sapar',
      Producer: 'Sapar',
      CreationDate: data.issuedAt,
      ModDate: data.issuedAt,
    },
  });
  const chunks: Buffer[] = [];
  doc.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<void>((resolve, reject) => {
    doc.once('end', resolve);
    doc.once('error', reject);
  });
  drawPage({ paper: paper(doc, PAGE), language: data.language }, data);
  await ended;
  return Buffer.concat(chunks);
}

function drawPage(page: Page, data: ReceiptData): void {
  const first = receiptText(data, data.language);
  const second = data.language === 'ru' ? undefined : receiptText(data, 'ru');
  const rows = first.rows.map((row, at) => ({ first: row, second: second?.rows[at] }));
  const named = (...names: string[]): Said<ReceiptRow>[] =>
    names.flatMap((name) => rows.filter((row) => row.first.name === name));

  drawHead(page, named('seller', 'contact'));
  drawTitle(page, { first: first.title, second: second?.title }, named('reference', 'issued'));
  if (first.warning !== undefined) {
    page.paper.down(6);
    whole(page, 'P', both(page, { first: first.warning, second: second?.warning }, { style: styles.warning }));
  }
  drawFigures(page, data.kind === 'refund' ? named('refunded', 'promised_by') : named('paid', 'phone_gets'));
  for (const [section, all] of Map.groupBy(rows, (row) => row.first.section)) {
    if (section === 'document') continue;
    drawSection(page, { first: first.sections[section] ?? '', second: second?.sections[section] }, all);
  }
  drawNotes(page, { first: first.notes, second: second?.notes });
  page.paper.end();
}

type Look = { readonly style: Style; readonly second?: Style; readonly isBeside?: boolean };

/** Both languages, the second one smaller and only where it says it differently. */
function both({ language }: Page, { first, second }: Said<string>, look: Look): Block[] {
  const { style, second: secondStyle = styles.second, isBeside = false } = look;
  const block: Block = { text: first, style, language };
  return second === undefined || second === first
    ? [block]
    : [block, { text: second, style: secondStyle, language: 'ru', isBeside }];
}

function whole(page: Page, tag: string, blocks: readonly Block[]): void {
  page.paper.columns({ tag, x: LEFT, width: WIDTH, blocks });
}

function labelOf({ first, second }: Said<ReceiptRow>): Said<string> {
  return { first: first.label, second: second?.label };
}

/** Money and codes read the same in every language. */
function wordsOf({ first, second }: Said<ReceiptRow>): Said<string> {
  return { first: first.value, second: first.kind === 'words' ? second?.value : undefined };
}

/** The letterhead: who sells. */
function drawHead(page: Page, rows: readonly Said<ReceiptRow>[]): void {
  const { paper, language } = page;
  paper.within('Sect', () => {
    rows.forEach(({ first }, at) => {
      const style = at === 0 ? styles.seller : styles.contact;
      for (const text of first.value.split('\n')) whole(page, 'P', [{ text, style, language }]);
    });
  });
  paper.down(10);
  paper.rule({ from: LEFT, to: RIGHT, color: INK });
  paper.down(16);
}

/** What it is on the left, which one on the right. */
function drawTitle(page: Page, title: Said<string>, rows: readonly Said<ReceiptRow>[]): void {
  const { paper } = page;
  const x = LEFT + WIDTH / 2;
  const facts = rows.flatMap((row, at) => {
    const value = both(page, wordsOf(row), { style: at === 0 ? styles.reference : styles.small });
    return [...both(page, labelOf(row), { style: styles.small, isBeside: true }), ...value];
  });
  paper.columns(
    {
      tag: 'H1',
      x: LEFT,
      width: WIDTH / 2,
      blocks: both(page, title, { style: styles.title, second: styles.titleSecond }),
    },
    { tag: 'Sect', x, width: RIGHT - x, align: 'right', blocks: facts },
  );
}

/** What everybody looks for, large. */
function drawFigures(page: Page, rows: readonly Said<ReceiptRow>[]): void {
  const { paper, language } = page;
  const width = (WIDTH - GAP) / 2;
  paper.down(14);
  paper.columns(
    ...rows.map((row, at) => ({
      tag: 'Sect',
      x: LEFT + at * (width + GAP),
      width,
      blocks: [
        ...both(page, labelOf(row), { style: styles.label, isBeside: true }),
        { text: row.first.value, style: fitted(page, row.first.value, width), language },
      ],
    })),
  );
}

/** Large, or as large as one line of that width allows. */
function fitted({ paper }: Page, text: string, width: number): Style {
  const { size } = styles.figure;
  const needed = paper.set.line(text, styles.figure).width;
  return needed <= width ? styles.figure : { ...styles.figure, size: Math.floor((size * width) / needed) };
}

/** A heading does not stay behind when its rows go on on a new page. */
const SECTION_ROOM = 70;

function drawSection(page: Page, heading: Said<string>, rows: readonly Said<ReceiptRow>[]): void {
  const { paper } = page;
  paper.down(12);
  paper.room(SECTION_ROOM);
  whole(page, 'H2', both(page, heading, { style: styles.section, isBeside: true }));
  paper.down(4);
  paper.within('Table', () => {
    for (const row of rows) drawRow(page, row);
  });
  paper.rule({ from: LEFT, to: RIGHT, color: RULE });
}

function drawRow(page: Page, row: Said<ReceiptRow>): void {
  const { paper } = page;
  const isTotal = row.first.kind === 'total';
  const label = { style: isTotal ? styles.total : styles.label, isBeside: true };
  const x = LEFT + LABELS + GAP;
  paper.rule({ from: LEFT, to: RIGHT, color: isTotal ? INK : RULE });
  paper.down(3);
  paper.within('TR', () => {
    const value = both(page, wordsOf(row), { style: isTotal ? styles.total : styles.value });
    paper.columns(
      { tag: 'TH', x: LEFT, width: LABELS, blocks: both(page, labelOf(row), label) },
      { tag: 'TD', x, width: RIGHT - x, align: 'right', blocks: value },
    );
  });
  paper.down(3);
}

function drawNotes(page: Page, notes: Said<readonly string[]>): void {
  page.paper.down(14);
  notes.first.forEach((first, at) => {
    whole(page, 'P', both(page, { first, second: notes.second?.[at] }, { style: styles.small }));
    page.paper.down(2);
  });
}
