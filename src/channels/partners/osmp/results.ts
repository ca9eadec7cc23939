import type { Results } from '../protocol.ts';

/** Try again later. Not final: what has no line below is answered so. */
export const AGAIN = 1;

/** Final results of OSMP, later QIWI. Of its others, 90 is of those who credit later, 8 and 243 of those who ask somebody else. */
export const osmpFinals: Results = new Map([
  ['account.format', 4],
  ['msisdn.invalid', 5],
  ['msisdn.russian', 5],
  ['msisdn.landline', 5],
  ['msisdn.foreign', 5],
  ['msisdn.not_served', 5],
  ['subscriber.closed', 79],
  ['amount.too_small', 241],
  ['amount.too_large', 242],
  ['amount.invalid', 300],
  ['request.invalid', 300],
  ['key.reused', 300],
]);

/** The payer still has their money. */
export const osmpAtCheck: Results = new Map([['partner.suspended', 7]]);
