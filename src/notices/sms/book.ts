import type { Clock } from '../../base/clock.ts';
import type { Uuid } from '../../base/ids.ts';
import { createLanes, type Lanes, type Tx } from '../../db/index.ts';
import * as partStore from './part_store.ts';
import { afterHanding, afterReceipt, type Handed, type SmsPatience } from './settle.ts';
import type { Sms, SmsPart, SmsReceipt } from './sms.ts';
import * as store from './store.ts';

/** One thing to be written down: what came of handing a message over, or a receipt. */
export type Entry =
  | { readonly kind: 'handed'; readonly handed: Handed }
  | { readonly kind: 'receipt'; readonly receipt: SmsReceipt; readonly numberIndex: Uuid };

export type BookDeps = {
  readonly url: string;
  readonly clock: Clock;
  readonly patience: SmsPatience;
  readonly onError: (error: unknown) => void;
  /** After the commit, of each message that has come to an end or a stop. */
  readonly onState: (operator: string, state: Sms['state']) => void;
};

export type Book = Lanes<Entry, true>;

/** Of user_message_reference: all that the protocol brings back of our own number. */
const REFERENCE_MASK = 0xffffn;

export function referenceOf(id: bigint): number {
  return Number(id & REFERENCE_MASK);
}

/**
 * Writes down what SMS centres say, many at once. What a message was taken as is known before its receipt is looked at, though both may arrive in the
 * same instant; a receipt that is written down first waits for its message.
 */
export function openBook(deps: BookDeps): Book {
  return createLanes<Entry, true>({
    url: deps.url,
    name: 'sms',
    count: 1,
    onError: deps.onError,
    async work(tx, entries) {
      const page = await openPage(tx, entries);
      const now = { at: deps.clock.now(), patience: deps.patience };
      // An answer and the receipt behind it may be read in one go, and the answer has the longer way here.
      for (const entry of entries) if (entry.kind === 'handed') page.hand(entry.handed, now);
      for (const entry of entries) if (entry.kind === 'receipt') page.receive(entry, now);
      const ended = page.write(tx, now.at);
      return () => {
        for (const { operator, state } of ended) deps.onState(operator, state);
        return entries.map(() => true as const);
      };
    },
  });
}

type Now = { readonly at: Date; readonly patience: SmsPatience };
type Received = Extract<Entry, { kind: 'receipt' }>;

async function openPage(tx: Tx, entries: readonly Entry[]): Promise<Page> {
  const receipts = entries.filter((entry) => entry.kind === 'receipt');
  const handed = entries.flatMap((entry) => (entry.kind === 'handed' ? [entry.handed] : []));
  const [named, unknown, strays] = await Promise.all([
    receipts.length === 0 ? [] : partStore.findByName(tx, receipts.flatMap(namesOf)),
    receipts.length === 0
      ? []
      : store.unknownOf(
          tx,
          receipts.map((one) => one.numberIndex),
        ),
    partStore.takeStrays(
      tx,
      handed.flatMap(({ gateway, taken }) => taken.map(({ messageId }) => ({ gateway, messageId }))),
    ),
  ]);
  const ids = [...new Set([...handed.map(({ id }) => id), ...named, ...unknown.map(({ id }) => id)])];
  if (ids.length === 0) return new Page([], [], strays);
  const [messages, parts] = await Promise.all([store.lockMany(tx, ids), partStore.readParts(tx, ids)]);
  return new Page(messages, parts, strays);
}

function namesOf({ receipt: { gateway, messageIds } }: Received): partStore.Name[] {
  return messageIds.map((messageId) => ({ gateway, messageId }));
}

/** The messages that one transaction is about, as they are and as they will be. */
class Page {
  readonly #messages: Map<bigint, Sms>;
  readonly #before: ReadonlyMap<bigint, Sms>;
  readonly #parts: Map<bigint, SmsPart[]>;
  readonly #known: ReadonlySet<string>;
  readonly #changed = new Set<string>();
  readonly #strays: readonly partStore.Stray[];
  readonly #kept: partStore.Stray[] = [];

