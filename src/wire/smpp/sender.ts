import { randomInt } from 'node:crypto';
import { limits } from '../../base/limits.ts';
import type { Link } from './link.ts';
import { Pace } from './pace.ts';
import type { Body, Pdu } from './pdu.ts';
import { type Patience, type Submission, SubmitQueue, type Waiting } from './queue.ts';
import { isTemporary, statuses } from './status.ts';

export type SenderOptions = {
  readonly window: number;
  readonly perSecond: number | undefined;
  readonly answerMs: number;
  readonly throttleMsMin: number;
  readonly throttleMsMax: number;
  /** The other side has asked for less, or has begun to take messages again. */
  readonly onThrottle: (isThrottled: boolean) => void;
};

/** Sends what waits, within the window and the pace of one bind, and slower where the other side asks for it. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #queue = new SubmitQueue();
  readonly #pace: Pace | undefined;
  #link: Link | undefined;
  #outstanding = 0;
  #timer: NodeJS.Timeout | undefined;
  #throttle = { times: 0, until: 0 };
  readonly #idlers: (() => void)[] = [];

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#pace = options.perSecond === undefined ? undefined : new Pace(options.perSecond);
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /** A link that is bound: what waits is sent through it. Undefined: it waits. */
  use(link: Link | undefined): void {
    this.#link = link;
    this.#throttle = { times: 0, until: 0 };
    this.#send();
  }

  submit(body: Body, patience: Patience): Promise<Submission> {
    if (this.#queue.length >= limits.smppWaitingMax) return Promise.resolve({ kind: 'unsent', why: 'busy' });
    const submission = this.#queue.add(body, patience);
    this.#send();
    return submission;
  }

  /** Nothing more is sent; resolved when what was sent is answered, or lost. */
  async stop(): Promise<void> {
    this.#queue.clear({ kind: 'unsent', why: 'down' });
    clearTimeout(this.#timer);
    if (this.#outstanding > 0) await new Promise<void>((resolve) => this.#idlers.push(resolve));
  }

  /** Sends what may be sent now, and comes back when more may. */
  #send(): void {
    clearTimeout(this.#timer);
    while (this.#link && this.#queue.length > 0 && this.#outstanding < this.#window) {
      const now = performance.now();
      const waitMs = Math.max(this.#throttle.until - now, this.#pace?.waitMs(now) ?? 0);
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#send(), waitMs);
        return;
      }
      const waiting = this.#queue.next();
      if (!waiting) return;
      this.#pace?.sent(now);
      this.#outstanding += 1;
      void this.#ask(this.#link, waiting);
    }
  }

  /** After being throttled one message goes ahead, and the others follow when it is taken. */
  get #window(): number {
    return this.#throttle.times > 0 ? 1 : this.#options.window;
  }

  async #ask(link: Link, waiting: Waiting): Promise<void> {
    const reply = await link.request(waiting.body, this.#options.answerMs);
    this.#outstanding -= 1;
    switch (reply.kind) {
      case 'answered':
        this.#answered(waiting, reply.pdu);
        break;
      case 'unsent':
        this.#queue.putBack(waiting, { kind: 'unsent', why: 'down' });
        break;
      case 'lost':
        waiting.settle({ kind: 'unknown' });
        // Whoever loses an answer may be gone altogether.
        void link.enquire();
    }
    if (this.#outstanding === 0) for (const resolve of this.#idlers.splice(0)) resolve();
    this.#send();
  }

  #answered(waiting: Waiting, pdu: Pdu): void {
    const { status } = pdu;
    if (status === statuses.throttled) {
      this.#slowDown();
      this.#queue.putBack(waiting, { kind: 'refused', status, isTemporary: true });
      return;
    }
    if (this.#throttle.times > 0) this.#options.onThrottle(false);
    this.#throttle = { times: 0, until: 0 };
    if (status !== statuses.ok) waiting.settle({ kind: 'refused', status, isTemporary: isTemporary(status) });
    // Answered by something that is no answer to a message.
    else if (!('messageId' in pdu)) waiting.settle({ kind: 'unknown' });
    else waiting.settle({ kind: 'accepted', messageId: pdu.messageId ?? '' });
  }

  /** A window full of messages that are refused together is one reason to slow down, not ten. */
  #slowDown(): void {
    const now = performance.now();
    if (now < this.#throttle.until) return;
    const { throttleMsMin, throttleMsMax, onThrottle } = this.#options;
    const ms = spread(doubled(this.#throttle.times, { min: throttleMsMin, max: throttleMsMax }));
    this.#throttle = { times: this.#throttle.times + 1, until: now + ms };
    onThrottle(true);
  }
}

const DOUBLINGS_MAX = 30;

export function doubled(times: number, { min, max }: { min: number; max: number }): number {
  return Math.min(max, min * 2 ** Math.min(times, DOUBLINGS_MAX));
}

/** Between three quarters and five quarters, so that many processes do not come back at one instant. */
export function spread(ms: number): number {
  return Math.round((ms * (75 + randomInt(51))) / 100);
}
