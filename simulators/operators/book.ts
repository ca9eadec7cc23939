import type { Journal, Shelf } from '../wire/journal.ts';
import { type Ending, fateOf, isCredit } from './endings.ts';

export type Wire = 'osmp' | 'dtone' | 'reloadly';

/** What somebody has asked for, in the terms of all wires. */
export type Ask = {
  readonly wire: Wire;
  /** Theirs, unique on its wire. */
  readonly reference: string;
  /** Eleven digits, `77011234567`. */
  readonly number: string;
  /** Tenge with two decimals: `1000.00`. */
  readonly amount: string;
  /** The wire's own number for the operator or product; 0 where it has none. */
  readonly product: number;
  readonly callbackUrl: string | undefined;
};

export type Transaction = Ask & {
  readonly id: number;
  readonly ending: Ending;
  /** `created` waits to be confirmed; `pending` is under way; `ended` is final. */
  readonly state: 'created' | 'pending' | 'ended' | 'cancelled';
  readonly createdAt: number;
  readonly confirmedAt: number | undefined;
  /** When it ends; undefined for never. */
  readonly dueAt: number | undefined;
  /** How often the number was credited for it. Kept in one line with the state, so that no crash falls between the two. */
  readonly credited: number;
};

/** What a number was given for one reference. `times` is 1, or the simulator is broken. */
export type Credit = {
  readonly wire: Wire;
  readonly reference: string;
  readonly number: string;
  readonly amount: string;
  readonly times: number;
};

export type BookSettings = {
  readonly journal: Journal;
  readonly pace: number;
  /** Told when a transaction has ended. */
  readonly onEnd: (transaction: Transaction) => void;
};

const FIRST_ID = 2_237_031;
/** The longest a timer can wait. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The numbers that were credited, one book for all wires. Everything is done in one turn, so a hundred at once are one after the other. */
export class Book {
  readonly #settings: BookSettings;
  readonly #transactions: Shelf<Transaction>;
  readonly #counter: Shelf<number>;
  readonly #keyOfId = new Map<number, string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** So many ends are still told as "under way", although the number was credited. */
  hesitations = 0;
  /** Whether the float still pays for anything. */
  hasFunds = true;

  constructor(settings: BookSettings) {
    this.#settings = settings;
    this.#transactions = settings.journal.shelf('transaction');
    this.#counter = settings.journal.shelf('counter');
    for (const transaction of this.#transactions.values()) {
      this.#keyOfId.set(transaction.id, keyOf(transaction));
      this.#schedule(transaction);
    }
  }

  /** A reference that is taken must be looked for first. Unconfirmed, nothing happens until it is confirmed. */
  place(ask: Ask, { confirmed, ending }: { confirmed: boolean; ending?: Ending }): Transaction {
    if (this.find(ask.wire, ask.reference)) throw new Error(`${keyOf(ask)} is taken`);
    const id = this.#counter.get('id') ?? FIRST_ID;
    this.#counter.put('id', id + 1);
    this.#keyOfId.set(id, keyOf(ask));
    const created: Transaction = {
      ...ask,
      id,
      ending: ending ?? fateOf(ask.number, this.#settings.pace).ending,
      state: 'created',
      createdAt: Date.now(),
      confirmedAt: undefined,
      dueAt: undefined,
      credited: 0,
    };
    if (confirmed) return this.#start(created);
    this.#transactions.put(keyOf(created), created);
    return created;
  }

  confirm(transaction: Transaction): Transaction {
    return this.#start(transaction);
  }

  cancel(transaction: Transaction): Transaction {
    return this.#put({ ...transaction, state: 'cancelled' });
  }

  find(wire: Wire, reference: string): Transaction | undefined {
    const found = this.#transactions.get(keyOf({ wire, reference }));
    return found && this.#endIfDue(found);
  }

  findById(wire: Wire, id: number): Transaction | undefined {
    const key = this.#keyOfId.get(id);
    const found = key === undefined ? undefined : this.#transactions.get(key);
    return found?.wire === wire ? this.#endIfDue(found) : undefined;
  }

  all(wire?: Wire): Transaction[] {
    const found = this.#transactions.values().filter((one) => wire === undefined || one.wire === wire);
    return found.map((one) => this.#endIfDue(one));
  }

  credits(): Credit[] {
    return this.all()
      .filter((one) => one.credited > 0)
      .map(({ wire, reference, number, amount, credited }) => ({ wire, reference, number, amount, times: credited }));
  }

  /** Whether an end is to be kept back this time. */
  hesitates(): boolean {
    if (this.hesitations <= 0) return false;
    this.hesitations -= 1;
    return true;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #start(transaction: Transaction): Transaction {
    const now = Date.now();
    const { afterMs } = fateOf(transaction.number, this.#settings.pace);
    const dueAt = afterMs === undefined ? undefined : now + afterMs;
    const pending = this.#put({ ...transaction, state: 'pending', confirmedAt: now, dueAt });
    const started = this.#endIfDue(pending);
    this.#schedule(started);
    return started;
  }

  #schedule({ wire, reference, state, dueAt }: Transaction): void {
    if (state !== 'pending' || dueAt === undefined) return;
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        const found = this.find(wire, reference);
        // A timer can go off a millisecond before the clock shows its time.
        if (found) this.#schedule(found);
      },
      Math.min(Math.max(dueAt - Date.now(), 0), TIMER_MS_MAX),
    );
    this.#timers.add(timer);
  }

  #endIfDue(transaction: Transaction): Transaction {
    const { state, dueAt, ending, credited } = transaction;
    if (state !== 'pending' || dueAt === undefined || dueAt > Date.now()) return transaction;
    const ended = this.#put({ ...transaction, state: 'ended', credited: credited + (isCredit(ending) ? 1 : 0) });
    this.#settings.onEnd(ended);
    return ended;
  }

  #put(transaction: Transaction): Transaction {
    this.#transactions.put(keyOf(transaction), transaction);
    return transaction;
  }
}

function keyOf({ wire, reference }: { wire: Wire; reference: string }): string {
  return `${wire} ${reference}`;
}
