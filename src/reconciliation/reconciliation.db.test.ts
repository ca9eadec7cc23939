import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bookOf, newOrderId, subscriberOf } from '../../test/support/book.ts';
import { newNumber, openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { verify } from '../audit/index.ts';
import { steppedClock } from '../base/clock.ts';
import { referenceOf } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { Refusal } from '../base/refusal.ts';
import { createReconciliation, type Difference, type Imported, type Reconciliation, type Source } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'sapar-reconciliation-test-'));
const samples = fileURLToPath(new URL('../../test/reports/', import.meta.url));
/** A while after what the samples speak of. */
const clock = steppedClock(new Date('2026-11-20T00:00:00Z'));
let platform: TestPlatform;
let reconciliation: Reconciliation;
let book: ReturnType<typeof bookOf>;

before(async () => {
  platform = await openTestPlatform();
  reconciliation = createReconciliation({ ...platform, clock });
  book = bookOf(platform.owner);
});
beforeEach(() => book.wipe());
after(async () => {
  await platform.close();
  rmSync(root, { recursive: true, force: true });
});

let files = 0;

function written(content: string | Buffer, name?: string): string {
  files += 1;
  const path = join(root, name ?? `report-${files}.csv`);
  writeFileSync(path, content);
  return path;
}

type Extras = Partial<Omit<Parameters<Reconciliation['import']>[0], 'source' | 'path'>>;

function imported(source: Source, path: string, extras: Extras = {}): Promise<Imported> {
  return reconciliation.import({ source, path, name: 'report.csv', actor: 'alice', ...extras });
}

const sample = (name: string): string => join(samples, `${name}.csv`);
const at = (text: string): Date => new Date(text);

async function open(source?: Source): Promise<Difference[]> {
  const { differences } = await reconciliation.list({ isOpenOnly: true, ...(source && { source }) });
  return differences;
}

const kinds = (differences: readonly Difference[]): string[] =>
  differences.map(({ what, kind }) => `${what} ${kind}`).sort();

const [one, two, three] = [
  '11111111-1111-4111-8111-111111111111',
  '22222222-2222-4222-8222-222222222222',
  '33333333-3333-4333-8333-333333333333',
] as const;
type Id = ReturnType<typeof newOrderId>;

/** What the sample reports of Stripe speak of. */
async function stripeBook(): Promise<void> {
  await book.payment({
    orderId: one as Id,
    captureId: 'pi_3Q0aaa0000000001',
    amountMinor: 5_000_00n,
    refundedMinor: 5_000_00n,
    openedAt: at('2026-11-01T04:09:00Z'),
    capturedAt: at('2026-11-01T04:10:20Z'),
  });
  await book.payment({
    orderId: two as Id,
    captureId: 'pi_3Q0aaa0000000002',
    currency: 'CNY',
    amountMinor: 148_50n,
    openedAt: at('2026-11-02T13:59:00Z'),
    capturedAt: at('2026-11-02T14:00:09Z'),
  });
  await book.refund({
    orderId: one as Id,
    externalId: 're_3Q0aaa0000000001',
    amountMinor: 5_000_00n,
    createdAt: at('2026-11-03T07:59:00Z'),
    endedAt: at('2026-11-03T08:00:10Z'),
  });
  await book.dispute({
    orderId: two as Id,
    externalId: 'dp_1Q0aaa0000000001',
    currency: 'CNY',
    amountMinor: 148_50n,
    openedAt: at('2026-11-04T10:30:00Z'),
  });
}

test('a report that says what the books say leaves no difference', async () => {
  await stripeBook();
  const { isNew, file, kinds: counted, differences } = await imported('stripe', sample('stripe-activity'));
  assert.equal(isNew, true);
  assert.equal(file.layout, 'stripe.activity');
  assert.deepEqual(counted, { payment: 2, refund: 1, dispute: 1, fee: 1, payout: 1 });
  assert.deepEqual(differences, { appeared: 0, went: 0, open: 0 });
  const [row] = await platform.sql<{ count: bigint }>('select count(*) from recon_line');
  assert.equal(row?.count, 6n);
});

