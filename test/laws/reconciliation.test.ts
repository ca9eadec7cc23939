import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { steppedClock } from '../../src/base/clock.ts';
import type { Uuid } from '../../src/base/ids.ts';
import type { Msisdn } from '../../src/base/msisdn.ts';
import {
  createReconciliation,
  type Difference,
  type Reconciliation,
  type Source,
} from '../../src/reconciliation/index.ts';
import { bookOf, newOrderId, subscriberOf } from '../support/book.ts';
import { newNumber, openTestPlatform, type TestPlatform } from '../support/platform.ts';
import {
  dtoneReport,
  type Hand,
  osmpReport,
  paypalReport,
  reloadlyReport,
  type Said,
  stripeReport,
} from '../support/reports.ts';

// The law: for any book and a report derived from it with planted differences, exactly the planted ones are found. The report is
// written by a hand of its own, in any of the published layouts, whole or in two files that overlap.

const RUNS = Number(process.env.RECONCILIATION_RUNS ?? 20);
const root = mkdtempSync(join(tmpdir(), 'sapar-reconciliation-law-'));
let platform: TestPlatform;
let reconciliation: Reconciliation;
let book: ReturnType<typeof bookOf>;
let people: { number: Msisdn; subscriber: bigint }[] = [];

before(async () => {
  platform = await openTestPlatform();
  reconciliation = createReconciliation({ ...platform, clock: steppedClock(new Date('2026-12-02T00:00:00Z')) });
  book = bookOf(platform.owner);
  for (let count = 0; count < 3; count += 1) {
    const number = newNumber();
    people = [...people, { number, subscriber: await subscriberOf(platform, number) }];
  }
});
after(async () => {
  await platform.close();
  rmSync(root, { recursive: true, force: true });
});

const month = { from: { at: new Date('2026-11-01T00:00:00Z') }, to: { at: new Date('2026-12-01T00:00:00Z') } };
const MINUTE = 60_000;

type Story = {
  /** Minutes into the month. */
  minute: number;
  minor: bigint;
  currency: number;
  /** Which of the lives below it has had, and which lie is told about it. */
  life: number;
  lie: number;
  /** Whether its number of theirs is known to us, or only ours to them. */
  isKnown: boolean;
};

const story: fc.Arbitrary<Story> = fc.record({
  minute: fc.integer({ min: 60, max: 28 * 24 * 60 }),
  minor: fc.bigInt({ min: 1_00n, max: 50_000_00n }),
  currency: fc.nat({ max: 2 }),
  life: fc.nat({ max: 8 }),
  // Most are told truly.
  lie: fc.oneof({ weight: 2, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat({ max: 20 }) }),
  isKnown: fc.boolean(),
});

const hand: fc.Arbitrary<Hand> = fc.record({
  layout: fc.constantFrom('report', 'export'),
  lineEnd: fc.constantFrom('\n', '\r\n'),
  bom: fc.boolean(),
  decimal: fc.constantFrom('.', ','),
  dates: fc.constantFrom('iso', 'dotted', 'american', 'british'),
});

/** What one story adds: to the report, and to what must be found. */
type Told = { said: Said[]; planted: string[] };

let ids = 0;
const nextId = (): string => {
  ids += 1;
  return String(ids).padStart(8, '0');
};

const at = (minute: number): Date => new Date(month.from.at.getTime() + minute * MINUTE);

/** The first lie that fits, or the truth. */
function pick<T>(lies: readonly T[], lie: number): T | undefined {
  return lie < 0 || lies.length === 0 ? undefined : lies[lie % lies.length];
}

const other = (currency: string): string => (currency === 'EUR' ? 'GBP' : 'EUR');

