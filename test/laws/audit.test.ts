import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seal, verify } from '../../src/audit/index.ts';
import { eventId } from '../../src/base/ids.ts';
import { parseMsisdn } from '../../src/base/msisdn.ts';
import { closeDb, type Db, openDb, type Tx, withTx } from '../../src/db/index.ts';
import { endHolds, floatAccount, type LedgerEvent, mainAccount, post } from '../../src/ledger/index.ts';
import { audit, recompute } from '../../src/reports/index.ts';
import { parsePin } from '../../src/vouchers/index.ts';
import { issueVouchers, newNumber, newPartner, openTestPlatform, type TestPlatform } from '../support/platform.ts';

// An audit that finds nothing proves something only if it finds what is there: defects are planted past every guard of the
// database, each in a transaction of its own that is rolled back after the audit has looked at it.

let platform: TestPlatform;
let owner: Db;

before(async () => {
  platform = await openTestPlatform();
  owner = openDb(platform.ownerUrl, 1);
  await history();
});
after(async () => {
  await closeDb(owner);
  await platform.close();
});

/** A little of everything that books can hold. */
async function history(): Promise<void> {
  const partner = await newPartner(platform, { float: 1_000_000_00n });
  const numbers = Array.from({ length: 6 }, newNumber);
  const credit = (msisdn: string, key: string) =>
    platform.topups.credit({
      partner: partner.id,
      key,
      msisdn: parseMsisdn(msisdn),
      amountMinor: 500_00n,
      operator: 'kcell',
    });
  await Promise.all(numbers.map((number, index) => credit(number, `key-${index}`)));
  const { pins } = await issueVouchers(platform, {
    operator: 'kcell',
    values: [
      { unit: 'KZT', amount: 1_000_00n },
      { unit: 'MB', amount: 500_000n, validDays: 30 },
    ],
    count: 8,
    state: 'active',
  });
  await issueVouchers(platform, {
    operator: 'beeline',
    values: [{ unit: 'KZT', amount: 200_00n }],
    count: 5,
    state: 'created',
  });
  for (const [index, number] of numbers.slice(0, 4).entries()) {
    const target = parseMsisdn(number);
    await platform.topups.redeem({
      pin: parsePin(pins[index] ?? ''),
      target,
      caller: target,
      channel: 'cli',
      gateway: undefined,
      operator: 'kcell',
      apiKey: undefined,
    });
  }
  await holds(partner.id, numbers);
  await seal(platform.db);
}

async function holds(partner: bigint, numbers: readonly string[]): Promise<void> {
  const turn = { careful: true, at: new Date() };
  const [subscriber] = await platform.sql<{ subscriber: bigint }>(
    'select subscriber from subject order by subscriber limit 1',
  );
  const hold = (key: string): LedgerEvent => ({
    id: eventId('hold', key),
    code: 'transfer',
    kind: 'pending',
    legs: [
      {
        debit: floatAccount(partner, 'KZT'),
        credit: mainAccount(subscriber?.subscriber ?? 0n, 'KZT'),
        amount: 100_00n,
      },
    ],
  });
  assert.ok(numbers.length > 0);
  await withTx(platform.db, (tx) => post(tx, [hold('open'), hold('captured'), hold('released')], turn));
  await withTx(platform.db, (tx) =>
    endHolds(
      tx,
      [
        { event: eventId('hold', 'captured'), end: 'capture', amounts: [60_00n] },
        { event: eventId('hold', 'released'), end: 'release' },
      ],
      turn.at,
    ),
  );
}

class RollBack extends Error {}

const guards = [
  ['account', 'account_above_floor'],
  ['transfer', 'transfer_one_unit'],
  ['transfer', 'transfer_phase'],
  ['voucher_range', 'range_issued'],
  ['voucher_range', 'range_approved'],
] as const;

