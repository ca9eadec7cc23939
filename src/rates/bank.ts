import { XMLParser } from 'fast-xml-parser';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { addDays, isDay, isWeekend } from '../base/day.ts';
import { limits } from '../base/limits.ts';
import { type Currency, isCurrency } from '../base/money.ts';
import { microTengeOf } from './figure.ts';
import type { Rate, RateSource } from './rate.ts';

export const bankName = 'National Bank of Kazakhstan';

type BankOptions = {
  /** Of the feed that is asked by day, `https://nationalbank.kz/rss/get_rates.cfm`. */
  readonly url: string;
  /** Days on which the bank sets no rates; Saturdays and Sundays unless a calendar is at hand. */
  readonly isWorkingDay?: (day: string) => boolean;
  readonly timeoutMs?: number;
};

/**
 * The official rates as the National Bank publishes them: one XML document a day, asked by `fdate`. As seen in 2026 it answers for a
 * weekend too, under the day asked for. Where an answer carries an earlier day instead, or nothing yet, the rates are those in
 * force until the bank works again: they count for the weekend or holiday that follows them, and not a day longer.
 */
export function bankSource(options: BankOptions): RateSource {
  const { isWorkingDay = (day) => !isWeekend(day) } = options;
  return {
    name: bankName,
    async read(day) {
      for (let back = 0; back <= limits.rateDaysBackMax; back += 1) {
        const asked = addDays(day, -back);
        const answer = parseFeed(await download(options, asked));
        if (answer.rates.length === 0) continue;
        if (answer.day > asked)
          throw new Error(`the ${bankName} was asked for ${asked} and answered for ${answer.day}`);
        const stands = lastDayInForce({ from: answer.day, until: day }, isWorkingDay);
        return answer.rates.map((rate) => ({ ...rate, day: stands, source: bankName }));
      }
      throw new Error(`the ${bankName} has no rates for ${day} and the days before`);
    },
  };
}

function lastDayInForce(days: { from: string; until: string }, isWorkingDay: (day: string) => boolean): string {
  let last = days.from;
  for (let next = addDays(last, 1); next <= days.until && !isWorkingDay(next); next = addDays(next, 1)) last = next;
  return last;
}

/** Entities and types are left alone: only digits and codes are read. */
const parser = new XMLParser({
  processEntities: false,
  ignoreAttributes: true,
  parseTagValue: false,
  isArray: (name) => name === 'item',
});

const item = Type.Object({
  title: Type.String(),
  description: Type.Optional(Type.String()),
  quant: Type.Optional(Type.String()),
});
const document = Compile(
  Type.Object({ rates: Type.Object({ date: Type.String(), item: Type.Optional(Type.Array(item)) }) }),
);

type Feed = { readonly day: string; readonly rates: readonly Pick<Rate, 'currency' | 'microTenge'>[] };

/** Throws on anything but the bank's document. Currencies we do not know are passed over. */
export function parseFeed(xml: string): Feed {
  if (/<!DOCTYPE/i.test(xml)) throw new Error(`the ${bankName} answered with a document type, which its feed has not`);
  const content: unknown = parser.parse(xml, true);
  if (!document.Check(content)) throw new Error(`the ${bankName} answered with something other than its feed`);
  const { date, item: items = [] } = content.rates;
  const rates = items.flatMap(rateFrom);
  if (new Set(rates.map((rate) => rate.currency)).size < rates.length)
    throw new Error(`the ${bankName} answered with two rates for one currency`);
  return { day: dayFrom(date), rates };
}

function rateFrom({ title, description = '', quant = '' }: Static<typeof item>): Feed['rates'] {
  const currency = title.trim();
  if (!isForeign(currency)) return [];
  return [{ currency, microTenge: microTengeOf({ rate: description.trim(), quant: quant.trim() }) }];
}

function isForeign(code: string): code is Currency {
  return isCurrency(code) && code !== 'KZT';
}

function dayFrom(date: string): string {
  const [, dd, mm, yyyy] = /^(\d{2})\.(\d{2})\.(\d{4})$/.exec(date.trim()) ?? [];
  const day = `${yyyy}-${mm}-${dd}`;
  if (!isDay(day)) throw new Error(`the ${bankName} answered with the date "${date.slice(0, 20)}"`);
  return day;
}

async function download({ url, timeoutMs = limits.rateCallMs }: BankOptions, day: string): Promise<string> {
  const address = new URL(url);
  address.searchParams.set('fdate', day.split('-').reverse().join('.'));
  // A redirect is not followed: these figures decide prices, and whoever moves the feed names its new address.
  const response = await fetch(address, {
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
    headers: { accept: 'application/xml, text/xml', 'user-agent': 'Sapar' },
  });
  if (!response.ok || response.body === null) throw new Error(`the ${bankName} answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.length;
    if (bytes > limits.rateBytesMax)
      throw new Error(`the ${bankName} answered with more than ${limits.rateBytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
