import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import pg from 'pg';
import { newNumber, openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { type Approvals, createApprovals } from '../audit/index.ts';
import { present } from '../base/assert.ts';
import { steppedClock } from '../base/clock.ts';
import { mac128 } from '../base/keyring.ts';
import { parseMsisdn } from '../base/msisdn.ts';
import { digitWriter } from '../base/random.ts';
import { Refusal, type RefusalCode } from '../base/refusal.ts';
import { audit } from '../reports/index.ts';
import { createDamagedCards, type DamagedCards } from '../topups/index.ts';
import {
  type Batches,
  type ChangeReport,
  type ChangeVerb,
  changeVerbs,
  createBatches,
  type Done,
  type Draft,
  parsePin,
} from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'sapar-batches-test-'));
const dir = join(root, 'print');
const clock = steppedClock(new Date());
let platform: TestPlatform;
let batches: Batches;
let approvals: Approvals<Done>;
let damaged: DamagedCards;
let identity = '';
let recipient = '';

before(async () => {
  platform = await openTestPlatform({ clock });
  batches = createBatches({ db: platform.db, keyring: platform.keyring, clock });
  approvals = createApprovals({ db: platform.db, clock, actions: batches.actions });
  damaged = createDamagedCards({ batches, approvals, subscribers: platform.subscribers, topups: platform.topups });
  identity = await generateIdentity();
  recipient = await identityToRecipient(identity);
});

after(async () => {
  await platform.close();
  rmSync(root, { recursive: true, force: true });
});

const YEAR_MS = 365 * 86_400_000;

function draftOf(parts: Partial<Draft> = {}): Draft {
  return {
    operator: 'kcell',
    values: [{ unit: 'KZT', amount: 100_000n, validDays: undefined }],
    count: 10,
    expiresAt: new Date(clock.now().getTime() + YEAR_MS),
    recipients: [recipient],
    maker: 'alice',
    ...parts,
  };
}

async function approved(parts: Partial<Draft> = {}): Promise<bigint> {
  const { batch, approval } = await batches.create(draftOf(parts));
  await approvals.vote({ id: approval, checker: 'bob' });
  return batch.id;
}

type Card = { readonly serial: bigint; readonly pin: string };
type Made = { readonly id: bigint; readonly first: bigint; readonly last: bigint; readonly cards: readonly Card[] };

async function generated(parts: Partial<Draft> = {}): Promise<Made> {
  const id = await approved(parts);
  const { printFile } = await batches.generate({ batch: id, dir, actor: 'alice' });
  const { firstSerial, lastSerial } = await batches.find(id);
  return { id, first: firstSerial, last: lastSerial, cards: cardsOf(await decrypt(printFile)) };
}

async function decrypt(path: string): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(readFileSync(path), 'text');
}

function cardsOf(text: string): Card[] {
  return text
    .split('\n')
    .filter((line) => /^\d/.test(line))
    .map((line) => {
      const [serial = '', pin = ''] = line.split(',');
      return { serial: BigInt(serial), pin };
    });
}

async function change(verb: ChangeVerb, first: bigint, last: bigint): Promise<ChangeReport> {
  const { approval } = await batches.requestChange({ verb, first, last, reason: 'test', maker: 'alice' });
  const vote = await approvals.vote({ id: approval, checker: 'bob' });
  assert.ok(vote.outcome === 'done' && vote.result.kind === 'range_changed');
  return vote.result.report;
}

async function redeem(pin: string, number = newNumber()): Promise<string> {
  const target = parseMsisdn(number);
  const { status } = await platform.topups.redeem({
    pin: parsePin(pin),
    target,
    caller: target,
    channel: 'cli',
    gateway: undefined,
    operator: undefined,
    apiKey: undefined,
  });
  return status;
}

async function refusal(work: Promise<unknown>): Promise<RefusalCode | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

/** Balance of a system account, in minor units, over all its stripes. */
async function held(kind: string, unit = 1): Promise<bigint> {
  const [row] = await platform.sql<{ balance: bigint }>(
    `select sum(credits_posted - debits_posted)::bigint as balance from account where kind = $1 and unit_of_account(id) = $2`,
    [kind, unit],
  );
  return row?.balance ?? 0n;
}

async function heldDuring(kind: string, work: () => Promise<unknown>, unit = 1): Promise<bigint> {
  const before = await held(kind, unit);
  await work();
  return (await held(kind, unit)) - before;
}