test('the same file again changes nothing, under whatever name and by whomever', async () => {
  await stripeBook();
  const first = await imported('stripe', sample('stripe-activity'));
  const copy = written(readFileSync(sample('stripe-activity')), 'copy.csv');
  const again = await imported('stripe', copy, { actor: 'bob', name: 'copy.csv' });
  assert.equal(again.isNew, false);
  assert.deepEqual(again.file, first.file);
  const both = await Promise.all([
    imported('paypal', sample('paypal-activity')),
    imported('paypal', sample('paypal-activity')),
  ]);
  assert.deepEqual(both.map(({ isNew }) => isNew).sort(), [false, true]);
  const [row] = await platform.sql<{ files: bigint; lines: bigint }>(
    'select (select count(*) from recon_file) as files, (select count(*) from recon_line) as lines',
  );
  assert.deepEqual(row, { files: 2n, lines: 12n });
});

test('a file of one source is not taken for one of another', async () => {
  await assert.rejects(imported('paypal', sample('stripe-activity')), { code: 'report.invalid' });
  await assert.rejects(imported('stripe', sample('paypal-settlement')), { code: 'report.invalid' });
  const path = written('txn_id;date;account;sum\n1;2026-11-01;7011234567;10\n');
  await imported('osmp', path);
  const layout = { described: { columns: { reference: 'txn_id', date: 'date', amount: 'sum' } } };
  await assert.rejects(imported('dtone', path, { layout }), (error) => {
    assert.ok(error instanceof Refusal);
    assert.match(String(error.details.reason), /imported before, as a report of osmp/);
    return true;
  });
});

test('each way in which a report of payments can differ is told by its own name, with the money at stake', async () => {
  await stripeBook();
  await platform.sql(
    'update payment set captured_minor = 4999_00, amount_minor = 4999_00, refunded_minor = 0 where order_id = $1',
    [one],
  );
  await platform.sql(
    `update payment set state = 'expired', captured_minor = 0, captured_at = null, capture_id = null where order_id = $1`,
    [two],
  );
  await platform.sql(`update refund set external_id = 're_other', no = 2 where order_id = $1`, [one]);
  await platform.sql(`update dispute set state = 'won' where order_id = $1`, [two]);
  await book.payment({ orderId: three as Id, captureId: 'pi_3', openedAt: at('2026-11-02T00:00:00Z') });
  await imported('stripe', sample('stripe-activity'));
  const found = await open();
  assert.deepEqual(kinds(found), [
    'dispute state',
    'payment amount',
    'payment not_in_report',
    'payment state',
    'refund not_in_report',
    'refund not_with_us',
  ]);
  const by = (kind: string): Difference | undefined => found.find((one) => `${one.what} ${one.kind}` === kind);
  assert.deepEqual(by('payment amount')?.stake, { currency: 'KZT', minor: 1_00n });
  assert.equal(by('payment amount')?.orderId, one);
  assert.deepEqual(by('payment state')?.stake, { currency: 'CNY', minor: 148_50n });
  assert.equal(by('payment state')?.ours?.state, 'expired', 'found by the reference in its metadata');
  assert.equal(by('payment not_in_report')?.orderId, three);
  assert.equal(by('refund not_with_us')?.orderId, one, 'its payment is known');
  assert.equal(by('refund not_with_us')?.seenIn?.line, 4);
  assert.deepEqual(by('dispute state')?.theirs?.state, 'done');
});