/** Money taken: captured, on its way, or never; then given back, or taken back by a bank. */
async function payment(source: 'stripe' | 'paypal', told: Story): Promise<Told> {
  const orderId = newOrderId();
  const currency = (source === 'stripe' ? ['KZT', 'CNY', 'USD'] : ['USD', 'EUR', 'CNY'])[told.currency] ?? 'USD';
  const life =
    ['captured', 'captured', 'captured', 'refunded', 'refunded', 'disputed', 'open', 'expired', 'refused'][told.life] ??
    '';
  const isCaptured = ['captured', 'refunded', 'disputed'].includes(life);
  const lies = isCaptured
    ? ['drop', 'amount', 'currency', 'again', 'repeat', 'unpaid', 'stranger', 'strange word']
    : ['stranger'];
  const lie = life === 'captured' || !isCaptured ? pick(lies, told.lie) : undefined;
  const capture = source === 'stripe' ? `pi_${nextId()}` : `CAP${nextId()}`;
  const base: Said = {
    entry: source === 'stripe' ? `txn_${nextId()}` : capture,
    kind: 'payment',
    state: 'done',
    id: capture,
    capture,
    reference: `${orderId}/1`,
    currency,
    minor: told.minor,
    account: '',
    at: at(told.minute + 1),
  };
  const isUnpaid = lie === 'unpaid';
  await book.payment({
    orderId,
    provider: source,
    state: isUnpaid ? 'expired' : isCaptured ? 'captured' : life,
    captureId: isUnpaid || !isCaptured ? null : capture,
    currency,
    amountMinor: told.minor,
    openedAt: at(told.minute),
    capturedAt: at(told.minute + 2),
  });
  const parts: Told = { said: isCaptured ? [base] : [], planted: [] };
  const thing = `${orderId}/1`;
  if (lie === 'drop') return { said: [], planted: [`payment not_in_report ${thing}`] };
  if (lie === 'amount') return { said: [{ ...base, minor: told.minor + 1n }], planted: [`payment amount ${thing}`] };
  if (lie === 'currency')
    return { said: [{ ...base, currency: other(currency) }], planted: [`payment currency ${thing}`] };
  if (lie === 'repeat') return { said: [base, base], planted: [`payment twice ${base.entry}`] };
  if (lie === 'unpaid') parts.planted.push(`payment state ${thing}`);
  if (lie === 'again') {
    // Stripe's second charge for one payment; at PayPal the second capture has a name of its own, and ours.
    const again = { ...base, entry: `AGAIN${nextId()}`, at: at(told.minute + 9) };
    return { said: [base, again], planted: [`payment twice ${again.entry}`] };
  }
  if (lie === 'stranger') {
    const name = `X${nextId()}`;
    const stranger = { ...base, entry: name, id: name, capture: name, reference: '' };
    return { said: [...parts.said, stranger], planted: [...parts.planted, `payment not_with_us ${name}`] };
  }
  if (lie === 'strange word') {
    const entry = `W${nextId()}`;
    parts.said.push({ ...base, kind: 'other', entry, id: '', capture: '', reference: '' });
    parts.planted.push(`other unexplained ${entry}`);
  }
  if (life === 'refunded')
    return join2(parts, await refund(source, told, { base: { ...base, kind: 'refund' }, orderId }));
  if (life === 'disputed')
    return join2(parts, await dispute(source, told, { base: { ...base, kind: 'dispute' }, orderId }));
  return parts;
}

const join2 = (a: Told, b: Told): Told => ({ said: [...a.said, ...b.said], planted: [...a.planted, ...b.planted] });

/** The payment that it is about, as a line of the kind to come. */
type Paid = { base: Said; orderId: Uuid };