async function statesOf(id: bigint): Promise<Record<string, bigint>> {
  const [report] = await batches.report(id);
  const states = present(report, 'a batch has a report').states;
  assert.equal(
    states.reduce((sum, state) => sum + state.count, 0n),
    BigInt(report?.count ?? 0),
    'the counts add up to the batch',
  );
  return Object.fromEntries(states.map(({ state, count }) => [state, count]));
}

async function booksHold(): Promise<void> {
  const checks = await audit(platform.db);
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  );
}

test('a batch goes from draft to cards that are redeemed, and each step only once', async () => {
  const { batch, approval } = await batches.create(draftOf({ note: 'spring' }));
  assert.equal(batch.state, 'draft');
  assert.equal(await refusal(batches.generate({ batch: batch.id, dir, actor: 'alice' })), 'batch.wrong_state');
  const vote = await approvals.vote({ id: approval, checker: 'bob' });
  assert.deepEqual(vote.outcome === 'done' && vote.result, { kind: 'batch_approved', batch: batch.id });
  assert.deepEqual(await statesOf(batch.id), { not_generated: 10n });

  const { printFile, manifest } = await batches.generate({ batch: batch.id, dir, actor: 'alice' });
  assert.equal(manifest.file.name, `batch-${batch.id}.csv.age`);
  assert.equal(await refusal(batches.generate({ batch: batch.id, dir, actor: 'alice' })), 'batch.wrong_state');
  assert.equal(await refusal(batches.mark(batch.id, 'distribute', 'alice')), 'batch.wrong_state');
  assert.equal(await batches.mark(batch.id, 'print', 'alice'), 'printed');
  assert.equal(await batches.mark(batch.id, 'distribute', 'alice'), 'distributed');

  const cards = cardsOf(await decrypt(printFile));
  const pin = present(cards[0], 'ten cards').pin;
  assert.equal(await refusal(redeem(pin)), 'voucher.refused', 'a card is worth nothing before it is activated');
  assert.deepEqual(await statesOf(batch.id), { created: 10n });

  const issued = await heldDuring('voucher_outstanding', () => change('activate', batch.firstSerial, batch.lastSerial));
  assert.equal(issued, 1_000_000n);
  assert.equal(await redeem(pin), 'credited');
  assert.deepEqual(await statesOf(batch.id), { redeemed: 1n, active: 9n });
  const card = await batches.card(batch.firstSerial);
  assert.equal(card.state, 'redeemed');
  assert.equal(card.end?.channel, 'cli');
  assert.equal(await refusal(batches.card(1n)), 'serial.not_found');
  await booksHold();
});

test('a card of several buckets takes money from the receivable and the rest from the allowance', async () => {
  const { first, last } = await generated({
    count: 3,
    values: [
      { unit: 'KZT', amount: 50_000n, validDays: undefined },
      { unit: 'MB', amount: 500_000n, validDays: 30 },
    ],
  });
  const before = { receivable: await held('voucher_receivable'), allowance: await held('allowance', 3) };
  await change('activate', first, last);
  assert.equal(before.receivable - (await held('voucher_receivable')), 150_000n);
  assert.equal(before.allowance - (await held('allowance', 3)), 1_500_000n);
  assert.equal(await held('voucher_outstanding', 3), 1_500_000n);
  await change('void', last, last);
  assert.equal(await held('voucher_outstanding', 3), 1_000_000n);
  await booksHold();
});

test('nobody approves alone, twice, late, or what is not there', async () => {
  const { approval } = await batches.create(draftOf());
  assert.equal(await refusal(approvals.vote({ id: approval, checker: 'alice' })), 'approval.same_person');
  assert.equal(await refusal(approvals.vote({ id: approval, checker: 'Bob' })), 'request.invalid');
  assert.equal(await refusal(approvals.vote({ id: 10_000n, checker: 'bob' })), 'approval.not_found');
  await approvals.vote({ id: approval, checker: 'bob' });
  assert.equal(await refusal(approvals.vote({ id: approval, checker: 'carol' })), 'approval.used');

  // Asked for by a clock 25 hours behind, so that by the database's own it has expired.
  const late = steppedClock(new Date(Date.now() - 25 * 3_600_000));
  const slow = createBatches({ db: platform.db, keyring: platform.keyring, clock: late });
  const old = await slow.create(draftOf());
  assert.equal(await refusal(approvals.vote({ id: old.approval, checker: 'bob' })), 'approval.expired');
  assert.equal((await approvals.find(old.approval)).state, 'expired');
});

