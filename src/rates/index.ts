/** Exchange rates of the central bank, each with its day and source. Owns the table of rates; knows nothing of prices. */
export type { Rate, RateSource } from './rate.ts';
