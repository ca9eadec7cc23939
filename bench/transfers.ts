import { build } from 'hdr-histogram-js';
import { systemClock } from '../src/base/clock.ts';
import { eventId } from '../src/base/ids.ts';
import { Refusal } from '../src/base/refusal.ts';
import { closeDb, createLanes, openDb, withTx } from '../src/db/index.ts';
import { type LedgerEvent, mainAccount, openAccounts, type Posting, post, systemAccount } from '../src/ledger/index.ts';
import { answerJob } from './children.ts';
import { seeded } from './driver.ts';

/** Transfers between random pairs of accounts, in this process, through lanes and the ledger's own verb. */
export type TransferJob = {
  readonly url: string;
  readonly seconds: number;
  readonly lanes: number;
  readonly accounts: number;
  /** Transfers a list; each list is one call and one answer. */
  readonly list: number;
  /** Lists under way at once. */
  readonly lists: number;
  readonly salt: string;
};

export type TransferResult = {
  readonly rate: number;
  readonly posted: number;
  readonly p50: number;
  readonly p99: number;
};

/** Far above any party that the sequence has given. */
const FIRST_PARTY = 1_000_000_000n;
const FUND_MINOR = 1_000_000_00n;

answerJob<TransferJob, TransferResult>(async (job) => {
  await fund(job);
  const lanes = createLanes<LedgerEvent, Posting>({
    url: job.url,
    name: 'bench',
    count: job.lanes,
    batchMax: job.list,
    work: async (tx, events, turn) => {
      const answers = await post(tx, events, { careful: turn.careful, at: systemClock.now() });
      return () => answers;
    },
  });
  const latency = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 60_000_000,
    numberOfSignificantValueDigits: 3,
  });
  const next = eventsOf(job);
  const startedAt = performance.now();
  const endAt = startedAt + job.seconds * 1000;
  let posted = 0;
  let postedInTime = 0;
  const caller = async (route: number): Promise<void> => {
    while (performance.now() < endAt) {
      const askedAt = performance.now();
      const answers = await lanes.submitMany(Array.from({ length: job.list }, () => ({ route, item: next() })));
      const refused = answers.find((answer) => answer instanceof Refusal);
      if (refused) throw refused;
      posted += answers.length;
      if (performance.now() <= endAt) postedInTime += answers.length;
      latency.recordValue(Math.max(1, Math.round((performance.now() - askedAt) * 1000)));
    }
  };
  await Promise.all(Array.from({ length: job.lists }, (_, index) => caller(index)));
  await lanes.close();
  return {
    rate: postedInTime / job.seconds,
    posted,
    p50: latency.getValueAtPercentile(50) / 1000,
    p99: latency.getValueAtPercentile(99) / 1000,
  };
});

function eventsOf(job: TransferJob): () => LedgerEvent {
  const chance = seeded(job.salt.length);
  let nth = 0;
  return () => {
    nth += 1;
    const from = Math.floor(chance() * job.accounts);
    const to = (from + 1 + Math.floor(chance() * (job.accounts - 1))) % job.accounts;
    const leg = { debit: accountOf(from), credit: accountOf(to), amount: 1n };
    return { id: eventId('bench_transfer', job.salt, String(nth)), code: 'transfer', kind: 'posted', legs: [leg] };
  };
}

const accountOf = (index: number) => mainAccount(FIRST_PARTY + BigInt(index), 'KZT');

/** Opens the accounts and pays into each, once a database; paid in as `float_fund`, so that transfers counted are those measured. */
async function fund(job: TransferJob): Promise<void> {
  const db = openDb(job.url, 1);
  const accounts = Array.from({ length: job.accounts }, (_, index) => accountOf(index));
  const cash = systemAccount('cash', 'KZT', 0);
  const event = {
    id: eventId('bench_fund'),
    code: 'float_fund',
    kind: 'posted',
    legs: accounts.map((credit) => ({ debit: cash, credit, amount: FUND_MINOR })),
  } as const;
  await withTx(db, async (tx) => {
    openAccounts(
      tx,
      accounts.map((id) => ({ id, kind: 'subscriber', floor: 0n })),
    );
    await post(tx, [event], { careful: true, at: systemClock.now() });
  }).finally(() => closeDb(db));
}
