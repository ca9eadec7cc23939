/**
 * Exchange rates of the central bank, each with its day and source. Owns the table of rates; knows nothing of prices. Once a day is
 * fetched its rates stand for ever, so that a quote can be explained. Without a source that answers there are the old ones, until
 * they are too old for foreign money; tenge needs none of it.
 */
export { bankName, bankSource } from './bank.ts';
export { fileSource } from './file.ts';
export type { Rate, RateSource } from './rate.ts';
export { createRates, type Rates } from './rates.ts';