test('a refund whose answer was lost is found by its payment and amount, each of two once', async () => {
  await stripeBook();
  const owed = { orderId: one as Id, amountMinor: 5_000_00n, state: 'owed', createdAt: at('2026-11-03T07:59:00Z') };
  await platform.sql('delete from refund');
  await book.refund({ ...owed, no: 1 });
  await book.refund({ ...owed, no: 2 });
  const text = readFileSync(sample('stripe-activity'), 'utf8').replace(`${one}/refund/1`, '');
  await imported('stripe', written(text));
  const said = async (): Promise<string[]> =>
    (await open()).map(({ what, kind, itemNo, ours }) => `${what} ${kind} ${itemNo} ${ours?.state}`).sort();
  assert.deepEqual(await said(), ['refund state 1 owed']);
  const [head, , , refund] = text.split('\n');
  const second = refund?.replace('txn_3Q0aaa0000000003', 'txn_second').replace('re_3Q0aaa0000000001', 're_second');
  await imported('stripe', written(`${head}\n${second}\n`), { isPartial: true });
  assert.deepEqual(await said(), ['refund state 1 owed', 'refund state 2 owed']);
});

test('our own name for a refund says which of two it is, where theirs is not known', async () => {
  await stripeBook();
  await platform.sql(`update refund set external_id = null, state = 'owed', ended_at = null, no = 12`);
  const earlier = { amountMinor: 5_000_00n, state: 'owed', createdAt: at('2026-11-03T07:00:00Z') };
  await book.refund({ orderId: one as Id, no: 11, ...earlier });
  await imported('stripe', written(readFileSync(sample('stripe-activity'), 'utf8').replace('/refund/1', '/refund/12')));
  const [only, ...others] = await open();
  assert.deepEqual(others, []);
  assert.equal(only?.itemNo, 12);
});

test('a difference goes by itself when the books have moved on, and comes back when they move back', async () => {
  await stripeBook();
  await platform.sql(`update refund set state = 'owed', ended_at = null`);
  const { differences } = await imported('stripe', sample('stripe-activity'));
  assert.deepEqual(differences, { appeared: 1, went: 0, open: 1 });
  await platform.sql(`update refund set state = 'done', ended_at = created_at`);
  assert.deepEqual(await open(), []);
  const { differences: all } = await reconciliation.list();
  assert.equal(all.length, 1);
  assert.ok(all[0]?.goneAt);
  await platform.sql(`update refund set state = 'owed', ended_at = null`);
  const [back] = await open();
  assert.equal(back?.id, all[0]?.id, 'the same difference, with the day it was first seen');
});

test('a later file has the last word on the same movement, and overlapping files are not seen twice', async () => {
  const orderId = newOrderId();
  await book.delivery({
    orderId,
    route: 'dtone',
    reference: '700000000000000021',
    operatorReference: '2237031',
    faceMinor: 1_000_00n,
    beganAt: at('2026-11-01T04:10:14Z'),
  });
  await book.delivery({
    orderId: newOrderId(),
    route: 'dtone',
    reference: '700000000000000022',
    beganAt: at('2026-11-01T05:10:14Z'),
  });
  await imported('dtone', sample('dtone-transactions'));
  assert.deepEqual(await open(), []);
  const lines = readFileSync(sample('dtone-transactions'), 'utf8').trim().split('\n');
  await imported('dtone', written(`${lines.slice(0, 2).join('\n')}\n`), { isPartial: true });
  assert.deepEqual(await open(), [], 'the first of its lines again');
  // The statement's other file has the same columns and names, and may well come first.
  const reversed = written(`${lines[0]}\n${lines[1]}\n`.replace('1000 KZT', '1000.00'));
  await imported('dtone', reversed, { layout: { id: 'dtone.reversed' } });
  const [taken, ...others] = await open();
  assert.deepEqual(others, []);
  assert.equal(`${taken?.kind} ${taken?.theirs?.state} ${taken?.ours?.state}`, 'state reversed delivered');
});

test('what was under way in one file and has ended in another has ended, whichever was imported first', async () => {
  const reference = '700000000000000051';
  await book.delivery({ orderId: newOrderId(), reference, beganAt: at('2026-11-01T04:10:00Z') });
  const line = (status: number, day: number): string =>
    `txn_id;date;account;sum;prv_txn;status\n${reference};2026-11-0${day} 09:10:15;;500;77;${status}\n`;
  await imported('osmp', written(line(0, 1)));
  await imported('osmp', written(line(90, 2)));
  assert.deepEqual(await open(), []);
});

