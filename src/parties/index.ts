/**
 * Parties: subscribers (numbers with balances) and partners (API clients with a prefunded float). The only place that knows a
 * number and who holds it; everybody else gets the opaque id.
 */
export {
  type Client,
  createPartners,
  defaultScopes,
  type Partner,
  type Scope,
  scopes,
} from './partners.ts';
export type { Holder, Subscriber } from './subscriber.ts';
export {
  areNumbersOf,
  type Bucket,
  createSubscribers,
  type Movement,
  type NumberRef,
  type Subscribers,
} from './subscribers.ts';