/** What the audit says of a defect, which then never was. */
async function breachesOf(defect: string): Promise<string[]> {
  let broken: string[] = [];
  let touched = 0;
  const plant = async (tx: Tx): Promise<void> => {
    tx.send({ name: '', text: 'set local role none' });
    tx.send({ name: '', text: 'set local session_replication_role = replica' });
    // The checks of the database are taken off too: what they forbid is what a damaged disk or a careless hand can still do.
    for (const [table, constraint] of guards)
      tx.send({ name: '', text: `alter table ${table} drop constraint ${constraint}` });
    touched = (await tx.rows({ name: '', text: `${defect} returning 1 as touched` })).length;
    broken = (await recompute(tx)).filter((check) => !check.ok).map((check) => check.name);
    throw new RollBack();
  };
  await assert.rejects(withTx(owner, plant), RollBack);
  assert.ok(touched > 0, `nothing was planted by: ${defect}`);
  return broken;
}

const nth = (source: string, key: string, row: number): string =>
  `(select ${key} from ${source} order by ${key} offset ${row} limit 1)`;
const wallet = (row: number): string => nth("account where kind = 'subscriber' and credits_posted > 0", 'id', row);
const topup = (row: number): string => nth("transfer where code = 'topup'", 'event', row);
const voucher = (row: number): string => nth("transfer where code = 'voucher' and leg = 0", 'event', row);
const ended = (row: number): string => nth("voucher_end where kind = 'redeemed'", 'mac', row);
const both = (defect: (row: number) => string): string[] => [defect(0), defect(1)];

const defects: string[] = [
  ...both((row) => `update account set credits_posted = credits_posted + 1 where id = ${wallet(row)}`),
  ...both((row) => `update account set credits_posted = credits_posted - 1 where id = ${wallet(row)}`),
  ...both((row) => `update account set debits_posted = debits_posted + 1 where id = ${wallet(row)}`),
  ...both((row) => `update account set debits_pending = debits_pending + 1 where id = ${wallet(row)}`),
  ...both((row) => `update account set credits_pending = credits_pending + 1 where id = ${wallet(row)}`),
  ...both((row) => `delete from account where id = ${wallet(row)}`),
  ...both(
    (row) =>
      `update account set credits_posted = credits_posted + 1, debits_posted = debits_posted + 1 where id = ${wallet(row)}`,
  ),
  "update account set floor = 1000000000 where kind = 'partner_float'",
  ...both((row) => `delete from transfer where event = ${topup(row)}`),
  ...both((row) => `delete from transfer where event = ${voucher(row)}`),
  ...both(
    (row) =>
      `insert into transfer (event, leg, kind, code, debit, credit, amount, unit) select gen_random_uuid(), leg, kind, code, debit, credit, amount, unit from transfer where event = ${topup(row)}`,
  ),
  ...both((row) => `update transfer set amount = amount + 1 where event = ${topup(row)}`),
  ...both((row) => `update transfer set amount = amount - 1 where event = ${voucher(row)} and leg = 0`),
  ...both(
    (row) =>
      `update transfer set credit = (select max(id) from account where kind = 'subscriber') + 1048576 where event = ${topup(row)}`,
  ),
  ...both((row) => `update transfer set code = 'voucher' where event = ${topup(row)}`),
  ...both((row) => `update transfer set code = 'transfer' where event = ${topup(row)}`),
  ...both((row) => `update transfer set code = 'topup' where event = ${voucher(row)}`),
  ...both((row) => `update transfer set event = gen_random_uuid() where event = ${topup(row)}`),
  ...both((row) => `update transfer set unit = 2 where event = ${topup(row)}`),
  "delete from transfer where kind = 'captured'",
  "delete from transfer where kind = 'released'",
  "update transfer set amount = amount + 1 where kind = 'captured'",
  "update transfer set amount = 20000 where kind = 'captured'",
  "update transfer set amount = amount - 1 where kind = 'released'",
  "update transfer set event = gen_random_uuid() where kind = 'captured'",
  "delete from transfer where kind = 'pending' and event not in (select event from transfer where phase = 1)",
  ...both((row) => `delete from voucher_end where mac = ${ended(row)}`),
  ...both((row) => `update voucher_end set subscriber = subscriber + 1 where mac = ${ended(row)}`),
  ...both((row) => `update voucher_end set serial = serial + 100 where mac = ${ended(row)}`),
  ...both((row) => `update voucher_end set event = gen_random_uuid() where mac = ${ended(row)}`),
  `update voucher_end set event = (select event from voucher_end where mac = ${ended(1)}) where mac = ${ended(0)}`,
  ...both(
    (row) =>
      `update voucher_end set kind = 'void', subscriber = null, event = null, channel = null where mac = ${ended(row)}`,
  ),
  "insert into voucher_end (mac, kind, batch, serial) select mac, 'void', batch, serial from voucher where mac not in (select mac from voucher_end) order by serial limit 1",
  "insert into voucher_end (mac, kind, batch, serial) select gen_random_uuid(), 'expired', batch, serial from voucher order by serial limit 1",
  "update voucher_range set issued = true where state = 'created'",
  "update voucher_range set issued = false where state = 'active'",
  "update voucher_range set state = 'active' where state = 'created'",
  "update voucher_range set state = 'void' where state = 'active'",
  "update voucher_range set last_serial = last_serial - 1 where state = 'active'",
  "delete from voucher_range where state = 'created'",
  'delete from voucher where mac in (select mac from voucher order by serial desc limit 1)',
  'update voucher_value set amount = amount + 1 where leg = 0',
  ...both((row) => `delete from notice where event = ${topup(row)}`),
  ...both(
    (row) =>
      `insert into notice (subscriber, event, kind) select subscriber, event, kind from notice where event = ${voucher(row)}`,
  ),
  "insert into notice (subscriber, event, kind) values (1, gen_random_uuid(), 'topup_credited')",
];