  constructor(messages: readonly Sms[], parts: readonly SmsPart[], strays: readonly partStore.Stray[]) {
    this.#messages = new Map(messages.map((sms) => [sms.id, sms]));
    this.#before = new Map(this.#messages);
    this.#parts = Map.groupBy(parts, (part) => part.sms);
    this.#known = new Set(parts.map(keyOf));
    this.#strays = strays;
  }

  hand(handed: Handed, now: Now): void {
    const before = this.#messages.get(handed.id);
    // Swept while it was in somebody's hands for a month: there is nothing left to write down.
    if (!before) return;
    const { sms, parts } = afterHanding(before, handed, now);
    this.#messages.set(sms.id, sms);
    this.#parts.set(sms.id, [...(this.#parts.get(sms.id) ?? []), ...parts]);
    for (const part of parts) {
      const early = this.#strays.find(
        (one) =>
          one.gateway === part.gateway && one.messageId === part.messageId && one.numberIndex === sms.numberIndex,
      );
      if (early) this.#settle(part, early.outcome, now);
    }
  }

  receive({ receipt, numberIndex }: Received, now: Now): void {
    const part = this.#find(receipt, numberIndex) ?? this.#guess(receipt, numberIndex);
    if (part) this.#settle(part, receipt.outcome, now);
    else
      for (const messageId of receipt.messageIds)
        this.#kept.push({ gateway: receipt.gateway, messageId, numberIndex, outcome: receipt.outcome });
  }

  write(tx: Tx, at: Date): Sms[] {
    const changed = [...this.#messages.values()].filter((sms) => sms !== this.#before.get(sms.id));
    const parts = [...this.#parts.values()].flat();
    store.saveMany(tx, changed, at);
    partStore.insertParts(
      tx,
      parts.filter((part) => !this.#known.has(keyOf(part))),
      at,
    );
    partStore.setParts(
      tx,
      parts.filter((part) => this.#known.has(keyOf(part)) && this.#changed.has(keyOf(part))),
    );
    partStore.keepStrays(tx, this.#kept, at);
    return changed.filter((sms) => sms.state !== this.#before.get(sms.id)?.state);
  }

  /** The latest part of that name that went to that number: names are given again after a restart of the centre. */
  #find({ gateway, messageIds }: SmsReceipt, numberIndex: Uuid): SmsPart | undefined {
    for (const messageId of messageIds) {
      const found = [...this.#parts.values()]
        .flat()
        .filter(
          (part) =>
            part.gateway === gateway &&
            part.messageId === messageId &&
            this.#messages.get(part.sms)?.numberIndex === numberIndex,
        );
      const last = found.sort((a, b) => (a.sms === b.sms ? a.copy - b.copy : a.sms < b.sms ? -1 : 1)).at(-1);
      if (last) return last;
    }
    return undefined;
  }

  /** The answer was lost, and the receipt brings our own reference: it was taken after all. */
  #guess({ gateway, messageIds, reference }: SmsReceipt, numberIndex: Uuid): SmsPart | undefined {
    const [messageId] = messageIds;
    if (reference === undefined || messageId === undefined) return undefined;
    const sms = [...this.#messages.values()].find(
      (one) =>
        one.numberIndex === numberIndex &&
        (one.state === 'unknown' || one.state === 'sending') &&
        one.parts === 1 &&
        referenceOf(one.id) === reference,
    );
    if (!sms) return undefined;
    const copy = sms.copies + 1;
    const part: SmsPart = { sms: sms.id, copy, part: 1, gateway, messageId, state: 'accepted' };
    this.#messages.set(sms.id, { ...sms, copies: copy });
    this.#parts.set(sms.id, [...(this.#parts.get(sms.id) ?? []), part]);
    return part;
  }

  #settle(part: SmsPart, outcome: SmsReceipt['outcome'], now: Now): void {
    const sms = this.#messages.get(part.sms);
    const parts = this.#parts.get(part.sms);
    if (!sms || !parts) return;
    const after = afterReceipt({ sms, parts }, { part, outcome }, now);
    this.#messages.set(sms.id, after.sms);
    this.#parts.set(sms.id, [...after.parts]);
    this.#changed.add(keyOf(part));
  }
}

function keyOf({ sms, copy, part }: SmsPart): string {
  return `${sms} ${copy} ${part}`;
}
