import { createInterface } from 'node:readline';
import { isUnit, parseAmount, type Unit } from '../../base/money.ts';
import type { Value } from '../../vouchers/index.ts';
import type { CliIo } from './program.ts';

/** Batch, approval and serial numbers. */
export function parseNumber(text: string): bigint {
  if (!/^\d{1,18}$/.test(text)) throw new Error('It is a number.');
  return BigInt(text);
}

export function parseCount(text: string): number {
  const digits = text.replaceAll(/[_,]/g, '');
  if (!/^\d{1,9}$/.test(digits)) throw new Error('It is a whole number.');
  return Number(digits);
}

const MEGABYTES_A_GIGABYTE = 1_000n;
const SECONDS_A_MINUTE = 60n;

/** How people write what a card is worth: `1000`, `1000KZT`, `500MB/30d`, `1.5GB/7d`, `60MIN`, `100SMS`, `200BONUS`. */
export function parseValue(text: string): Value {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z_]*)(?:\/(\d{1,5})d)?$/i.exec(text.trim());
  const [, amount = '', suffix = '', days] = match ?? [];
  const counted = match && countOf(amount, suffix.toUpperCase());
  if (!counted) throw new Error("It is written like '1000', '500MB/30d', '60MIN' or '100SMS'.");
  return { ...counted, validDays: days === undefined ? undefined : Number(days) };
}

function countOf(amount: string, suffix: string): { unit: Unit; amount: bigint } | undefined {
  switch (suffix) {
    case '':
      return { unit: 'KZT', amount: parseAmount(amount, 'KZT') };
    case 'BONUS':
      return { unit: 'KZT_BONUS', amount: parseAmount(amount, 'KZT_BONUS') };
    case 'GB':
      return { unit: 'MB', amount: parseAmount(amount, 'MB') * MEGABYTES_A_GIGABYTE };
    case 'MIN':
      return { unit: 'SECOND', amount: parseAmount(amount, 'SECOND') * SECONDS_A_MINUTE };
    default:
      return isUnit(suffix) ? { unit: suffix, amount: parseAmount(amount, suffix) } : undefined;
  }
}

const DAY_MS = 86_400_000;

/** The last day a card may be used, by the clock of Astana (UTC+5 all year); answers the instant that day ends. */
export function parseLastDay(text: string): Date {
  const start = new Date(`${text}T00:00:00Z`);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text) && start.toISOString().startsWith(text);
  if (!isDay) throw new Error("It is a day, like '2028-12-31'.");
  return new Date(new Date(`${text}T00:00:00+05:00`).getTime() + DAY_MS);
}

/** An instant with its clock: `2026-12-01T08:00+05:00`. Without one it would mean something else on every machine. */
export function parseInstant(text: string): Date {
  const isInstant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$/.test(text);
  const at = new Date(text);
  if (!isInstant || Number.isNaN(at.getTime())) throw new Error("It is an instant, like '2026-12-01T08:00+05:00'.");
  return at;
}

/** One line from standard input, unseen on a terminal: secrets are typed, never put into arguments, which others can list. */
export async function readSecretLine(io: CliIo, prompt: string): Promise<string> {
  const { stdin, stderr } = io;
  if (!stdin.isTTY) return firstLine(io);
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.resume();
  let typed = '';
  try {
    for await (const chunk of stdin) {
      for (const character of String(chunk)) {
        if (character === '\r' || character === '\n') return typed;
        if (character === '\u0003') throw new DOMException('interrupted', 'AbortError');
        typed = character === '\u007f' || character === '\b' ? typed.slice(0, -1) : typed + character;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

async function firstLine({ stdin }: CliIo): Promise<string> {
  const lines = createInterface({ input: stdin });
  try {
    for await (const line of lines) return line;
    return '';
  } finally {
    lines.close();
  }
}
