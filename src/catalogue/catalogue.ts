import { loadCountry } from './country.ts';
import { loadHolidays, type WorkingDays, workingDays } from './holidays.ts';
import { type Operators, operatorLookups } from './operators.ts';
import { loadPrices, type Prices, priceLookups } from './prices.ts';

/** One country's facts as an object that `app.ts` makes once and hands to whoever asks. */
export type Catalogue = Operators & Prices & WorkingDays;

/** Reads and checks the country pack in `dir`; a defective pack stops the start with every defect named. */
export function loadCatalogue(dir: string): Catalogue {
  const country = loadCountry(dir);
  const operators = country.operators.map((row) => row.id);
  return {
    ...operatorLookups(country),
    ...priceLookups(loadPrices(dir, operators)),
    ...workingDays(loadHolidays(dir)),
  };
}