test('two checkers at once count each other', async () => {
  const { first, last } = await generated();
  await change('activate', first, last);
  const msisdn = parseMsisdn(newNumber());
  const { approval } = await damaged.request({ serial: first, msisdn, reason: 'water', maker: 'alice' });
  const votes = await Promise.all(
    ['bob', 'carol'].map((checker) => damaged.approve({ id: approval, checker, msisdn })),
  );
  assert.deepEqual(votes.map(({ outcome }) => outcome).sort(), ['done', 'waiting']);
});

test('the database itself refuses what nobody approved, whatever the program says', async () => {
  const { id, first, last } = await generated();
  const { batch: draft, approval } = await batches.create(draftOf());
  const { approval: locking } = await batches.requestChange({
    verb: 'lock',
    first,
    last: first + 2n,
    reason: '',
    maker: 'alice',
  });
  const client = new pg.Client({ connectionString: platform.db.url, options: '-c role=sapar_app' });
  await client.connect();
  const code = async (text: string, values: unknown[] = []): Promise<string> => {
    try {
      await client.query(text, values);
      return 'done';
    } catch (error) {
      return String(Reflect.get(Object(error), 'code'));
    }
  };
  const stretch = `insert into voucher_range (batch, first_serial, last_serial, state, issued, approval) values ($1, $2, $3, $4, $5, $6)`;
  const use = 'insert into approval_use (approval, request_hash) select id, request_hash from approval where id = $1';
  const vote = 'insert into approval_vote (approval, checker) values ($1, $2)';
  const denied = '42501';
  try {
    // A batch does not leave draft by itself, nor with somebody else's approval.
    assert.equal(await code(`update voucher_batch set state = 'approved' where id = $1`, [draft.id]), '23514');
    const borrowed = present((await batches.find(id)).approval, 'a generated batch was approved');
    const borrow = `update voucher_batch set state = 'approved', approval = $2 where id = $1`;
    assert.equal(await code(borrow, [draft.id, borrowed]), 'SP004');
    // Nor is an approval used without votes, by its maker, or for another request.
    assert.equal(await code(use, [approval]), 'SP004');
    assert.equal(await code(vote, [approval, 'alice']), 'SP002');
    assert.equal(await code(vote, [approval, 'bob']), 'done');
    assert.equal(await code(vote, [approval, 'bob']), '23505');
    const other = Buffer.alloc(32);
    const forge = 'insert into approval_use (approval, request_hash) values ($1, $2)';
    assert.equal(await code(forge, [approval, other]), 'SP004');
    assert.equal(await code('delete from approval_vote where approval = $1', [approval]), denied);
    assert.equal(await code('update approval set needed = 1 where id = $1', [approval]), denied);
    // What was approved cannot be changed afterwards.
    assert.equal(await code('update voucher_batch set count = count + 1 where id = $1', [id]), denied);
    assert.equal(await code(`update voucher_batch set state = 'draft', approval = null where id = $1`, [id]), 'SP001');
    assert.equal(
      await code('insert into voucher_value (batch, leg, unit, amount) values ($1, 7, 1, 1)', [id]),
      'SP001',
    );
    assert.equal(await code('update voucher_value set amount = 1 where batch = $1', [id]), denied);
    assert.equal(await code('update voucher set batch = 1 where batch = $1', [id]), denied);
    // No serial is activated without an approval, with an unused one, for another state, or beyond its range.
    await client.query('begin');
    await client.query('delete from voucher_range where batch = $1', [id]);
    const attempt = async (values: unknown[]): Promise<string> => {
      await client.query('savepoint one');
      const answer = await code(stretch, [id, ...values]);
      await client.query('rollback to savepoint one');
      return answer;
    };
    assert.equal(await attempt([first, last, 'active', true, null]), '23514');
    assert.equal(await attempt([first, first, 'locked', false, locking]), '23503');
    await client.query(vote, [locking, 'bob']);
    await client.query(use, [locking]);
    assert.equal(await attempt([first, first + 2n, 'locked', false, locking]), 'done');
    assert.equal(await attempt([first, first + 3n, 'locked', false, locking]), 'SP004');
    assert.equal(await attempt([first, first, 'active', true, locking]), 'SP004');
    assert.equal(await attempt([first, last, 'created', true, null]), '23514');
    await client.query('rollback');
    assert.equal(await code(`update voucher_range set state = 'active', issued = true where batch = $1`, [id]), denied);
  } finally {
    await client.end();
  }
});

