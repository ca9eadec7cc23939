import { inspect } from 'node:util';

/**
 * A value that cannot be printed by accident: string conversion, JSON, util.inspect and loggers all see `[secret]`.
 * `reveal()` is searched for in review: each use needs a reason.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