test('an unknown delivery that the register has as delivered is told, and nothing is moved', async () => {
  const [unknown, refused, delivered] = [newOrderId(), newOrderId(), newOrderId()];
  const route = 'osmp';
  await book.delivery({
    orderId: unknown,
    route,
    reference: '700000000000000001',
    state: 'unknown',
    faceMinor: 1_000_00n,
    beganAt: at('2026-11-01T04:10:00Z'),
  });
  await book.delivery({
    orderId: refused,
    route,
    reference: '700000000000000002',
    state: 'refused',
    faceMinor: 2_500_00n,
    beganAt: at('2026-11-01T04:12:00Z'),
  });
  await book.delivery({
    orderId: delivered,
    route,
    reference: '700000000000000003',
    beganAt: at('2026-11-01T05:00:00Z'),
  });
  await book.delivery({
    orderId: newOrderId(),
    route,
    reference: '700000000000000004',
    state: 'unknown',
    beganAt: at('2026-11-01T05:15:00Z'),
  });
  await imported('osmp', sample('osmp-register'));
  const found = await open();
  const said = found.map(({ orderId, kind, theirs, ours }) => [orderId, kind, theirs?.state, ours?.state]);
  assert.deepEqual(
    said.sort(),
    [
      [unknown, 'state', 'done', 'unknown'],
      [refused, 'state', 'done', 'refused'],
      [delivered, 'state', 'failed', 'delivered'],
    ].sort(),
  );
  const states = await platform.sql<{ state: string }>('select state from delivery order by reference');
  assert.deepEqual(
    states.map(({ state }) => state),
    ['unknown', 'refused', 'delivered', 'unknown'],
  );
});

test('a credit to another number than the order’s is told, and no number is kept', async () => {
  const [ours, other] = [newNumber(), newNumber()];
  const subscriber = await subscriberOf(platform, ours);
  const reference = '700000000000000041';
  await book.delivery({ orderId: newOrderId(), reference, subscriber, beganAt: at('2026-11-01T04:10:00Z') });
  const register = (number: string): string =>
    `txn_id;date;account;sum;prv_txn;status\n${reference};2026-11-01 09:10:15;${number};500;77;0\n`;
  await imported('osmp', written(register(ours.slice(1))));
  assert.deepEqual(await open(), []);
  await imported('osmp', written(register(`+${other}`)));
  const [difference] = await open();
  assert.equal(difference?.kind, 'number');
  const dump = JSON.stringify(
    await platform.sql(
      'select recon_line::text as line from recon_line union all select recon_file::text from recon_file union all select recon_difference::text from recon_difference',
    ),
  );
  for (const number of [ours, other]) assert.ok(!dump.includes(number.slice(1)), 'the number is nowhere');
});

test('of two payments for one order each line is about its own', async () => {
  const orderId = newOrderId();
  const openedAt = at('2026-11-01T04:00:00Z');
  await book.payment({ orderId, no: 1, captureId: 'pi_1', amountMinor: 500_00n, openedAt });
  await book.payment({ orderId, no: 2, captureId: 'pi_2', amountMinor: 700_00n, openedAt });
  const head = readFileSync(sample('stripe-activity'), 'utf8').split('\n')[0]?.split(',').slice(0, 22).join(',');
  const charge = (no: number, amount: string): string =>
    `txn_${no},2026-11-01 04:01:00,,,,kzt,${amount},0.00,${amount},charge,ch_${no},,${amount},kzt,,,,ch_${no},pi_${no},,,${orderId}/${no}`;
  await imported('stripe', written(`${head}\n${charge(1, '500.00')}\n${charge(2, '700.00')}\n`));
  assert.deepEqual(await open(), []);
});

test('a payout report names what was paid out, not all there was', async () => {
  const { file } = await imported('stripe', sample('stripe-payouts'));
  assert.equal(file.isComplete, false);
});

