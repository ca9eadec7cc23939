/**
 * Delivery: credit given by operators elsewhere. A route asks and enquires; what is not known stays unknown and is asked again by our own reference. Owns
 * the record of attempts. The order decides what follows from an outcome (src/topups).
 */
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
