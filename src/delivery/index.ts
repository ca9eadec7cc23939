/**
 * Delivery: credit given by operators elsewhere. A route asks and enquires; what is not known stays unknown and is asked again by our own reference. Owns
 * the record of attempts. The order decides what follows from an outcome (src/topups).
 */
export type { BreakerSettings, BreakerState } from './breaker.ts';
export {
  createDelivery,
  type Delivery,
  type DeliveryCall,
  type DeliveryOptions,
  type RouteStatus,
} from './delivery.ts';
export { createDtone, type DtoneOptions } from './operators/dtone.ts';
export { createOsmp, type OsmpOptions } from './operators/osmp.ts';
export { createReloadly, type ReloadlyOptions } from './operators/reloadly.ts';
export {
  correctable,
  type DeliveryRefusal,
  type DeliveryRequest,
  type DeliveryRoute,
  deliveryRefusals,
  type Enquiry,
  type Outcome,
  type RemoteRouteId,
  type RouteId,
  routeIds,
} from './route.ts';
export {
  type Attempt,
  asked,
  attemptsOf,
  begin,
  type DeliveryState,
  find,
  findByReference,
  type NewAttempt,
  referenceOf,
  type Settlement,
  settle,
} from './store.ts';
