import { loadCountry } from './country.ts';
import { type Operators, operatorLookups } from './operators.ts';

/** One country's facts as an object that `app.ts` makes once and hands to whoever asks. */
export type Catalogue = Operators;

/** Reads and checks the country pack in `dir`; a defective pack stops the start with every defect named. */
export function loadCatalogue(dir: string): Catalogue {
  return operatorLookups(loadCountry(dir));
}
