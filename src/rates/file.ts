import { readFile } from 'node:fs/promises';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { isDay } from '../base/day.ts';
import { type Currency, currencyNames } from '../base/money.ts';
import { microTengeOf } from './figure.ts';
import type { RateSource } from './rate.ts';

const foreign = currencyNames.filter((currency) => currency !== 'KZT');
const strict = { additionalProperties: false };

/** Like the bank's document: tenge for `quant` units of a currency, as decimal text. */
const document = Compile(
  Type.Object(
    {
      day: Type.String(),
      source: Type.String({ pattern: '\\S', maxLength: 200 }),
      rates: Type.Array(
        Type.Object(
          { currency: Type.Enum(foreign as [Currency]), rate: Type.String(), quant: Type.Integer({ minimum: 1 }) },
          strict,
        ),
        { minItems: 1, maxItems: foreign.length },
      ),
    },
    strict,
  ),
);

/**
 * Rates that somebody puts beside a machine without a network: `{ "day": "2026-11-24", "source": "…", "rates": [{ "currency": "UZS",
 * "rate": "3.78", "quant": 100 }] }`. They keep the day and the source the file gives them, so an old file is shown as old and
 * then prices nothing. A file with a new day is taken up within the hour; another figure for a day already read is not.
 */
export function fileSource({ path }: { path: string }): RateSource {
  return {
    name: path,
    async read(day) {
      const content: unknown = JSON.parse(await readFile(path, 'utf8'));
      if (!document.Check(content)) {
        const [error] = document.Errors(content);
        throw new Error(`${path}: ${error?.instancePath ?? ''} ${error?.message ?? ''}`);
      }
      if (!isDay(content.day) || content.day > day) throw new Error(`${path}: ${content.day} is no day up to today`);
      if (new Set(content.rates.map((rate) => rate.currency)).size < content.rates.length)
        throw new Error(`${path}: two rates for one currency`);
      return content.rates.map(({ currency, rate, quant }) => ({
        currency,
        microTenge: microTengeOf({ rate, quant: String(quant) }),
        day: content.day,
        source: content.source,
      }));
    },
  };
}