test('what is done twice is one too many: in one file, across files, and for one delivery', async () => {
  const orderId = newOrderId();
  await book.payment({ orderId, captureId: 'pi_1', openedAt: at('2026-11-01T04:00:00Z') });
  const head = readFileSync(sample('stripe-activity'), 'utf8').split('\n')[0]?.split(',').slice(0, 19).join(',');
  const charge = (entry: string, minute: number): string =>
    `${entry},2026-11-01 04:0${minute}:00,,,,kzt,500.00,0.00,500.00,charge,ch_${entry},,500.00,kzt,,,,ch_${entry},pi_1`;
  await imported('stripe', written(`${head}\n${charge('txn_1', 1)}\n${charge('txn_1', 1)}\n${charge('txn_2', 2)}\n`));
  assert.deepEqual(kinds(await open()), ['payment twice', 'payment twice']);
  await imported('stripe', written(`${head}\n${charge('txn_3', 5)}\n`), { isPartial: true });
  assert.deepEqual(kinds(await open()), ['payment twice', 'payment twice', 'payment twice']);
});

test('a credit that failed twice was done not once', async () => {
  const reference = '700000000000000061';
  await book.delivery({ orderId: newOrderId(), reference, state: 'refused', beganAt: at('2026-11-01T04:10:00Z') });
  const line = (minute: number, receipt: string): string =>
    `${reference};2026-11-01 09:1${minute}:15;;500;${receipt};5`;
  await imported(
    'osmp',
    written(`txn_id;date;account;sum;prv_txn;status\n${line(0, '1')}\n${line(1, '2')}\n${line(1, '2')}\n`),
  );
  assert.deepEqual(await open(), []);
});

test('money that moved for an unknown reason is told, known other reasons are not', async () => {
  const head = readFileSync(sample('stripe-activity'), 'utf8').split('\n')[0]?.split(',').slice(0, 14).join(',');
  const row = (entry: string, word: string): string =>
    `${entry},2026-11-01 04:00:00,,,,usd,-3.00,0.00,-3.00,${word},,,,`;
  await imported(
    'stripe',
    written(`${head}\n${row('txn_1', 'some_new_word')}\n${row('txn_2', 'risk_reserved_funds')}\n`),
  );
  const [difference, ...others] = await open();
  assert.deepEqual(others, []);
  assert.equal(difference?.kind, 'unexplained');
  assert.equal(difference?.entry, 'txn_1');
});

test('what is ours is missing only where files cover the whole time in which it can have happened', async () => {
  const day = (from: string, to: string, name: string): Promise<Imported> => {
    const header = 'txn_id;date;account;sum;prv_txn;status';
    const period = { from: { at: at(from) }, to: { at: at(to) } };
    return imported('osmp', written(`${header}\n${name};${from};;1;;5\n`), { known: { period, zoneMinutes: 0 } });
  };
  const delivery = (reference: string, beganAt: string, endedAt: string): Promise<void> =>
    book.delivery({ orderId: newOrderId(), reference, beganAt: at(beganAt), endedAt: at(endedAt) });
  await delivery('1', '2026-11-01T12:00:00Z', '2026-11-01T12:00:05Z');
  await delivery('2', '2026-11-01T23:59:59Z', '2026-11-02T00:00:04Z');
  await delivery('3', '2026-11-03T12:00:00Z', '2026-11-03T12:00:05Z');
  await delivery('4', '2026-10-31T23:59:50Z', '2026-11-01T00:00:05Z');
  const missing = async (): Promise<unknown[]> =>
    (
      await platform.sql(
        `select reference from recon_difference join delivery using (order_id) where kind = 'not_in_report' order by 1`,
      )
    ).map((row) => row.reference);
  await day('2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z', 'a');
  assert.deepEqual(await missing(), ['1']);
  await day('2026-11-02T00:00:00Z', '2026-11-03T00:00:00Z', 'b');
  assert.deepEqual(await missing(), ['1', '2'], 'two days in a row leave no gap at midnight');
  const period = { from: { day: '2026-11-03' }, to: { day: '2026-11-04' } };
  const partial = written('txn_id;date;account;sum;prv_txn;status\nc;2026-11-03 12:30:00;;1;;5\n');
  await imported('osmp', partial, { known: { period }, isPartial: true });
  assert.deepEqual(await missing(), ['1', '2'], 'nothing is missing in what leaves something out');
});

