import type { Results } from '../protocol.ts';

/** Being processed: asked again. At OSMP 4 is final, and 1, final here, is not: hence a table of its own. */
export const AGAIN = 4;

const NOT_FOUND = 1;
const OTHER_ERROR = 5;

/** Final results of Kaspi. Its 2, order cancelled, and 3, order already paid, are of those who sell orders. */
export const kaspiFinals: Results = new Map([
  ['account.format', NOT_FOUND],
  ['msisdn.invalid', NOT_FOUND],
  ['msisdn.russian', NOT_FOUND],
  ['msisdn.landline', NOT_FOUND],
  ['msisdn.foreign', NOT_FOUND],
  ['msisdn.not_served', NOT_FOUND],
  ['subscriber.closed', NOT_FOUND],
  ['amount.too_small', OTHER_ERROR],
  ['amount.too_large', OTHER_ERROR],
  ['amount.invalid', OTHER_ERROR],
  ['request.invalid', OTHER_ERROR],
  ['key.reused', OTHER_ERROR],
]);

/** The payer still has their money. */
export const kaspiAtCheck: Results = new Map([['partner.suspended', OTHER_ERROR]]);
