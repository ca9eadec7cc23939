import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Counted } from './gateway.ts';

type Slot = { readonly number: number; in: number; out: number };

/** Messages of the last minute, by gateway. */
export class Traffic {
  readonly #clock: Clock;
  readonly #slots = new Map<string, Slot[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count({ gateway, direction }: Pick<Counted, 'gateway' | 'direction'>): void {
    const number = this.#now();
    const slots = this.#slots.get(gateway) ?? [];
    this.#slots.set(gateway, slots);
    let slot = slots.at(-1);
    if (slot?.number !== number) {
      slot = { number, in: 0, out: 0 };
      slots.push(slot);
      while ((slots[0]?.number ?? number) <= number - SLOTS) slots.shift();
    }
    slot[direction] += 1;
  }

  perMinute(gateway: string): { in: number; out: number } {
    const since = this.#now() - SLOTS;
    const recent = (this.#slots.get(gateway) ?? []).filter(({ number }) => number > since);
    return {
      in: recent.reduce((sum, slot) => sum + slot.in, 0),
      out: recent.reduce((sum, slot) => sum + slot.out, 0),
    };
  }

  #now(): number {
    return Math.floor(this.#clock.now().getTime() / limits.gatewaySlotMs);
  }
}

const SLOTS = 60_000 / limits.gatewaySlotMs;
