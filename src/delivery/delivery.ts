import { present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { Breaker, type BreakerSettings, type BreakerState } from './breaker.ts';
import { unknown } from './outcome.ts';
import type { DeliveryRequest, DeliveryRoute, Enquiry, Outcome, RemoteRouteId } from './route.ts';

/** What one route does for one operator, since this process started. */
export type RouteStatus = {
  readonly route: RemoteRouteId;
  readonly operator: string;
  readonly state: BreakerState;
  readonly delivered: number;
  readonly refused: number;
  readonly unknown: number;
  readonly enquiries: number;
  /** When a delivery or an enquiry was last answered with an end. */
  readonly lastSuccessAt: Date | undefined;
  readonly lastFailureAt: Date | undefined;
  /** The other side's code, or ours: `TimeoutError`, `http 503`. */
  readonly lastFailure: string | undefined;
};

/** One call that has ended: the seam where routes are measured and logged. */
export type DeliveryCall = {
  readonly verb: 'deliver' | 'enquire';
  readonly route: RemoteRouteId;
  readonly operator: string;
  readonly outcome: Enquiry['kind'];
  readonly ms: number;
};

export type DeliveryOptions = {
  readonly routes: readonly DeliveryRoute[];
  readonly clock: Clock;
  readonly breaker?: BreakerSettings;
  readonly onCall?: (call: DeliveryCall) => void;
  /** Told of what a route throws, which none should. */
  readonly onError?: (error: unknown, route: RemoteRouteId) => void;
};

export type Delivery = {
  deliver(route: RemoteRouteId, request: DeliveryRequest): Promise<Outcome>;
  /** Goes past the breaker, and neither opens nor closes it. */
  enquire(route: RemoteRouteId, request: DeliveryRequest): Promise<Enquiry>;
  /** Whether a delivery would be turned away now without being sent: ask before an order is taken up. */
  isOpen(route: RemoteRouteId, operator: string): boolean;
  status(): readonly RouteStatus[];
};

export function createDelivery(options: DeliveryOptions): Delivery {
  const { clock, onCall } = options;
  const settings = options.breaker ?? { failures: limits.breakerFailures, openMs: limits.breakerOpenMs };
  const routes = new Map(options.routes.map((route) => [route.id, route]));
  const wires = new Map<string, Wire>();

  const routeOf = (id: RemoteRouteId): DeliveryRoute => present(routes.get(id), `the route ${id} is configured`);
  const wireOf = (route: RemoteRouteId, operator: string): Wire => {
    const key = `${route} ${operator}`;
    const wire = wires.get(key) ?? new Wire(route, operator, new Breaker(settings));
    wires.set(key, wire);
    return wire;
  };
  /** Runs one call and counts it. Whatever a route throws, something may have been sent before. */
  const measured = async <Answer extends Enquiry>(
    wire: Wire,
    verb: DeliveryCall['verb'],
    work: () => Promise<Answer>,
  ): Promise<Answer | Outcome> => {
    const { route, operator } = wire;
    const startedAt = performance.now();
    const answer = await work().catch((error: unknown) => {
      options.onError?.(error, route);
      return unknown('defect');
    });
    wire.count(verb, answer, clock.now());
    onCall?.({ verb, route, operator, outcome: answer.kind, ms: performance.now() - startedAt });
    return answer;
  };

  return {
    async deliver(id, request) {
      const route = routeOf(id);
      const wire = wireOf(id, request.operator);
      return wire.breaker.run(request, () => measured(wire, 'deliver', () => route.deliver(request)));
    },
    async enquire(id, request) {
      const route = routeOf(id);
      return measured(wireOf(id, request.operator), 'enquire', () => route.enquire(request));
    },
    isOpen: (id, operator) => wireOf(id, operator).breaker.isOpen,
    status: () => [...wires.values()].map((wire) => wire.status()),
  };
}

/** One route to one operator: its breaker and its counts. */
class Wire {
  readonly route: RemoteRouteId;
  readonly operator: string;
  readonly breaker: Breaker;
  readonly #counts = { delivered: 0, refused: 0, unknown: 0, enquiries: 0 };
  #lastSuccessAt: Date | undefined;
  #lastFailureAt: Date | undefined;
  #lastFailure: string | undefined;

  constructor(route: RemoteRouteId, operator: string, breaker: Breaker) {
    this.route = route;
    this.operator = operator;
    this.breaker = breaker;
  }

  count(verb: DeliveryCall['verb'], answer: Enquiry, at: Date): void {
    if (verb === 'enquire') this.#counts.enquiries += 1;
    if (answer.kind === 'unknown' && !answer.isUnderWay) {
      this.#lastFailureAt = at;
      this.#lastFailure = answer.detail;
    } else {
      this.#lastSuccessAt = at;
    }
    if (verb === 'deliver' && answer.kind !== 'absent') this.#counts[answer.kind] += 1;
  }

  status(): RouteStatus {
    return {
      route: this.route,
      operator: this.operator,
      state: this.breaker.state,
      ...this.#counts,
      lastSuccessAt: this.#lastSuccessAt,
      lastFailureAt: this.#lastFailureAt,
      lastFailure: this.#lastFailure,
    };
  }
}
