import type { Shelf } from './journal.ts';
import { ControlError } from './server.ts';

/** How webhooks misbehave, as asked for at the control address. Nothing said: they are sent once, in order, at once. */
export type Misbehaviour = {
  /** Each is sent this much later. */
  readonly delayMs?: number;
  /** Copies sent beside each. */
  readonly duplicate?: number;
  /** What comes within a moment is sent last first. */
  readonly reorder?: boolean;
  /** Share of them that is never sent: 1 is all, 0.5 every second one. */
  readonly lose?: number;
  /** Signed with a key that is not ours. */
  readonly wrongSignature?: boolean;
  /** Signed too long ago. */
  readonly stale?: boolean;
};

export type Message = { readonly id: string; readonly to: string; readonly body: string };

/** A message owed to an address, as the journal keeps it until it was accepted or given up. */
export type Owed = Message & { readonly key: string; readonly tries: number };

export type Attempt = { readonly id: string; readonly to: string; readonly status: number | 'no answer' };

export type WebhookSettings = {
  readonly shelf: Shelf<Owed>;
  /** The headers that prove a message: its provider's way of signing. `forged` asks for a signature that must not hold. */
  readonly sign: (message: Message, how: { at: Date; forged: boolean }) => Readonly<Record<string, string>>;
  /** Waits between tries; after the last one the message is given up. */
  readonly retriesMs?: readonly number[];
  /** How long ago a stale message was signed; 10 minutes where nothing is said. */
  readonly staleMs?: number;
};

const RETRIES_MS = [1_000, 5_000, 30_000, 120_000, 600_000];
const ANSWER_MS = 10_000;
const STALE_MS = 10 * 60_000;
const REORDER_MS = 250;
const ATTEMPTS_KEPT = 1_000;
const QUIET_POLL_MS = 10;

/** Reads the keys of `Misbehaviour` in a control request and leaves other keys to the caller. */
export function readMisbehaviour(value: Readonly<Record<string, unknown>>): Misbehaviour {
  const number = (name: string): Record<string, number> => {
    const found = value[name];
    if (found === undefined) return {};
    if (typeof found !== 'number' || found < 0) throw new ControlError(`${name} is a number`);
    return { [name]: found };
  };
  const flag = (name: string): Record<string, boolean> => {
    const found = value[name];
    if (found === undefined) return {};
    if (typeof found !== 'boolean') throw new ControlError(`${name} is true or false`);
    return { [name]: found };
  };
  return {
    ...number('delayMs'),
    ...number('duplicate'),
    ...number('lose'),
    ...flag('reorder'),
    ...flag('wrongSignature'),
    ...flag('stale'),
  };
}

export const misbehaviours: readonly string[] = [
  'delayMs',
  'duplicate',
  'lose',
  'reorder',
  'wrongSignature',
  'stale',
] satisfies (keyof Misbehaviour)[];

/** Sends webhooks in the background and repeats them until they are accepted (2xx). What the journal still owes is sent at start. */
export class WebhookSender {
  /** The last tries, oldest first. */
  readonly attempts: Attempt[] = [];
  readonly #settings: WebhookSettings;
  readonly #closing = new AbortController();
  readonly #timers = new Set<NodeJS.Timeout>();
  #how: Misbehaviour = {};
  /** Shares of messages to lose, added up: at 1 the next one is lost. */
  #lost = 0;
  #held: Owed[] = [];
  /** Messages whose first try is still to come or under way. */
  #fresh = 0;

  constructor(settings: WebhookSettings) {
    this.#settings = settings;
    for (const owed of settings.shelf.values()) this.#start(owed);
  }

  /** Returns at once: messages are sent in the background. */
  send(message: Message): void {
    this.#lost += this.#how.lose ?? 0;
    if (this.#lost >= 1) {
      this.#lost -= 1;
      return;
    }
    for (let copy = 0; copy <= (this.#how.duplicate ?? 0); copy += 1) {
      const owed = { ...message, key: `${message.id} ${message.to} ${copy}`, tries: 0 };
      this.#settings.shelf.put(owed.key, owed);
      this.#start(owed);
    }
  }

  get misbehaviour(): Misbehaviour {
    return this.#how;
  }

  /** Replaces how webhooks misbehave from now on. */
  misbehave(how: Misbehaviour): void {
    this.#how = how;
    this.#lost = 0;
  }

  /** When nothing waits for its first try. Retries are not waited for. */
  async quiet(): Promise<void> {
    while (this.#fresh > 0 && !this.#closing.signal.aborted)
      await new Promise((resolve) => setTimeout(resolve, QUIET_POLL_MS));
  }

  close(): void {
    this.#closing.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #start(owed: Owed): void {
    this.#fresh += 1;
    const delayMs = this.#how.delayMs ?? 0;
    if (this.#how.reorder) {
      if (this.#held.length === 0) this.#later(delayMs + REORDER_MS, () => this.#deliverHeld());
      this.#held.push(owed);
    } else if (delayMs > 0) {
      this.#later(delayMs, () => this.#deliverFirst(owed));
    } else {
      void this.#deliverFirst(owed);
    }
  }

  /** One after the other, so that the order in which they leave is the order in which they arrive. */
  async #deliverHeld(): Promise<void> {
    const batch = this.#held.reverse();
    this.#held = [];
    for (const owed of batch) await this.#deliverFirst(owed);
  }

  async #deliverFirst(owed: Owed): Promise<void> {
    await this.#deliver(owed);
    this.#fresh -= 1;
  }

  async #deliver(owed: Owed): Promise<void> {
    const accepted = await this.#post(owed);
    if (this.#closing.signal.aborted) return;
    const wait = (this.#settings.retriesMs ?? RETRIES_MS)[owed.tries];
    if (accepted || wait === undefined) {
      this.#settings.shelf.remove(owed.key);
      return;
    }
    const next = { ...owed, tries: owed.tries + 1 };
    this.#settings.shelf.put(owed.key, next);
    this.#later(wait, () => this.#deliver(next));
  }

  async #post(message: Message): Promise<boolean> {
    const at = new Date(Date.now() - (this.#how.stale ? (this.#settings.staleMs ?? STALE_MS) : 0));
    const signed = this.#settings.sign(message, { at, forged: this.#how.wrongSignature ?? false });
    let status: Attempt['status'] = 'no answer';
    try {
      const response = await fetch(message.to, {
        method: 'POST',
        headers: { 'content-type': 'application/json; charset=utf-8', ...signed },
        body: message.body,
        redirect: 'manual',
        signal: AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      await response.body?.cancel();
      status = response.status;
    } catch {
      // Nobody there, or no answer in time: it is sent again.
    }
    if (this.#closing.signal.aborted) return false;
    this.attempts.push({ id: message.id, to: message.to, status });
    if (this.attempts.length > ATTEMPTS_KEPT) this.attempts.shift();
    return typeof status === 'number' && status >= 200 && status < 300;
  }

  #later(ms: number, work: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void work();
    }, ms);
    this.#timers.add(timer);
  }
}
