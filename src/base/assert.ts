/** For what cannot happen: a failed assertion is a defect and stops the request, it is never an answer to a person. */
export function assert(condition: unknown, guarantee: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${guarantee}`);
}

/** Closes a `switch` over a union: a new member no longer compiles until it is handled. */
export function never(value: never): never {
  throw new Error(`unreachable value: ${JSON.stringify(value)}`);
}

/** The value, where its absence would be a defect. */
export function present<T>(value: T | undefined | null, guarantee: string): T {
  assert(value !== undefined && value !== null, guarantee);
  return value;
}
