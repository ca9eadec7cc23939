/**
 * What can be bought and from whom: the operators of one country with their brands, prefixes, dial codes, amounts and
 * hotlines; what is taken for it by method of payment; and which days are working days. It owns the country pack
 * (`data/<country>/`), reads it once at start and turns a defective pack away.
 *
 * Every fact carries its source, date and confidence. A number's prefix is only a hint. What is not known is absent:
 * callers fall back, they do not guess. Nothing here reads the database, the clock or the network.
 */
export { type Catalogue, loadCatalogue } from './catalogue.ts';
export type { DialPurpose } from './country.ts';
export type { WorkingDays } from './holidays.ts';
export type {
  Brand,
  Denominations,
  DialCode,
  Hotline,
  Names,
  Operator,
  OperatorId,
  Operators,
  Owner,
  Prefix,
} from './operators.ts';
export type { Confidence, Evidence } from './pack.ts';
export type { MethodPricing, Prices } from './prices.ts';
