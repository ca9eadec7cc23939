import { availableParallelism } from 'node:os';
import { eventId } from '../src/base/ids.ts';
import { closeDb, openDb, withTx } from '../src/db/index.ts';
import { post, systemAccount, unitNumber } from '../src/ledger/index.ts';
import { ask } from './children.ts';
import type { LoadJob } from './load.ts';
import { nthPlace, pinOf } from './pins.ts';
import { asOwner, dropCardIndexes, insertBatch, settle } from './store.ts';
import type { World } from './world.ts';

const AMOUNT_MINOR = 1_000_00n;

/** Live cards of one database, handed out one after the other; none is presented twice. */
export class Cards {
  readonly count: number;
  #next = 0;

  constructor(count: number) {
    this.count = count;
  }

  /** Codes of so many cards not yet handed out. */
  take(wanted: number): string[] {
    const count = Math.min(wanted, this.count - this.#next);
    const pins = Array.from({ length: count }, (_, index) => pinOf(nthPlace(this.#next + index, this.count)));
    this.#next += count;
    return pins;
  }

  /** Those at the end of the last hand-out that nobody presented. */
  putBack(count: number): void {
    this.#next -= count;
  }
}

/** Loads and activates a batch by COPY, on every core, indexes made afterwards; what a generated, printed and sold batch leaves in the database. */
export async function loadCards(world: World, url: string, count: number): Promise<Cards> {
  const unit = unitNumber('KZT');
  const keyId = world.keyring.pinKeys[0]?.id ?? 1;
  await asOwner(url, async (client) => {
    const batch = await insertBatch(client, { count, amountMinor: AMOUNT_MINOR, unit, operator: 'kcell', keyId });
    const restore = await dropCardIndexes(client);
    const parts = Math.min(availableParallelism(), 8);
    const cut = (part: number): number => Math.floor((count * part) / parts);
    const jobs = Array.from(
      { length: parts },
      (_, part): LoadJob => ({ url, keyFile: world.keyFile, ...batch, from: cut(part), to: cut(part + 1) }),
    );
    await Promise.all(jobs.map((job) => ask('./load.ts', job)));
    await restore();
    await countAsOutstanding(url, batch.batch, count);
    await settle(client);
  });
  return new Cards(count);
}

/** Cards that are sold are owed for: the books hold only with the issue that activation posts. */
async function countAsOutstanding(url: string, batch: string, count: number): Promise<void> {
  const db = openDb(url, 1);
  const leg = {
    debit: systemAccount('voucher_receivable', 'KZT', 0),
    credit: systemAccount('voucher_outstanding', 'KZT', 0),
    amount: AMOUNT_MINOR * BigInt(count),
  };
  const event = { id: eventId('bench_issue', batch), code: 'voucher_issue', kind: 'posted', legs: [leg] } as const;
  await withTx(db, (tx) => post(tx, [event], { careful: true, at: new Date() })).finally(() => closeDb(db));
}