test('drafts that could not become cards are refused', async () => {
  const bad: [Partial<Draft>, RefusalCode][] = [
    [{ count: 0 }, 'request.invalid'],
    [{ count: 10_000_001 }, 'request.invalid'],
    [{ digits: 11 }, 'request.invalid'],
    [{ expiresAt: clock.now() }, 'request.invalid'],
    [{ recipients: [] }, 'request.invalid'],
    [{ recipients: ['age1nonsense'] }, 'request.invalid'],
    [{ recipients: [recipient, recipient] }, 'request.invalid'],
    [{ values: [] }, 'request.invalid'],
    [{ values: [{ unit: 'KZT', amount: 0n, validDays: undefined }] }, 'amount.invalid'],
    [{ values: [{ unit: 'KZT', amount: 5_000_001n, validDays: undefined }] }, 'amount.too_large'],
    [{ values: [{ unit: 'MB', amount: 1n, validDays: 0 }] }, 'request.invalid'],
    [{ note: 'two\nlines' }, 'request.invalid'],
    [{ maker: 'Alice Liddell' }, 'request.invalid'],
  ];
  for (const [parts, code] of bad) assert.equal(await refusal(batches.create(draftOf(parts))), code);
});

test('codes of one length are not given out until one could be guessed', async () => {
  assert.equal(await refusal(batches.create(draftOf({ digits: 12, count: 10_001 }))), 'batch.too_many_digits_in_use');
  const { id, first, last } = await generated({ digits: 12, count: 10_000 });
  assert.equal(await refusal(batches.create(draftOf({ digits: 12, count: 1 }))), 'batch.too_many_digits_in_use');
  await batches.create(draftOf({ digits: 13, count: 1 }));
  await change('void', first, last);
  assert.deepEqual(await statesOf(id), { void: 10_000n });
  await batches.create(draftOf({ digits: 12, count: 10_000 }));
});

test('serials are in a row, also for batches drafted at once', async () => {
  const counts = [7, 1, 30, 12, 5];
  const made = await Promise.all(counts.map((count) => batches.create(draftOf({ count }))));
  const ranges = made.map(({ batch }) => batch).sort((a, b) => (a.firstSerial < b.firstSerial ? -1 : 1));
  for (const [index, batch] of ranges.entries()) {
    assert.equal(batch.lastSerial - batch.firstSerial + 1n, BigInt(batch.count));
    const next = ranges[index + 1];
    if (next) assert.equal(next.firstSerial, batch.lastSerial + 1n);
  }
});

test('ten thousand cards: the print file holds each PIN once, the database its MAC, the manifest what both are worth', async () => {
  const escrow = await generateIdentity();
  const id = await approved({ count: 10_000, recipients: [recipient, await identityToRecipient(escrow)] });
  const progress: number[] = [];
  const { printFile, manifestFile, manifest } = await batches.generate({
    batch: id,
    dir,
    actor: 'alice',
    onProgress: (done, total) => {
      assert.equal(total, 10_000);
      progress.push(done);
    },
  });
  assert.deepEqual(progress, [2_048, 4_096, 6_144, 8_192, 10_000]);
  assert.equal(statSync(printFile).mode & 0o777, 0o600);
  const batch = await batches.find(id);
  const text = await decrypt(printFile);
  const header = text.split('\n').filter((line) => line.startsWith('#'));
  assert.ok(header.includes(`# batch: ${id}`) && header.includes('# value: 1000.00 KZT'));
  assert.match(text, /^serial,pin,value\n\d{10},\d{4} \d{4} \d{4} \d{4},1000\.00 KZT\n/m);
  const cards = cardsOf(text);
  assert.deepEqual(
    cards.map(({ serial }) => serial),
    Array.from({ length: 10_000 }, (_, index) => batch.firstSerial + BigInt(index)),
  );
  assert.equal(new Set(cards.map(({ pin }) => pin)).size, 10_000);

  const key = present(platform.keyring.pinKeys[0], 'a keyring has a PIN key');
  const rows = await platform.sql<{ mac: string; serial: bigint }>('select mac, serial from voucher where batch = $1', [
    id,
  ]);
  const macs = new Map(rows.map(({ serial, mac }) => [serial, mac]));
  assert.equal(macs.size, 10_000);
  for (const { serial, pin } of cards) assert.equal(macs.get(serial), mac128(key.key, pin.replaceAll(' ', '')));

  const written = JSON.parse(readFileSync(manifestFile, 'utf8'));
  assert.deepEqual(written, manifest);
  assert.deepEqual(batch.manifest, manifest);
  assert.equal(manifest.file.sha256, createHash('sha256').update(readFileSync(printFile)).digest('hex'));
  assert.equal(manifest.file.bytes, statSync(printFile).size);
  assert.deepEqual(manifest.totals, [{ unit: 'KZT', amount: '10000000.00' }]);
  assert.equal(batches.isOurs(written), true);
  assert.equal(batches.isOurs({ ...written, count: 9_999 }), false);
  assert.equal(batches.isOurs({ ...written, signature: '' }), false);

  const decrypter = new Decrypter();
  decrypter.addIdentity(escrow);
  assert.equal(await decrypter.decrypt(readFileSync(printFile), 'text'), text, 'the escrow reads the same');
  if (spawnSync('age', ['--version']).error) return;
  const keyFile = join(root, 'identity.txt');
  writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
  const read = execFileSync('age', ['--decrypt', '--identity', keyFile, printFile], { encoding: 'utf8' });
  assert.equal(read, text, 'so does another implementation');
});