test('what is long past is compared when its file comes and then no more: what is open about it stays', async () => {
  const now = steppedClock(clock.now());
  const later = createReconciliation({ ...platform, clock: now });
  const delivery = (reference: string, beganAt: Date): Promise<void> =>
    book.delivery({ orderId: newOrderId(), reference, state: 'refused', beganAt });
  const register = (reference: string, day: string): string =>
    written(`txn_id;date;account;sum;prv_txn;status\n${reference};${day} 10:00:00;;500;9${reference};0\n`);
  const bring = (path: string): Promise<Imported> =>
    later.import({ source: 'osmp', path, name: 'report.csv', actor: 'alice' });
  const openNow = async (): Promise<unknown[]> =>
    (await later.list({ isOpenOnly: true })).differences.map(({ kind, entry }) => `${kind} ${entry}`);
  await delivery('1', at('2026-11-10T04:59:00Z'));
  await delivery('2', at('2020-01-01T04:59:00Z'));
  await bring(register('1', '2026-11-10'));
  await bring(register('2', '2020-01-01'));
  assert.deepEqual(await openNow(), ['state 92', 'state 91']);
  await platform.sql(`update delivery set state = 'delivered'`);
  assert.deepEqual(await openNow(), ['state 92'], 'what is recent goes by itself');
  await platform.sql(`update delivery set state = 'refused'`);
  assert.deepEqual(await openNow(), ['state 92', 'state 91']);
  now.advance(limits.reconciledMs);
  await platform.sql(`update delivery set state = 'delivered'`);
  assert.deepEqual(await openNow(), ['state 92', 'state 91'], 'nobody looks any more');
});

test('a reference that people read out finds the order where no id does', async () => {
  const orderId = newOrderId();
  await book.payment({
    orderId,
    provider: 'paypal',
    state: 'open',
    currency: 'USD',
    amountMinor: 10_00n,
    openedAt: at('2026-11-01T04:00:00Z'),
  });
  const head =
    '"Date","Time","TimeZone","Type","Status","Currency","Gross","Fee","Net","Transaction ID","Invoice Number"';
  await imported(
    'paypal',
    written(
      `${head}\n"11/01/2026","04:10:11","UTC","Express Checkout Payment","Completed","USD","10.00","-0.60","9.40","1AB","${referenceOf(orderId)}-1"\n`,
    ),
    { known: { order: 'mdy' } },
  );
  const [difference] = await open();
  assert.equal(`${difference?.kind} ${difference?.orderId}`, `state ${orderId}`);
});

test('the settlement of a day agrees with the books, and a conversion or withdrawal is nobody’s payment', async () => {
  const opened = at('2026-11-01T12:09:00Z');
  const captured = at('2026-11-01T12:10:14Z');
  await book.payment({
    orderId: one as Id,
    provider: 'paypal',
    captureId: '5TY05013RG002845M',
    currency: 'USD',
    amountMinor: 1_210_50n,
    refundedMinor: 1_210_50n,
    openedAt: opened,
    capturedAt: captured,
  });
  await book.refund({
    orderId: one as Id,
    externalId: '2AB39021CD1234567',
    currency: 'USD',
    amountMinor: 1_210_50n,
    createdAt: at('2026-11-02T03:00:00Z'),
    endedAt: at('2026-11-02T03:00:06Z'),
  });
  await imported('paypal', sample('paypal-settlement'));
  assert.deepEqual(
    kinds(await open()),
    ['dispute not_with_us', 'payment not_with_us'],
    'those of the sample that are not in this book',
  );
});

