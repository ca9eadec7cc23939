import type { Body } from './pdu.ts';

/**
 * What became of a message. `accepted` by the other side, under an id that its receipts repeat; `refused` by it; `unsent`: it has not left,
 * so it can be sent again without a doubt; `unknown`: it left, and no answer came.
 */
export type Submission =
  | { readonly kind: 'accepted'; readonly messageId: string }
  | { readonly kind: 'refused'; readonly status: number; readonly isTemporary: boolean }
  | { readonly kind: 'unsent'; readonly why: 'down' | 'late' | 'busy' }
  | { readonly kind: 'unknown' };

export type Patience = {
  /** How long it may wait for its turn. */
  readonly waitMs: number;
  /** Before all others: somebody is looking at a telephone. */
  readonly urgent: boolean;
};

export class Waiting {
  readonly body: Body;
  readonly urgent: boolean;
  readonly settle: (submission: Submission) => void;
  /** What is said of it when its time is over. */
  whenOver: Submission;
  isOver = false;

  constructor(body: Body, urgent: boolean, settle: (submission: Submission) => void) {
    this.body = body;
    this.urgent = urgent;
    this.settle = settle;
    this.whenOver = { kind: 'unsent', why: 'late' };
  }
}

/** What waits for its turn: urgent ones first, each for so long and no longer. */
export class SubmitQueue {
  readonly #urgent: Waiting[] = [];
  readonly #others: Waiting[] = [];

  get length(): number {
    return this.#urgent.length + this.#others.length;
  }

  add(body: Body, { waitMs, urgent }: Patience): Promise<Submission> {
    const { promise, resolve } = Promise.withResolvers<Submission>();
    const waiting = new Waiting(body, urgent, (submission) => {
      clearTimeout(timer);
      resolve(submission);
    });
    const timer = setTimeout(() => {
      waiting.isOver = true;
      // What has left is answered by what comes of it.
      if (this.#remove(waiting)) waiting.settle(waiting.whenOver);
    }, waitMs);
    this.#queueOf(waiting).push(waiting);
    return promise;
  }

  next(): Waiting | undefined {
    return this.#urgent.shift() ?? this.#others.shift();
  }

  /** To the front, since it has waited already; unless its time is over. */
  putBack(waiting: Waiting, whenOver: Submission): void {
    waiting.whenOver = whenOver;
    if (waiting.isOver) waiting.settle(whenOver);
    else this.#queueOf(waiting).unshift(waiting);
  }

  clear(submission: Submission): void {
    for (const { settle } of [...this.#urgent.splice(0), ...this.#others.splice(0)]) settle(submission);
  }

  #queueOf({ urgent }: Waiting): Waiting[] {
    return urgent ? this.#urgent : this.#others;
  }

  #remove(waiting: Waiting): boolean {
    const queue = this.#queueOf(waiting);
    const at = queue.indexOf(waiting);
    if (at >= 0) queue.splice(at, 1);
    return at >= 0;
  }
}