test('PINs are uniform: no digit is likelier at any place', async () => {
  const { cards } = await generated({ count: 20_000 });
  const seen = Array.from({ length: 16 }, () => new Array<number>(10).fill(0));
  for (const { pin } of cards) {
    [...pin.replaceAll(' ', '')].forEach((digit, place) => {
      const counts = present(seen[place], 'sixteen places');
      counts[Number(digit)] = (counts[Number(digit)] ?? 0) + 1;
    });
  }
  // Chi-squared over 160 cells, 144 degrees of freedom: above 230 once in 100,000 runs.
  const chi = seen.flat().reduce((sum, count) => sum + (count - 2_000) ** 2 / 2_000, 0);
  assert.ok(chi < 230, `chi-squared ${chi}`);
});

async function nothingLeft(id: bigint): Promise<void> {
  assert.equal((await batches.find(id)).state, 'approved');
  const [row] = await platform.sql<{ count: bigint }>('select count(*) from voucher where batch = $1', [id]);
  assert.equal(row?.count, 0n);
  assert.equal(existsSync(join(dir, `batch-${id}.csv.age`)), false);
  assert.equal(existsSync(join(dir, `batch-${id}.manifest.json`)), false);
}

test('a generation that is cut short leaves nothing, and can be done again', async () => {
  const id = await approved({ count: 10_000 });
  const stop = new AbortController();
  const cut = batches.generate({ batch: id, dir, actor: 'alice', signal: stop.signal, onProgress: () => stop.abort() });
  await assert.rejects(cut, { name: 'AbortError' });
  await nothingLeft(id);
  assert.deepEqual(
    readdirSync(dir).filter((name) => name.endsWith('.part')),
    [],
  );
  await batches.generate({ batch: id, dir, actor: 'alice' });
  assert.deepEqual(await statesOf(id), { created: 10_000n });
});

test('a process killed in the middle of a generation leaves nothing, and another does it again', async () => {
  const id = await approved({ count: 300_000 });
  const url = (path: string): string => new URL(path, import.meta.url).href;
  const script = `
    import { readFileSync } from 'node:fs';
    const { openDb } = await import('${url('../db/index.ts')}');
    const { parseKeyFile } = await import('${url('../base/keyring.ts')}');
    const { systemClock } = await import('${url('../base/clock.ts')}');
    const { createBatches } = await import('${url('./index.ts')}');
    const keyring = parseKeyFile(readFileSync(process.env.KEYS, 'utf8'));
    const batches = createBatches({ db: openDb(process.env.DB), keyring, clock: systemClock });
    const onProgress = (done) => process.stdout.write(done + '\\n');
    await batches.generate({ batch: ${id}n, dir: process.env.DIR, actor: 'alice', onProgress });`;
  const env = { ...process.env, KEYS: platform.config.keyFile, DB: platform.db.url, DIR: dir };
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  await new Promise<void>((resolve) =>
    child.stdout.on('data', (text) => Number(String(text).split('\n')[0]) > 50_000 && resolve()),
  );
  assert.equal(await refusal(batches.generate({ batch: id, dir, actor: 'bob' })), 'batch.wrong_state', 'one at a time');
  child.kill('SIGKILL');
  assert.equal(await ended, 'SIGKILL');
  await nothingLeft(id);
  // The server needs a moment to see that nobody is there any more.
  for (let tries = 0; tries < 100; tries += 1) {
    const code = await refusal(batches.generate({ batch: id, dir, actor: 'bob' }));
    if (code === undefined) break;
    assert.equal(code, 'batch.wrong_state');
    await delay(100);
  }
  assert.deepEqual(await statesOf(id), { created: 300_000n });
  assert.equal(cardsOf(await decrypt(join(dir, `batch-${id}.csv.age`))).length, 300_000);
});

