import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhenResult,
} from 'cockatiel';
import { notSent } from './outcome.ts';
import type { DeliveryRequest, Outcome } from './route.ts';

export type BreakerSettings = {
  /** So many signs of trouble in a row open it. */
  readonly failures: number;
  /** So long nothing is sent; then one delivery goes first, and what becomes of it decides for the rest. */
  readonly openMs: number;
};

export type BreakerState = 'closed' | 'open' | 'half_open';

/**
 * Stands between us and one operator on one route. While the other side is in trouble orders wait, paid and untouched, instead of becoming unknown one
 * after the other. It says nothing about enquiries: those are how unknown ones end.
 */
export class Breaker {
  readonly #settings: BreakerSettings;
  readonly #policy: CircuitBreakerPolicy;
  #openedAt = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    this.#policy = circuitBreaker(
      handleWhenResult((outcome) => isTrouble(outcome as Outcome)),
      { breaker: new ConsecutiveBreaker(settings.failures), halfOpenAfter: settings.openMs },
    );
    this.#policy.onBreak(() => {
      this.#openedAt = performance.now();
    });
  }

  get state(): BreakerState {
    if (this.#policy.state === CircuitState.Closed) return 'closed';
    if (this.#policy.state === CircuitState.HalfOpen) return 'half_open';
    return performance.now() - this.#openedAt < this.#settings.openMs ? 'open' : 'half_open';
  }

  /** Whether a delivery would be turned away now: it is open, or the one that goes first is still on its way. */
  get isOpen(): boolean {
    return this.state === 'open' || this.#policy.state === CircuitState.HalfOpen;
  }

  /** Runs the delivery, or answers that nothing was sent. Never makes it wait for another. */
  async run(request: DeliveryRequest, deliver: () => Promise<Outcome>): Promise<Outcome> {
    if (this.isOpen) return notSent(request, 'breaker open');
    return this.#policy.execute(deliver);
  }
}

/** No answer that can be used, or the answer that it cannot serve. Being at work on it is neither. */
function isTrouble(outcome: Outcome): boolean {
  if (outcome.kind === 'refused') return outcome.reason === 'operator.unavailable';
  return outcome.kind === 'unknown' && !outcome.isUnderWay;
}
