import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Type from 'typebox';
import { present } from '../base/assert.ts';
import { parseAmount } from '../base/money.ts';
import { Refusal } from '../base/refusal.ts';
import type { OperatorId } from './operators.ts';
import { type Defect, doubles, type Evidence, evidenceOf, id, type Pack, parsePack, row } from './pack.ts';

/** What is taken for a top-up, in tiyn and hundredths of a percent; for an operator or for all of them. */
export type MethodPricing = Evidence & {
  /** Of every order. */
  readonly feeFixedMinor: bigint;
  /** Of the face value. */
  readonly feeBps: bigint;
  /** On the exchange, where the charge is not in tenge. */
  readonly marginBps: bigint;
};

/** A method is text here: the catalogue knows prices, not providers. */
export type Prices = {
  /** The operator's own row, else the method's. Refuses a method without a price with `method.unsupported`. */
  pricing(operator: OperatorId, method: string): MethodPricing;
  /** Working days within which a refund reaches the payer: what is promised, so the longest that the method names. */
  refundDays(method: string): number;
};

const bps = Type.Integer({ minimum: 0, maximum: 2_000 });
const days = Type.Integer({ minimum: 0, maximum: 60 });

const sections = {
  prices: row({
    method: id,
    operator: Type.Optional(id),
    fee_fixed: Type.Integer({ minimum: 0, maximum: 10_000 }),
    fee_bps: bps,
    margin_bps: bps,
  }),
  refunds: row({ method: id, working_days_min: days, working_days_max: days }),
};

/** The checked content of a country's `prices.yaml`, with the file's own names. */
export type PriceList = Pack<typeof sections>;

export function loadPrices(dir: string, operators: readonly string[]): PriceList {
  const file = join(dir, 'prices.yaml');
  return parsePrices({ yaml: readFileSync(file, 'utf8'), file }, operators);
}

export function parsePrices(pack: { yaml: string; file: string }, operators: readonly string[]): PriceList {
  return parsePack(pack, sections, (list) => contradictions(list, operators));
}

export function priceLookups(list: PriceList): Prices {
  const prices = new Map(list.prices.map((row) => [keyOf(row), pricingFrom(row)]));
  const refunds = new Map(list.refunds.map((row) => [row.method, row.working_days_max]));
  return {
    pricing(operator, method) {
      const found = prices.get(keyOf({ method, operator })) ?? prices.get(keyOf({ method }));
      if (found === undefined) throw new Refusal('method.unsupported');
      return found;
    },
    refundDays: (method) => present(refunds.get(method), 'every method of a checked pack has a refund time'),
  };
}

type PriceRow = PriceList['prices'][number];

function pricingFrom(row: PriceRow): MethodPricing {
  return {
    feeFixedMinor: parseAmount(String(row.fee_fixed), 'KZT'),
    feeBps: BigInt(row.fee_bps),
    marginBps: BigInt(row.margin_bps),
    ...evidenceOf(row),
  };
}

/** Neither id holds a space. */
function keyOf({ method, operator }: { method: string; operator?: string }): string {
  return operator === undefined ? method : `${method} ${operator}`;
}

function contradictions(list: PriceList, operators: readonly string[]): Defect[] {
  return [
    ...doubles('prices', list.prices.map(keyOf)),
    ...doubles(
      'refunds',
      list.refunds.map((row) => row.method),
    ),
    ...unknownOperators(list, operators),
    ...incompleteMethods(list),
    ...list.refunds.flatMap(({ working_days_min: min, working_days_max: max }, index) =>
      min > max ? [{ section: 'refunds', index, problem: 'working_days_min is above working_days_max' }] : [],
    ),
  ];
}

function unknownOperators({ prices }: PriceList, operators: readonly string[]): Defect[] {
  return prices.flatMap(({ operator }, index) =>
    operator === undefined || operators.includes(operator)
      ? []
      : [{ section: 'prices', index, problem: `operator ${operator} is not in operators.yaml` }],
  );
}

/** A method that could be paid with and not given back, or given back at a price nobody set. */
function incompleteMethods({ prices, refunds }: PriceList): Defect[] {
  const general = new Set(prices.filter((row) => row.operator === undefined).map((row) => row.method));
  const refundable = new Set(refunds.map((row) => row.method));
  return [
    ...prices.flatMap(({ method }, index) => [
      ...(general.has(method) ? [] : [{ section: 'prices', index, problem: `${method} has no row for all operators` }]),
      ...(refundable.has(method) ? [] : [{ section: 'prices', index, problem: `${method} has no row in refunds` }]),
    ]),
    ...refunds.flatMap(({ method }, index) =>
      general.has(method) ? [] : [{ section: 'refunds', index, problem: `${method} has no row in prices` }],
    ),
  ];
}
