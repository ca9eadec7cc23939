import { isUnit, parseAmount } from '../base/money.ts';
import type { Secret } from '../base/secret.ts';
import { parsePin } from './pin.ts';
import type { Value } from './voucher.ts';

/** What a print file says of all its cards, see `printHeader`. */
export type PrintHeader = {
  readonly batch: bigint;
  readonly operator: string;
  readonly count: number;
  readonly values: readonly Value[];
  readonly firstSerial: bigint;
  /** The card may be redeemed before this instant. */
  readonly expiresAt: Date;
};

export type PrintedCard = { readonly serial: bigint; readonly pin: Secret };

export type PrintFile = { readonly header: PrintHeader; readonly cards: AsyncGenerator<PrintedCard, void, void> };

/** Longer than any line of a print file, and little enough to hold what is none. */
const LINE_LENGTH_MAX = 1_024;
const FORMAT = '# sapar-print-file: 1';
const AGE = /^(age-encryption\.org\/|-----BEGIN AGE)/;

/**
 * Reads a decrypted print file card by card, keeping one line of it at a time. Throws on a line that is not what the header promises, and
 * at its end when cards are missing: a file that was cut short is not printed. No error holds a PIN.
 */
export async function readPrintFile(bytes: AsyncIterable<Uint8Array | string>): Promise<PrintFile> {
  const lines = linesOf(bytes);
  const first = await nextLine(lines);
  if (AGE.test(first)) {
    throw new Error(
      'this file is still encrypted; decrypt it first and give what comes out: age --decrypt --identity key.txt batch-12.csv.age | sapar vouchers cards - …',
    );
  }
  if (first !== FORMAT) throw new Error(`this is no print file: it does not begin with '${FORMAT}'`);
  const facts = new Map<string, string>();
  let line = await nextLine(lines);
  for (; line.startsWith('# '); line = await nextLine(lines)) {
    const [name = '', ...value] = line.slice(2).split(': ');
    facts.set(name, value.join(': '));
  }
  if (line !== 'serial,pin,value') throw new Error('this is no print file: the line before its cards is missing');
  const header = headerOf(facts);
  return { header, cards: readCards(lines, header, facts.get('value') ?? '') };
}

async function nextLine(lines: AsyncGenerator<string, void, void>): Promise<string> {
  const { value } = await lines.next();
  return value ?? '';
}

function headerOf(facts: ReadonlyMap<string, string>): PrintHeader {
  const read = <T>(name: string, parse: (text: string) => T | undefined): T => {
    const value = parse(facts.get(name) ?? '');
    if (value === undefined) throw new Error(`the print file does not say its ${name}`);
    return value;
  };
  const number = (text: string): bigint | undefined => (/^\d{1,18}$/.test(text) ? BigInt(text) : undefined);
  return {
    batch: read('batch', number),
    operator: read('operator', (text) => (text === '' ? undefined : text)),
    count: Number(read('count', number)),
    values: read('value', parseValues),
    firstSerial: read('first serial', number),
    expiresAt: read('redeem before', (text) => (Number.isNaN(Date.parse(text)) ? undefined : new Date(text))),
  };
}

/** Reads what `valueText` writes: `1000.00 KZT + 500.000 MB 30d`. */
function parseValues(text: string): Value[] | undefined {
  const values = text.split(' + ').map((part): Value | undefined => {
    const [, amount = '', unit = '', days] = /^([\d.]+) ([A-Z_]+)(?: (\d{1,5})d)?$/.exec(part) ?? [];
    if (!isUnit(unit)) return undefined;
    return { unit, amount: parseAmount(amount, unit), validDays: days === undefined ? undefined : Number(days) };
  });
  return values.every((value) => value !== undefined) ? values : undefined;
}

async function* readCards(
  lines: AsyncGenerator<string, void, void>,
  header: PrintHeader,
  value: string,
): AsyncGenerator<PrintedCard, void, void> {
  let serial = header.firstSerial;
  for await (const line of lines) {
    const [, digits = '', pin = ''] = /^(\d+),([\d ]+),/.exec(line) ?? [];
    if (digits !== String(serial) || line.slice(digits.length + pin.length + 2) !== value)
      throw new Error(`the card with serial ${serial} is not where it should be, or is not what the file says it is`);
    yield { serial, pin: parsePin(pin) };
    serial += 1n;
  }
  const read = serial - header.firstSerial;
  if (read !== BigInt(header.count))
    throw new Error(
      `the file was cut short or added to: it holds ${read} cards and not the ${header.count} it speaks of`,
    );
}

async function* linesOf(bytes: AsyncIterable<Uint8Array | string>): AsyncGenerator<string, void, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of bytes) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
    if (rest.length > LINE_LENGTH_MAX) throw new Error('this is no print file: a line of it never ends');
  }
  if (rest !== '') yield rest;
}
