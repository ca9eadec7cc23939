import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { addAbortSignal, type Writable } from 'node:stream';
import type { Command } from 'commander';
import { limits } from '../../base/limits.ts';
import type { Catalogue } from '../../catalogue/index.ts';
import { writeCards } from '../../documents/index.ts';
import { isLanguage, type Language, languages } from '../../i18n/index.ts';
import { type PrintFile, readPrintFile } from '../../vouchers/index.ts';
import { type Answer, alone, argument, type LoneCall } from './command.ts';
import { parseCount } from './input.ts';
import { facts, grouped, progressBar } from './output.ts';
import type { Cli, CliIo } from './program.ts';

type SheetsOptions = { out: string; host: string; language?: readonly Language[]; perSheet?: number };

/** At the printer's: the cards of a decrypted print file as sheets. Needs the country pack and no database. */
export function addSheets(vouchers: Command, cli: Cli): void {
  const command = vouchers
    .command('cards')
    .description("the cards of a decrypted print file as PDF sheets to be cut; at the printer's, without a database")
    .argument('<print-file>', "decrypted print file, or '-' for standard input")
    .requiredOption('--out <file>', 'the PDF; it must not exist yet, and only you can read it')
    .requiredOption(
      '--host <address>',
      'of the site the QR codes lead to, https://sapar.example',
      argument(parseOrigin),
    )
    .option('--language <list>', 'languages in their order, zh,en; the others follow', argument(parseLanguages))
    .option('--per-sheet <n>', 'cards on a sheet of A4, 1 to 10 (default 10)', argument(parsePerSheet));
  alone<SheetsOptions>(command, cli, (call) => printCards(cli, call));
}

/** The site's address and nothing behind it. Without encryption only on this machine: the page it opens takes a card's code. */
function parseOrigin(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  const isLocal = url?.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  const isBare = url && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (!isBare || !(url.protocol === 'https:' || isLocal))
    throw new Error("It is an address like 'https://sapar.example'.");
  return url.origin;
}

/** The languages named, in their order, and then those that were not. */
function parseLanguages(text: string): readonly Language[] {
  const named = text.split(',');
  if (!named.every(isLanguage) || new Set(named).size !== named.length)
    throw new Error(`It is a list of ${languages.join(', ')}, each once.`);
  return [...new Set([...named, ...languages])];
}

function parsePerSheet(text: string): number {
  const count = parseCount(text);
  if (count < 1 || count > limits.cardsPerSheetMax)
    throw new Error(`It is a number from 1 to ${limits.cardsPerSheetMax}.`);
  return count;
}

async function printCards({ catalogue }: Cli, { io, args, options }: LoneCall<SheetsOptions>): Promise<Answer> {
  const source = String(args[0]);
  const path = resolve(options.out);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  try {
    const input = addAbortSignal(stop.signal, source === '-' ? io.stdin : createReadStream(source));
    const file = await readPrintFile(input);
    const sheets = { ...sheetsOf(file, catalogue(), options), signal: stop.signal };
    return await writeSheets(file, sheets, { io, path });
  } finally {
    process.off('SIGINT', onSignal);
  }
}

type Sheets = Omit<Parameters<typeof writeCards>[1], 'onProgress'>;

function sheetsOf({ header }: PrintFile, operators: Catalogue, options: SheetsOptions): Omit<Sheets, 'signal'> {
  const operator = operators.parseOperator(header.operator);
  return {
    ...header,
    operator: operators.operator(operator).names,
    dialCode: operators.dialCode(operator, 'menu')?.code,
    hotline: operators.hotline(operator)?.number,
    origin: options.host,
    languages: options.language ?? languages,
    perSheet: options.perSheet ?? limits.cardsPerSheetMax,
  };
}

async function writeSheets(
  { header, cards }: PrintFile,
  sheets: Sheets,
  { io, path }: { io: CliIo; path: string },
): Promise<Answer> {
  const out = await create(path);
  const bar = progressBar(io, `batch ${header.batch}`);
  try {
    return answer(path, header.batch, await writeCards(cards, { ...sheets, onProgress: bar.show }, out));
  } catch (error) {
    // Part of a file is of no use, and holds codes.
    await rm(path, { force: true });
    throw error;
  } finally {
    bar.end();
  }
}

/** For its owner alone, and never in the place of another file. */
async function create(path: string): Promise<Writable> {
  try {
    const file = await open(path, 'wx', 0o600);
    return file.createWriteStream();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw new Error(`${path} is there already; nothing was written over it`);
    throw error;
  }
}

function answer(path: string, batch: bigint, { cards, sheets }: { cards: number; sheets: number }): Answer {
  const text = facts([
    ['file', path],
    ['batch', String(batch)],
    ['cards', grouped(cards)],
    ['sheets', grouped(sheets)],
  ]);
  const next = 'It holds the codes in clear: print it, then delete it and the decrypted print file.';
  return { text: `${text}\n\n${next}`, data: { file: path, batch, cards, sheets } };
}
