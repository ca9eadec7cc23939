import * as audit from '../audit/index.ts';
import type { Clock } from '../base/clock.ts';
import { parseUuid, referenceOf, type Uuid } from '../base/ids.ts';
import type { Keyring } from '../base/keyring.ts';
import { formatAmount, type Unit } from '../base/money.ts';
import type { Msisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import { type Db, gather, type Tx, withTx } from '../db/index.ts';
import { isLanguage, type Language } from '../i18n/index.ts';
import {
  type AccountId,
  accountsOf,
  mainAccount,
  openAccounts,
  type PartyId,
  unitByNo,
  unitOf,
} from '../ledger/index.ts';
import * as store from './store.ts';
import {
  type Holder,
  isSealedUnder,
  numberIndex,
  type Subscriber,
  type SubscriberStatus,
  sealNumber,
  unsealNumber,
} from './subscriber.ts';

/** A number a batch has met, with its subscriber when it has one. */
export type NumberRef = { readonly msisdn: Msisdn; readonly index: Uuid };

/** One balance as a channel shows it: decimal text in the unit, and when it ends. */
export type Bucket = { readonly unit: Unit; readonly amount: string; readonly expiresAt: string | null };

/** One line of a subscriber's history. `amount` is signed decimal text. */
export type Movement = {
  readonly id: string;
  readonly reference: string;
  readonly kind: string;
  readonly unit: Unit;
  readonly amount: string;
  readonly at: string;
};

/** Who is behind an id, for whoever has to call or write to them. */
export type Revealed = {
  readonly msisdn: Msisdn;
  readonly status: SubscriberStatus;
  readonly language: Language | undefined;
};

export type Subscribers = ReturnType<typeof createSubscribers>;

const ID_BLOCK = 1_000;

/** Subscribers: who a number is, inside a batch and for the channels. */
export function createSubscribers(deps: { db: Db; keyring: Keyring; clock: Clock }) {
  const { db, keyring, clock } = deps;
  const ids = new IdBlock();
  const readOne = gather(async (indexes: readonly Uuid[]) => {
    const rows = await store.readSubscribers(db, indexes);
    return new Map(rows.map((row) => [row.number_index, subscriberOf(row)]));
  });
  const readOwner = gather((wanted: readonly PartyId[]) => readOwners(db, wanted));
  const idOf = async (msisdn: Msisdn): Promise<PartyId> => {
    const subscriber = await readOne(numberIndex(keyring, msisdn));
    if (!subscriber) throw new Refusal('subscriber.not_found');
    return subscriber.id;
  };
  return {
    refer: (msisdn: Msisdn): NumberRef => ({ msisdn, index: numberIndex(keyring, msisdn) }),
    find: findAll,
    /**
     * Opens subscribers, each with an account of main money, for numbers not met before, in the transaction of their first credit. Ids come from a block taken
     * beforehand, so nothing is awaited inside the batch unless the block runs out.
     */
    async register(
      tx: Tx,
      numbers: readonly (NumberRef & { operator: string | undefined })[],
    ): Promise<Map<Uuid, Holder>> {
      const opened = new Map<Uuid, Holder>();
      const rows: store.NewSubscriber[] = [];
      const sorted = [...numbers].sort((a, b) => (a.index < b.index ? -1 : 1));
      for (const { msisdn, index, operator } of sorted) {
        if (opened.has(index)) continue;
        const id = await ids.next(tx);
        rows.push({ id, index, ...sealNumber(keyring, msisdn, index), operator: operator ?? null });
        opened.set(index, { id, status: 'active' });
      }
      if (rows.length > 0) {
        store.insertSubscribers(tx, rows);
        openAccounts(
          tx,
          rows.map((row) => ({ id: mainAccount(row.id, 'KZT'), kind: 'subscriber', floor: 0n })),
        );
      }
      return opened;
    },
    /** The number behind an id, for whoever has to call the operator with it or read it back; undefined once erased. */
    reveal: async (id: PartyId): Promise<Revealed | undefined> => revealed(keyring, await readOwner(id)),
    /** The same inside a transaction, which must not wait for a second connection while others wait for the one it has. */
    revealIn: async (tx: Tx, id: PartyId): Promise<Revealed | undefined> =>
      revealed(keyring, (await store.findSealed(tx, id))[0]),
    read: (msisdn: Msisdn): Promise<Subscriber | undefined> => readOne(numberIndex(keyring, msisdn)),
    async balances(msisdn: Msisdn): Promise<Bucket[]> {
      const id = await idOf(msisdn);
      const rows = await store.readBalances(db, accountsOf(id), clock.now());
      return rows.filter((row, index) => index === 0 || row.balance !== 0n).map(bucketOf);
    },
    /** Newest first; `before` continues a page. */
    async movements(msisdn: Msisdn, page: { before?: Date; limit: number }): Promise<Movement[]> {
      const id = await idOf(msisdn);
      const far = new Date(clock.now().getTime() + 60_000);
      const rows = await store.readMovements(db, accountsOf(id), { before: page.before ?? far, limit: page.limit });
      return rows.map(movementOf);
    },
    /** Closed, a number takes no new credit; what it has stays. Answers whether it was otherwise before. */
    async setStatus(msisdn: Msisdn, status: SubscriberStatus, by: { actor: string; reason: string }): Promise<boolean> {
      const actor = audit.parseActor(by.actor);
      const reason = audit.parseReason(by.reason);
      const id = await idOf(msisdn);
      return withTx(db, async (tx) => {
        const changed = await store.setStatus(tx, id, status);
        const entry = { actor, action: `subscriber.${status}`, subject: `subscriber:${id}`, details: { reason } };
        if (changed) audit.record(tx, entry);
        return changed;
      });
    },
    /** The language of screens and messages for this number. A number never credited has nowhere to keep it: false. */
    async setLanguage(msisdn: Msisdn, language: Language): Promise<boolean> {
      const subscriber = await this.read(msisdn);
      if (subscriber) await withTx(db, async (tx) => store.setLanguage(tx, subscriber.id, language));
      return subscriber !== undefined;
    },
  };
}

/** Whether the numbers in the database are of these keys; undefined while it has none. */
export async function areNumbersOf(db: Db, keyring: Keyring): Promise<boolean | undefined> {
  const row = await store.readAnySealed(db);
  return row && isSealedUnder(keyring, { number: row.number_sealed, dataKey: row.data_key_sealed }, row.number_index);
}

async function readOwners(db: Db, ids: readonly PartyId[]): Promise<Map<PartyId, store.OwnerRow>> {
  const rows = await store.readSealed(db, ids);
  return new Map(rows.map((row) => [row.id, row]));
}

function revealed(keyring: Keyring, row: store.OwnerRow | undefined): Revealed | undefined {
  if (!row) return undefined;
  const sealed = { number: row.number_sealed, dataKey: row.data_key_sealed };
  const msisdn = unsealNumber(keyring, sealed, row.number_index);
  return { msisdn, status: statusOf(row.status), language: languageOf(row.language) };
}

async function findAll(tx: Tx, indexes: readonly Uuid[]): Promise<Map<Uuid, Holder>> {
  const rows = await store.findHolders(tx, indexes);
  return new Map(rows.map((row) => [row.number_index, { id: row.id, status: statusOf(row.status) }]));
}

function statusOf(status: string): SubscriberStatus {
  return status === 'closed' ? 'closed' : 'active';
}

function subscriberOf(row: store.SubscriberRow): Subscriber {
  const language = languageOf(row.language);
  return { id: row.id, status: statusOf(row.status), operator: row.operator ?? undefined, language };
}

function languageOf(text: string | null): Language | undefined {
  return text !== null && isLanguage(text) ? text : undefined;
}

function bucketOf(row: store.BalanceRow): Bucket {
  const unit = unitOf(row.id as AccountId);
  return { unit, amount: formatAmount(row.balance, unit), expiresAt: row.expires_at?.toISOString() ?? null };
}

function movementOf(row: store.MovementRow): Movement {
  const unit = unitByNo(row.unit);
  const id = parseUuid(row.event) ?? row.event;
  const amount = formatAmount(row.credited ? row.amount : -row.amount, unit);
  return {
    id: `${row.event}/${row.leg}`,
    reference: referenceOf(id),
    kind: row.code,
    unit,
    amount,
    at: row.recorded_at.toISOString(),
  };
}

/**
 * Party ids taken from the sequence a block at a time, so that opening a subscriber costs no round trip of its own. Whoever finds none left fills up over the
 * connection it has: waiting for another one while holding its own, each would wait for all the others.
 */
class IdBlock {
  readonly #block: PartyId[] = [];

  async next(tx: Tx): Promise<PartyId> {
    for (;;) {
      const id = this.#block.pop();
      if (id !== undefined) return id;
      const ids = await store.takeIds(tx, ID_BLOCK);
      this.#block.push(...ids.reverse());
    }
  }
}