test('clean books raise no alarm', async () => {
  assert.deepEqual(
    (await audit(platform.db)).filter((check) => !check.ok),
    [],
  );
});

test(`each of ${defects.length} planted defects is found`, async () => {
  assert.ok(defects.length >= 50);
  const missed: string[] = [];
  for (const defect of defects) if ((await breachesOf(defect)).length === 0) missed.push(defect);
  assert.deepEqual(missed, []);
});

test('the books are clean again, and stay so while money moves', async () => {
  const partner = await newPartner(platform, { float: 1_000_000_00n });
  const load = Promise.all(
    Array.from({ length: 400 }, (_, index) =>
      platform.topups.credit({
        partner: partner.id,
        key: `load-${index}`,
        msisdn: parseMsisdn(newNumber()),
        amountMinor: 100_00n,
        operator: undefined,
      }),
    ),
  );
  for (let round = 0; round < 5; round += 1)
    assert.deepEqual(
      (await audit(platform.db)).filter((check) => !check.ok),
      [],
    );
  await load;
});

test('an audit entry that is edited, deleted, or slipped in breaks the chain, and only then', async () => {
  assert.deepEqual((await verify(platform.db)).broken, []);
  const [entry] = await platform.sql<{ id: bigint; actor: string }>(
    'select id, actor from audit_entry order by id limit 1',
  );
  const change = (text: string): Promise<unknown> =>
    platform.sql(`begin; set local session_replication_role = replica; ${text}; commit`);
  const plants: [string, string][] = [
    [
      `update audit_entry set actor = 'mallory' where id = ${entry?.id}`,
      `update audit_entry set actor = '${entry?.actor}' where id = ${entry?.id}`,
    ],
    [`update audit_seal set hash = sha256('x') where entry = ${entry?.id}`, ''],
  ];
  const [plant, undo] = plants[0] ?? ['', ''];
  await change(plant);
  assert.notDeepEqual((await verify(platform.db)).broken, []);
  await change(undo);
  assert.deepEqual((await verify(platform.db)).broken, []);
  await change(
    `create table kept as select * from audit_entry where id = ${entry?.id}; delete from audit_entry where id = ${entry?.id}`,
  );
  assert.notDeepEqual((await verify(platform.db)).broken, []);
  await change('insert into audit_entry overriding system value select * from kept; drop table kept');
  assert.deepEqual((await verify(platform.db)).broken, []);
  await change(plants[1]?.[0] ?? '');
  assert.notDeepEqual((await verify(platform.db)).broken, []);
});
