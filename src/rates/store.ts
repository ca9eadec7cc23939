import { type Currency, currencyNames } from '../base/money.ts';
import { type Db, pgArray, pgTextArray, read, type Statement, type Tx } from '../db/index.ts';
import type { Rate } from './rate.ts';

type RateRow = { currency: Currency; day: string; micro_tenge: bigint; source: string; fetched_at: Date };

// Each currency is looked up on its own by key, so the table may grow for ever. What is set for a later day does not count yet.
const freshestStatement: Statement = {
  name: 'rates_freshest',
  text: `select found.currency, found.day::text as day, found.micro_tenge, found.source, found.fetched_at
    from unnest($1::text[]) as wanted (currency)
    cross join lateral (
      select * from fx_rate where fx_rate.currency = wanted.currency and fx_rate.day <= $2::date order by fx_rate.day desc limit 1
    ) as found`,
};

/** The latest of each currency up to a day. */
export async function readFreshest(db: Db, day: string): Promise<Rate[]> {
  const rows = await read<RateRow>(db, freshestStatement, [pgTextArray(currencyNames), day]);
  return rows.map((row) => ({
    currency: row.currency,
    microTenge: row.micro_tenge,
    day: row.day,
    source: row.source,
    fetchedAt: row.fetched_at,
  }));
}

const isThereStatement: Statement = {
  name: 'rates_is_there',
  text: 'select exists (select from fx_rate where day = $1::date and currency = any($2::text[])) as there',
};

/** Rates of a day are stored together: one stands for all. */
export async function isThere(db: Db, day: string): Promise<boolean> {
  const [row] = await read<{ there: boolean }>(db, isThereStatement, [day, pgTextArray(currencyNames)]);
  return row?.there ?? false;
}

const insertStatement: Statement = {
  name: 'rates_insert',
  // Two processes may fetch the same day: the first one's rates are the day's, and no quote is ever contradicted by its evidence.
  text: `insert into fx_rate (currency, day, micro_tenge, source, fetched_at)
    select * from unnest($1::text[], $2::date[], $3::bigint[], $4::text[], $5::timestamptz[]) on conflict do nothing`,
};

export function insertRates(tx: Tx, rates: readonly Rate[]): void {
  tx.send(insertStatement, [
    pgTextArray(rates.map((rate) => rate.currency)),
    pgTextArray(rates.map((rate) => rate.day)),
    pgArray(rates.map((rate) => rate.microTenge)),
    pgTextArray(rates.map((rate) => rate.source)),
    pgTextArray(rates.map((rate) => rate.fetchedAt.toISOString())),
  ]);
}