test('a PIN drawn twice makes the batch anew; one that always is gives up and leaves nothing', async () => {
  const digits = digitWriter();
  let drawn = 0;
  const unlucky = createBatches({
    db: platform.db,
    keyring: platform.keyring,
    clock,
    // The second card of the first try gets the first one's PIN.
    digits(target, from, length) {
      drawn += 1;
      if (drawn <= 2) target.fill('4', from, from + length);
      else digits(target, from, length);
    },
  });
  const id = await approved({ count: 100 });
  const { printFile } = await unlucky.generate({ batch: id, dir, actor: 'alice' });
  assert.equal(drawn, 200);
  assert.equal(new Set(cardsOf(await decrypt(printFile)).map(({ pin }) => pin)).size, 100);

  const stuck = createBatches({
    db: platform.db,
    keyring: platform.keyring,
    clock,
    digits: (target, from, length) => void target.fill('5', from, from + length),
  });
  const doomed = await approved({ count: 2 });
  await assert.rejects(stuck.generate({ batch: doomed, dir, actor: 'alice' }), { code: '23505' });
  await nothingLeft(doomed);
});

test('while keys rotate, a new PIN is not one that an old card has under the old key', async () => {
  const { cards } = await generated({ count: 1 });
  const taken = present(cards[0], 'one card').pin.replaceAll(' ', '');
  const [old] = platform.keyring.pinKeys;
  const rotated = {
    ...platform.keyring,
    pinKeys: [{ id: 2, key: createSecretKey(randomBytes(32)) }, present(old, 'a keyring has a PIN key')],
  };
  const digits = digitWriter();
  let drawn = 0;
  const next = createBatches({
    db: platform.db,
    keyring: rotated,
    clock,
    digits(target, from, length) {
      drawn += 1;
      if (drawn === 1) target.write(taken, from, 'latin1');
      else digits(target, from, length);
    },
  });
  const id = await approved({ count: 3 });
  const { printFile, manifest } = await next.generate({ batch: id, dir, actor: 'alice' });
  assert.equal(drawn, 6, 'the whole batch twice');
  assert.equal(manifest.keyId, 2);
  assert.ok(!cardsOf(await decrypt(printFile)).some(({ pin }) => pin.replaceAll(' ', '') === taken));
});

test('a change tells of every serial it left alone, and why', async () => {
  const one = await generated({ count: 10 });
  const { batch: draft } = await batches.create(draftOf({ count: 5 }));
  const two = await generated({ count: 10 });
  const last = two.last + 3n;
  await change('activate', one.first, one.first + 4n);
  await redeem(present(one.cards[0], 'a card').pin);
  await change('void', one.first + 1n, one.first + 1n);
  await change('lock', two.first, two.first);
  const report = await change('activate', one.first, last);
  assert.deepEqual(
    report.skipped.map(({ reason, count }) => [reason, count]),
    [
      ['redeemed', 1n],
      ['void', 1n],
      ['active', 3n],
      ['not_generated', BigInt(draft.count)],
      ['locked', 1n],
      ['no_such_serial', 3n],
    ],
  );
  assert.equal(report.changed, 14n);
  assert.equal(await refusal(change('activate', one.first, two.last)), 'batch.wrong_state', 'nothing left to do');
  assert.equal(await refusal(change('lock', 5n, 4n)), 'batch.range_invalid');
  assert.equal(await refusal(change('lock', 1n, 10_000_001n)), 'batch.range_invalid');
  assert.equal(await refusal(change('lock', 1n, 2n)), 'serial.not_found');
  const pinInReason = {
    verb: 'lock',
    first: one.first,
    last: one.last,
    reason: '1234 5678 9012 3456',
    maker: 'alice',
  } as const;
  assert.equal(await refusal(batches.requestChange(pinInReason)), 'request.invalid');
  await booksHold();
});