test('a resolution is kept for good, names who and why, and is in the audit trail', async () => {
  await imported('reloadly', sample('reloadly-transactions'));
  const [difference] = await open();
  assert.equal(difference?.kind, 'not_with_us');
  const id = difference?.id ?? 0n;
  for (const note of ['', ' ', 'x'.repeat(501), 'credited +7 701 123 45 67 by hand'])
    await assert.rejects(reconciliation.resolve({ id, note, actor: 'bob' }), { code: 'request.invalid' });
  const resolved = await reconciliation.resolve({ id, note: 'sold in their shop, not ours', actor: 'bob' });
  assert.equal(resolved.resolved?.by, 'bob');
  await assert.rejects(reconciliation.resolve({ id, note: 'again', actor: 'eve' }), { code: 'difference.resolved' });
  await assert.rejects(reconciliation.resolve({ id: 9_999n, note: 'again', actor: 'eve' }), {
    code: 'difference.not_found',
  });
  assert.deepEqual(await open(), []);
  const trail = await platform.sql<{ actor: string; action: string }>(
    `select actor, action from audit_entry where action like 'reconciliation.%' order by id desc limit 2`,
  );
  assert.deepEqual(trail, [
    { actor: 'bob', action: 'reconciliation.resolve' },
    { actor: 'alice', action: 'reconciliation.import' },
  ]);
  assert.deepEqual((await verify(platform.db)).broken, []);
});

test('neither the application nor the owner can change what was imported, the facts of a difference or a resolution', async () => {
  await imported('reloadly', sample('reloadly-transactions'));
  const [difference] = await open();
  await reconciliation.resolve({ id: difference?.id ?? 0n, note: 'looked at', actor: 'bob' });
  for (const table of ['recon_file', 'recon_line']) {
    for (const command of [`delete from ${table}`, `update ${table} set source = 'osmp'`, `truncate ${table} cascade`])
      await assert.rejects(platform.db.pool.query(command), { code: '42501' }, command);
    await assert.rejects(platform.sql(`delete from ${table}`), { code: 'SP001' });
    await assert.rejects(platform.sql(`update ${table} set source = 'osmp'`), { code: 'SP001' });
  }
  for (const command of [
    'set stake_minor = 0',
    'set note = null, resolved_at = null, resolved_by = null',
    "set resolved_by = 'eve'",
  ])
    await assert.rejects(platform.db.pool.query(`update recon_difference ${command}`), { code: 'SP001' }, command);
  await assert.rejects(platform.db.pool.query('delete from recon_difference'), { code: '42501' });
  await assert.rejects(platform.sql('delete from recon_difference'), { code: 'SP001' });
});

test('a file that is cut short anywhere, or changes while it is read, leaves nothing behind', async () => {
  const whole = readFileSync(sample('paypal-settlement'));
  for (let size = 40; size < whole.length - 4; size += 97)
    await assert.rejects(
      imported('paypal', written(whole.subarray(0, size))),
      { code: 'report.invalid' },
      `${size} bytes`,
    );
  const path = written(readFileSync(sample('stripe-activity')));
  const rows = readFileSync(path, 'utf8');
  const lines = Array.from({ length: 3_000 }, (_, n) =>
    rows.split('\n')[1]?.replace('txn_3Q0aaa0000000001', `txn_${n}`),
  );
  const long = written(`${rows.split('\n')[0]}\n${lines.join('\n')}\n`);
  const onProgress = (): void => writeFileSync(long, rows);
  const appended = (): void => writeFileSync(long, `${rows.split('\n')[0]}\n${lines.join('\n')}\n${lines[0]}\n`);
  await assert.rejects(imported('stripe', long, { onProgress }), { code: 'report.invalid' });
  writeFileSync(long, `${rows.split('\n')[0]}\n${lines.join('\n')}\n`);
  await assert.rejects(imported('stripe', long, { onProgress: appended }), { code: 'report.invalid' });
  const [row] = await platform.sql(
    'select count(*)::int as count from (select file from recon_line union all select id from recon_file) as kept',
  );
  assert.equal(row?.count, 0);
});
