const SECOND_MS = 1_000;

/** At most so many in any second: the moments of the last ones are remembered, so no burst straddles two seconds. */
export class Pace {
  readonly #perSecond: number;
  readonly #sent: number[] = [];
  #at = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** How long the next one has to wait. */
  waitMs(now: number): number {
    const oldest = this.#sent[this.#at];
    if (this.#sent.length < this.#perSecond || oldest === undefined) return 0;
    return Math.max(0, oldest + SECOND_MS - now);
  }

  sent(now: number): void {
    this.#sent[this.#at] = now;
    this.#at = (this.#at + 1) % this.#perSecond;
  }
}