async function refund(source: Source, told: Story, { base, orderId }: Paid): Promise<Told> {
  const lie = pick(['drop', 'amount', 'owed', 'unknown to us', 'failed there', 'again'], told.lie);
  const id = source === 'stripe' ? `re_${nextId()}` : `REF${nextId()}`;
  const entry = source === 'stripe' ? `txn_${nextId()}` : id;
  const line: Said = { ...base, id, entry, at: at(told.minute + 60) };
  const isOwed = lie === 'owed';
  // One that was never confirmed, and is not in the report: nobody says that it happened.
  const isWaiting = lie === undefined && !told.isKnown;
  if (lie !== 'unknown to us')
    await book.refund({
      orderId,
      state: isOwed || isWaiting ? 'owed' : 'done',
      externalId: isOwed || isWaiting ? null : id,
      currency: base.currency,
      amountMinor: base.minor,
      createdAt: at(told.minute + 59),
      endedAt: at(told.minute + 61),
    });
  const thing = `${orderId}/1`;
  switch (lie) {
    case 'drop':
      return { said: [], planted: [`refund not_in_report ${thing}`] };
    case 'amount':
      return { said: [{ ...line, minor: line.minor + 100n }], planted: [`refund amount ${thing}`] };
    case 'owed':
      return { said: [line], planted: [`refund state ${thing}`] };
    case 'unknown to us':
      return { said: [line], planted: [`refund not_with_us ${entry}`] };
    case 'again':
      return source === 'stripe'
        ? {
            said: [line, { ...line, entry: `txn_${nextId()}`, at: at(told.minute + 70) }],
            planted: [`refund twice txn_${String(ids).padStart(8, '0')}`],
          }
        : { said: [line, line], planted: [`refund twice ${entry}`] };
    case 'failed there': {
      const failed: Said =
        source === 'stripe'
          ? { ...line, kind: 'refund_failed', entry: `txn_${nextId()}`, at: at(told.minute + 90) }
          : { ...line, state: 'failed' };
      return { said: source === 'stripe' ? [line, failed] : [failed], planted: [`refund state ${thing}`] };
    }
    default:
      return { said: isWaiting ? [] : [line], planted: [] };
  }
}

async function dispute(source: Source, told: Story, { base, orderId }: Paid): Promise<Told> {
  const lie = pick(['unknown to us', 'won with us', 'lost there'], told.lie);
  const id = source === 'stripe' ? `dp_${nextId()}` : `PP-D-${nextId()}`;
  const line: Said = { ...base, id, entry: `D${nextId()}`, at: at(told.minute + 100) };
  const isWon = told.isKnown;
  const won: Said = { ...line, kind: 'dispute_won', entry: `D${nextId()}`, at: at(told.minute + 200) };
  const state = lie === 'won with us' ? 'won' : lie === 'lost there' ? 'lost' : isWon ? 'won' : 'open';
  if (lie !== 'unknown to us')
    await book.dispute({
      provider: source,
      externalId: id,
      orderId,
      state,
      currency: base.currency,
      amountMinor: base.minor,
      openedAt: at(told.minute + 101),
    });
  switch (lie) {
    case 'unknown to us':
      return { said: [line], planted: [`dispute not_with_us ${line.entry}`] };
    case 'won with us':
      return { said: [line], planted: [`dispute state ${orderId}/1`] };
    case 'lost there':
      return { said: [], planted: [`dispute not_in_report ${orderId}/1`] };
    default:
      return { said: isWon ? [line, won] : [line], planted: [] };
  }
}

