import { build, type Histogram } from 'hdr-histogram-js';
import { type HttpAnswer, Lines } from './http.ts';

/** One caller: what it asks first, and what each answer makes it do. */
export type Caller = { readonly opening: string; reply(answer: HttpAnswer): Move };
export type Move = { readonly ask: string } | 'done' | 'failed';

export type Latency = {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
};

export type Measured = {
  /** Callers a second that were due; undefined where callers waited for each other. */
  readonly offered: number | undefined;
  /** Callers a second that were served well within the time in which they were due. */
  readonly achieved: number;
  readonly begun: number;
  readonly done: number;
  /** What went otherwise, by status or error; a caller that had no answer in time is `unanswered`. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds from when a caller was due (open loop) or began (closed loop) to its last answer. */
  readonly latency: Latency;
  /** 99th percentile of how late this program itself was in starting a caller that was due, in milliseconds. */
  readonly lateness: number;
};

const DRAIN_MS = 20_000;
const LATENCY_US_MAX = 120_000_000;

/** Uniform numbers in [0, 1) from a seed (mulberry32), so that a run can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Times, in milliseconds from the start, at which independent callers come: exponential gaps, a Poisson process. */
export function* arrivals(plan: { rate: number; seconds: number; chance: () => number }): Generator<number> {
  const meanGapMs = 1000 / plan.rate;
  let at = -Math.log(1 - plan.chance()) * meanGapMs;
  while (at < plan.seconds * 1000) {
    yield at;
    at += -Math.log(1 - plan.chance()) * meanGapMs;
  }
}

export type OpenLoad = {
  readonly port: number;
  readonly rate: number;
  readonly seconds: number;
  readonly seed: number;
  readonly linesMax: number;
  readonly begin: (nth: number) => Caller;
};

/**
 * Open loop: callers come when they are due, however slow the answers are, and a caller's time runs from when it was due. A server that
 * stalls is therefore charged for everybody who came meanwhile, and not only for those who happened to be in it.
 */
export function openLoop(load: OpenLoad): Promise<Measured> {
  const due = arrivals({ rate: load.rate, seconds: load.seconds, chance: seeded(load.seed) });
  const run = new Run(load.port, load.linesMax);
  let next = due.next();
  return new Promise((resolve) => {
    const tick = (): void => {
      const now = run.elapsed();
      while (!next.done && next.value <= now) {
        run.begin(load.begin, next.value);
        next = due.next();
      }
      // Timers count in milliseconds: what falls due in between is sent together, late by less than one, and charged to the answer.
      if (!next.done) setTimeout(tick, Math.max(1, next.value - now));
      else run.drain(() => resolve(run.measured({ seconds: load.seconds, offered: run.begun / load.seconds })));
    };
    tick();
  });
}

export type ClosedLoad = {
  readonly port: number;
  readonly callers: number;
  readonly seconds: number;
  readonly begin: (nth: number) => Caller;
};

/** Closed loop: so many callers, each starting again when it is done. Finds the most a server can do, says nothing of waiting. */
export function closedLoop(load: ClosedLoad): Promise<Measured> {
  const run = new Run(load.port, load.callers);
  const endMs = load.seconds * 1000;
  return new Promise((resolve) => {
    let open = load.callers;
    const limit = setTimeout(() => run.giveUp(), endMs + DRAIN_MS);
    const again = (): void => {
      if (run.elapsed() < endMs) {
        run.begin(load.begin, run.elapsed(), again);
        return;
      }
      open -= 1;
      if (open > 0) return;
      clearTimeout(limit);
      run.drain(() => resolve(run.measured({ seconds: load.seconds, offered: undefined })));
    };
    for (let caller = 0; caller < load.callers; caller += 1) again();
  });
}

/** Ends a caller, once: with why it failed, or undefined. */
type End = (failure: string | undefined) => void;

/** The callers of one run and what became of them. */
class Run {
  readonly #lines: Lines;
  readonly #startedAt = performance.now();
  readonly #latency = histogram();
  readonly #lateness = histogram();
  readonly #failures = new Map<string, number>();
  readonly #open = new Map<number, End>();
  readonly #doneAt: number[] = [];
  begun = 0;

  constructor(port: number, linesMax: number) {
    this.#lines = new Lines(port, linesMax);
  }

  elapsed(): number {
    return performance.now() - this.#startedAt;
  }

  begin(make: (nth: number) => Caller, dueMs: number, onEnd?: () => void): void {
    const nth = this.begun;
    this.begun += 1;
    this.#lateness.recordValue(microseconds(this.elapsed() - dueMs));
    const caller = make(nth);
    const end: End = (failure) => {
      if (!this.#open.delete(nth)) return;
      const nowMs = this.elapsed();
      this.#latency.recordValue(microseconds(nowMs - dueMs));
      if (failure === undefined) this.#doneAt.push(nowMs);
      else this.#failures.set(failure, (this.#failures.get(failure) ?? 0) + 1);
      onEnd?.();
    };
    this.#open.set(nth, end);
    this.#ask(caller, caller.opening, end);
  }

  #ask(caller: Caller, request: string, end: End): void {
    this.#lines.ask(request, (answer) => {
      if (answer instanceof Error) return end(answer.message);
      const move = caller.reply(answer);
      if (move === 'done') end(undefined);
      else if (move === 'failed') end(`status ${answer.status}`);
      else this.#ask(caller, move.ask, end);
    });
  }

  /** Waits for those under way; after `DRAIN_MS` an answer is no answer. */
  drain(then: () => void): void {
    const giveUpAt = this.elapsed() + DRAIN_MS;
    const look = (): void => {
      if (this.#open.size > 0 && this.elapsed() < giveUpAt) {
        setTimeout(look, 5);
        return;
      }
      this.giveUp();
      this.#lines.close();
      then();
    };
    look();
  }

  /** Counts whoever is left as unanswered. */
  giveUp(): void {
    for (const end of [...this.#open.values()]) end('unanswered');
  }

  measured(over: { seconds: number; offered: number | undefined }): Measured {
    // What is answered after the bell does not count towards the rate: a backlog shows as a rate below what was offered.
    const inTime = this.#doneAt.filter((at) => at <= over.seconds * 1000).length;
    const ms = (percentile: number): number => this.#latency.getValueAtPercentile(percentile) / 1000;
    return {
      offered: over.offered,
      achieved: inTime / over.seconds,
      begun: this.begun,
      done: this.#doneAt.length,
      failures: Object.fromEntries(this.#failures),
      latency: { p50: ms(50), p90: ms(90), p99: ms(99), p999: ms(99.9), max: this.#latency.maxValue / 1000 },
      lateness: this.#lateness.getValueAtPercentile(99) / 1000,
    };
  }
}

function microseconds(ms: number): number {
  return Math.min(LATENCY_US_MAX, Math.max(1, Math.round(ms * 1000)));
}

function histogram(): Histogram {
  return build({
    bitBucketSize: 32,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_US_MAX,
    numberOfSignificantValueDigits: 3,
  });
}
