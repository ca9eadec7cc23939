import { type Answer, ControlError, json } from './server.ts';

/**
 * What the next calls meet, as asked for at the control address:
 * `drop` closes the connection before anything is done, `lose` does the work and closes the connection instead of answering,
 * `delay` does the work and answers late, `garble` does the work and answers with other words, `status` answers with a failure and does
 * nothing.
 */
export type Fault = {
  readonly kind: 'drop' | 'lose' | 'delay' | 'garble' | 'status';
  /** Calls whose `METHOD /path` begins so; every call where nothing is said. */
  readonly at?: string;
  /** How many calls meet it; 1 where nothing is said. */
  readonly times?: number;
  /** Of `delay`. */
  readonly ms?: number;
  /** Of `status`: 503 where nothing is said. */
  readonly status?: number;
  /** Of `garble`: what is answered, under the status and headers of the true answer. Half of the true answer where nothing is said. */
  readonly body?: string;
};

export type MetFault =
  | { readonly kind: 'drop' | 'lose' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'garble'; readonly body: string | undefined }
  | { readonly kind: 'status'; readonly answer: Answer };

export type Faults = {
  /** Replaces all faults that are still to come. */
  set(faults: readonly Fault[]): void;
  next(call: string): MetFault | undefined;
  /** Those still to come. */
  list(): readonly Fault[];
};

const kinds: ReadonlySet<string> = new Set(['drop', 'lose', 'delay', 'garble', 'status']);

/** Reads the list of faults in a control request: `[{ "kind": "lose", "at": "POST /v1/refunds", "times": 2 }]`. */
export function readFaults(value: unknown): Fault[] {
  if (!Array.isArray(value)) throw new ControlError('faults is a list');
  return value.map((item: unknown) => {
    if (typeof item !== 'object' || item === null) throw new ControlError('a fault is an object');
    const { kind, at, times, ms, status, body, ...rest } = item as Record<string, unknown>;
    if (typeof kind !== 'string' || !kinds.has(kind))
      throw new ControlError(`a fault is one of ${[...kinds].join(', ')}`);
    if (Object.keys(rest).length > 0) throw new ControlError(`a fault has no ${Object.keys(rest).join(', ')}`);
    return {
      kind: kind as Fault['kind'],
      ...(typeof at === 'string' && { at }),
      ...(typeof times === 'number' && { times }),
      ...(typeof ms === 'number' && { ms }),
      ...(typeof status === 'number' && { status }),
      ...(typeof body === 'string' && { body }),
    };
  });
}

/** `failure` puts a status into the protocol's own words. */
export function createFaults(
  failure: (status: number) => Answer = (status) => json(status, { error: status }),
): Faults {
  let coming: { fault: Fault; left: number }[] = [];
  return {
    set(faults) {
      coming = faults.map((fault) => ({ fault, left: fault.times ?? 1 }));
    },
    next(call) {
      const met = coming.find(({ fault, left }) => left > 0 && call.startsWith(fault.at ?? ''));
      if (met === undefined) return undefined;
      met.left -= 1;
      const { kind } = met.fault;
      if (kind === 'delay') return { kind, ms: met.fault.ms ?? 1_000 };
      if (kind === 'garble') return { kind, body: met.fault.body };
      if (kind === 'status') return { kind, answer: failure(met.fault.status ?? 503) };
      return { kind };
    },
    list: () => coming.filter(({ left }) => left > 0).map(({ fault, left }) => ({ ...fault, times: left })),
  };
}