/** Credit given elsewhere. */
async function delivery(source: Source, told: Story): Promise<Told> {
  const orderId = newOrderId();
  const [mine, stranger] = [people[told.currency], people[(told.currency + 1) % people.length]];
  const reference = `7${nextId()}`;
  const entry = `9${nextId()}`;
  const life =
    ['delivered', 'delivered', 'delivered', 'delivered', 'retried', 'refused', 'refused', 'unknown', 'sending'][
      told.life
    ] ?? '';
  const state = life === 'retried' ? 'delivered' : life;
  await book.delivery({
    orderId,
    route: source,
    reference,
    state,
    operatorReference: state === 'delivered' && told.isKnown ? entry : null,
    faceMinor: told.minor,
    subscriber: mine?.subscriber ?? 0n,
    beganAt: at(told.minute),
    endedAt: state === 'delivered' || state === 'refused' ? at(told.minute + 3) : null,
  });
  const base: Said = {
    entry,
    kind: 'credit',
    state: 'done',
    id: entry,
    capture: '',
    reference,
    currency: 'KZT',
    minor: told.minor,
    account: mine?.number ?? '',
    at: at(told.minute + 1),
  };
  const thing = `${orderId}/1`;
  const failed: Said = { ...base, state: 'failed', entry: `8${nextId()}`, at: at(told.minute) };
  if (state !== 'delivered') {
    const lie = pick(['done', 'stranger'], told.lie);
    if (lie === 'done') return { said: [base], planted: [`credit state ${thing}`] };
    const truth: Said[] = told.isKnown ? [{ ...base, state: state === 'refused' ? 'failed' : 'pending' }] : [];
    const foreign: Said = { ...base, entry: `6${nextId()}`, reference: `5${nextId()}` };
    if (lie === 'stranger') return { said: [...truth, foreign], planted: [`credit not_with_us ${foreign.entry}`] };
    return { said: truth, planted: [] };
  }
  const before = life === 'retried' ? [failed] : [];
  switch (pick(['drop', 'amount', 'number', 'again', 'repeat', 'failed', 'reversed'], told.lie)) {
    case 'drop':
      // One that failed first and then vanished is said to have failed.
      return before.length > 0
        ? { said: before, planted: [`credit state ${thing}`] }
        : { said: [], planted: [`credit not_in_report ${thing}`] };
    case 'amount':
      return { said: [...before, { ...base, minor: base.minor + 50n }], planted: [`credit amount ${thing}`] };
    case 'number':
      return { said: [...before, { ...base, account: stranger?.number ?? '' }], planted: [`credit number ${thing}`] };
    case 'again': {
      const again = { ...base, entry: `4${nextId()}`, at: at(told.minute + 20) };
      return { said: [...before, base, again], planted: [`credit twice ${again.entry}`] };
    }
    case 'repeat':
      return { said: [...before, base, base], planted: [`credit twice ${base.entry}`] };
    case 'failed':
      return { said: [{ ...base, state: 'failed' }], planted: [`credit state ${thing}`] };
    case 'reversed':
      return {
        said: [...before, { ...base, state: 'reversed', at: at(told.minute + 30) }],
        planted: [`credit state ${thing}`],
      };
    default:
      return { said: [...before, base], planted: [] };
  }
}

const writers = {
  stripe: stripeReport,
  paypal: paypalReport,
  osmp: osmpReport,
  dtone: dtoneReport,
  reloadly: reloadlyReport,
};

function nameOf({ what, kind, orderId, itemNo, entry }: Difference): string {
  const isByEntry = kind === 'not_with_us' || kind === 'twice' || kind === 'unexplained';
  return `${what} ${kind} ${isByEntry ? entry : `${orderId}/${itemNo}`}`;
}

async function bring(source: keyof typeof writers, said: readonly Said[], written: Hand): Promise<void> {
  const path = join(root, 'report.csv');
  writeFileSync(path, writers[source](said, written));
  const order = written.dates === 'british' ? 'dmy' : 'mdy';
  await reconciliation.import({ source, path, name: 'report.csv', actor: 'law', known: { period: month, order } });
}

async function found(source: Source): Promise<string[]> {
  const { differences } = await reconciliation.list({ source, isOpenOnly: true });
  return differences.map(nameOf).sort();
}

for (const source of ['stripe', 'paypal', 'osmp', 'dtone', 'reloadly'] as const) {
  test(`${source}: exactly the planted differences are found`, { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(story, { minLength: 1, maxLength: 25 }),
        hand,
        fc.nat({ max: 100 }),
        async (stories, written, cut) => {
          await book.wipe();
          let told: Told = { said: [], planted: [] };
          for (const one of stories)
            told = join2(
              told,
              await (source === 'stripe' || source === 'paypal' ? payment(source, one) : delivery(source, one)),
            );
          const { said, planted } = told;
          // A line of another time, so that no file is empty.
          if (said.length === 0) return;
          const sorted = [...said].sort((a, b) => a.at.getTime() - b.at.getTime());
          // What is repeated within one file must not be torn apart: across files it is the same line twice, which is nothing.
          const isWhole = cut > 50 || new Set(sorted.map(({ entry }) => entry)).size < sorted.length;
          const middle = Math.ceil((sorted.length * cut) / 100);
          if (isWhole) await bring(source, sorted, written);
          else {
            await bring(source, sorted.slice(0, middle + 1), written);
            await bring(source, sorted.slice(middle), written);
          }
          assert.deepEqual(await found(source), [...planted].sort());
          // Looking again finds the same, and the same file again changes nothing.
          if (isWhole) await bring(source, sorted, written);
          assert.deepEqual(await found(source), [...planted].sort());
        },
      ),
      { numRuns: RUNS },
    );
  });
}