test('locked, stolen and damaged cards are not redeemed by PIN, and unlocked ones are again', async () => {
  const { first, last, cards } = await generated({ count: 3 });
  await change('activate', first, last);
  const pins = cards.map(({ pin }) => pin);
  const verbs = ['lock', 'steal', 'damage'] as const;
  for (const [index, verb] of verbs.entries()) await change(verb, first + BigInt(index), first + BigInt(index));
  for (const pin of pins) assert.equal(await refusal(redeem(pin)), 'voucher.refused');
  await change('unlock', first, last);
  for (const pin of pins) assert.equal(await redeem(pin), 'credited');
});

test('random changes and redemptions leave the books whole and each card in the state a naive model gives it', async () => {
  const commands = fc.array(
    fc.record({
      verb: fc.constantFrom(...changeVerbs, 'redeem' as const),
      from: fc.integer({ min: 0, max: 19 }),
      length: fc.integer({ min: 1, max: 12 }),
    }),
    { minLength: 5, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(commands, async (list) => {
      const { id, first, last, cards } = await generated({ count: 20 });
      const ended = new Set<bigint>();
      for (const { verb, from, length } of list) {
        const serial = first + BigInt(from);
        const until = serial + BigInt(length) - 1n;
        if (verb === 'redeem') {
          const code = await refusal(redeem(present(cards[from], 'a card').pin));
          if (code === undefined) ended.add(serial);
          continue;
        }
        const end = until < last ? until : last;
        const code = await refusal(
          change(verb, serial, end).then((report) => {
            const skipped = report.skipped.reduce((sum, { count }) => sum + count, 0n);
            assert.equal(report.changed + skipped, end - serial + 1n);
          }),
        );
        assert.ok(code === undefined || code === 'batch.wrong_state');
      }
      const states = await statesOf(id);
      assert.equal(states.redeemed ?? 0n, BigInt(ended.size));
      await booksHold();
    }),
    { numRuns: 12 },
  );
});

test('a card is redeemed or void, never both, whoever comes first', async () => {
  const { id, first, last, cards } = await generated({ count: 200 });
  await change('activate', first, last);
  const { approval } = await batches.requestChange({ verb: 'void', first, last, reason: '', maker: 'alice' });
  const before = { outstanding: await held('voucher_outstanding'), receivable: await held('voucher_receivable') };
  const redemptions = cards.map(({ pin }) => refusal(redeem(pin)));
  await delay(2);
  const [vote, ...codes] = await Promise.all([approvals.vote({ id: approval, checker: 'bob' }), ...redemptions]);
  const redeemed = BigInt(codes.filter((code) => code === undefined).length);
  assert.ok(vote.outcome === 'done' && vote.result.kind === 'range_changed');
  assert.equal(vote.result.report.changed, 200n - redeemed);
  const states = await statesOf(id);
  assert.equal(states.redeemed ?? 0n, redeemed);
  assert.equal(states.void ?? 0n, 200n - redeemed);
  assert.equal(before.outstanding - (await held('voucher_outstanding')), 200n * 100_000n);
  assert.equal((await held('voucher_receivable')) - before.receivable, (200n - redeemed) * 100_000n);
  await booksHold();
});

test('what is approved for later is done when its time has come, once', async () => {
  const { id, first, last } = await generated();
  const at = new Date(clock.now().getTime() + 3_600_000);
  const { approval } = await batches.requestChange({ verb: 'activate', first, last, reason: '', at, maker: 'alice' });
  assert.equal((await approvals.vote({ id: approval, checker: 'bob' })).outcome, 'scheduled');
  assert.deepEqual(await approvals.runDue(), []);
  assert.deepEqual(await statesOf(id), { created: 10n });
  clock.advance(3_600_000);
  const [done, ...others] = await Promise.all([approvals.runDue(), approvals.runDue()]);
  const all = [...done, ...others.flat()].filter(({ result }) => !(result instanceof Refusal));
  assert.deepEqual(
    all.map((one) => one.id),
    [approval],
  );
  assert.deepEqual(await statesOf(id), { active: 10n });
  assert.deepEqual(await approvals.runDue(), []);
});

test('a damaged card is credited by its serial once two others agree, to that number alone, once', async () => {
  const { first, last, cards } = await generated({ count: 2 });
  const msisdn = parseMsisdn(newNumber());
  const asked = { serial: first, msisdn, reason: 'panel torn', maker: 'alice' };
  assert.equal(await refusal(damaged.request(asked)), 'batch.wrong_state', 'not before it was sold');
  await change('activate', first, last);
  const { approval } = await damaged.request(asked);
  const stored = JSON.stringify((await approvals.find(approval)).request);
  assert.ok(!stored.includes(msisdn.slice(4)), 'the request does not hold the number');
  assert.equal(await refusal(damaged.approve({ id: approval, checker: 'alice', msisdn })), 'approval.same_person');
  const another = parseMsisdn(newNumber());
  assert.equal(await refusal(damaged.approve({ id: approval, checker: 'bob', msisdn: another })), 'approval.mismatch');
  assert.equal((await damaged.approve({ id: approval, checker: 'bob', msisdn })).outcome, 'waiting');
  assert.equal(await refusal(damaged.approve({ id: approval, checker: 'bob', msisdn })), 'approval.same_person');
  assert.equal(await refusal(approvals.vote({ id: approval, checker: 'carol' })), 'approval.mismatch');
  const vote = await damaged.approve({ id: approval, checker: 'carol', msisdn });
  assert.ok(vote.outcome === 'done');
  assert.equal(vote.redemption.status, 'credited');
  assert.equal(vote.redemption.balance, '1000.00');
  const again = await damaged.approve({ id: approval, checker: 'carol', msisdn });
  assert.ok(again.outcome === 'done');
  assert.equal(again.redemption.status, 'already_credited');
  assert.equal(await refusal(redeem(present(cards[0], 'a card').pin)), 'voucher.refused');
  assert.equal(await refusal(damaged.request(asked)), 'batch.wrong_state');
  await booksHold();
});

// Last, because it moves the clock far ahead.
test('cards past their date end as expired, their value becomes breakage, and the batch closes', async () => {
  const { id, first, last, cards } = await generated({
    count: 30,
    expiresAt: new Date(clock.now().getTime() + 86_400_000),
  });
  const { id: untouched } = await generated({ count: 5, expiresAt: new Date(clock.now().getTime() + 86_400_000) });
  await change('activate', first, first + 19n);
  await change('void', first, first + 1n);
  await redeem(present(cards[2], 'a card').pin);
  const { approval } = await batches.requestChange({ verb: 'activate', first, last, reason: '', maker: 'alice' });
  clock.advance(2 * 86_400_000);
  assert.equal(await refusal(redeem(present(cards[3], 'a card').pin)), 'voucher.refused');
  assert.deepEqual(await statesOf(id), { void: 2n, redeemed: 1n, expired: 27n }, 'by date, before the sweep');
  const late = await approvals.vote({ id: approval, checker: 'bob' });
  assert.ok(late.outcome === 'done' && late.result.kind === 'range_changed');
  assert.equal(late.result.report.changed, 0n, 'an expired card is not activated any more');
  const breakage = await heldDuring('voucher_breakage', async () => {
    const sweeps = await Promise.all([batches.expireDue(), batches.expireDue()]);
    assert.equal(
      sweeps.reduce((sum, { expired }) => sum + expired, 0n),
      32n,
    );
  });
  assert.equal(breakage, 17n * 100_000n);
  assert.deepEqual(await statesOf(id), { void: 2n, redeemed: 1n, expired: 27n });
  assert.equal((await batches.find(id)).state, 'closed');
  assert.equal((await batches.find(untouched)).state, 'closed');
  assert.deepEqual(await batches.expireDue(), { batches: 0, expired: 0n });
  await booksHold();
});

test('every step is in the audit trail, and no clear PIN is anywhere in the database', async () => {
  const { cards } = await generated({ count: 20 });
  const [row] = await platform.sql<{ actions: string[] }>(
    'select array_agg(distinct action order by action) as actions from audit_entry',
  );
  for (const action of [
    'approval.request',
    'approval.use',
    'approval.vote',
    'batch.close',
    'batch.create',
    'batch.distribute',
    'batch.generate',
    'batch.print',
    'voucher.activate',
    'voucher.void',
  ])
    assert.ok(row?.actions.includes(action), action);
  const tables = await platform.sql<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public'`,
  );
  const pins = new Set(cards.map(({ pin }) => pin.replaceAll(' ', '')));
  for (const { name } of tables) {
    const rows = await platform.sql<{ text: string }>(
      `select t::text as text from ${name} as t where t::text ~ '\\d{16}' limit 400000`,
    );
    for (const { text } of rows) for (const run of text.match(/\d{16,}/g) ?? []) assert.ok(!pins.has(run), name);
  }
});
