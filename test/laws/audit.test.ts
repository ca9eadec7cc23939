import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seal, verify } from '../../src/audit/index.ts';
import { eventId } from '../../src/base/ids.ts';
import { parseMsisdn } from '../../src/base/msisdn.ts';
import { closeDb, type Db, openDb, withTx } from '../../src/db/index.ts';
import { endHolds, floatAccount, type LedgerEvent, mainAccount, post } from '../../src/ledger/index.ts';
import { audit } from '../../src/reports/index.ts';
import { parsePin } from '../../src/vouchers/index.ts';
import { breachesOf } from '../support/planting.ts';
import {
  issueVouchers,
  newNumber,
  newPartner,
  newPin,
  openTestPlatform,
  type TestPlatform,
} from '../support/platform.ts';

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
  await issueVouchers(platform, { values: [{ unit: 'KZT', amount: 200_00n }], count: 3, state: 'locked' });
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
  await holds(partner.id);
  await seal(platform.db);
}

async function holds(partner: bigint): Promise<void> {
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
  ...both((row) => `update notice set subscriber = subscriber + 1 where event = ${topup(row)}`),
  "update account set floor = null where kind = 'partner_float'",
  "update account set floor = 0 where kind = 'cash'",
  "update account set kind = 'partner_float' where kind = 'subscriber'",
  "update account set kind = 'cash' where kind = 'voucher_outstanding' and credits_posted > 0",
  ...both((row) => `update voucher_end set ended_at = ended_at - interval '1 day' where mac = ${ended(row)}`),
  // A stolen card for sale again, and a batch that nobody approved.
  "update voucher_range set state = 'active' where state = 'locked'",
  "update voucher_range set approval = null where state = 'active'",
  "update voucher_range set approval = (select approval from voucher_range where state = 'locked') where state = 'active'",
  'update voucher_batch set approval = (select max(id) from approval) where id = (select min(id) from voucher_batch)',
  'delete from approval_vote where approval = (select min(approval) from voucher_range)',
  "update approval_vote set checker = 'test' where approval = (select min(approval) from voucher_range)",
  "update approval_use set request_hash = sha256('other') where approval = (select min(approval) from voucher_range)",
  'delete from approval_use where approval = (select min(approval) from voucher_range)',
  // Money that somebody prints, with every counter as it should be: the trail knows of no such payment.
  ...both(
    (row) => `with printed as (
        insert into transfer (event, leg, kind, code, debit, credit, amount, unit)
        select gen_random_uuid(), leg, kind, code, debit, credit, ${row + 1}00, unit from transfer where code = 'float_fund' limit 1
        returning debit, credit, amount
      ) update account set debits_posted = debits_posted + case when id = debit then amount else 0 end,
        credits_posted = credits_posted + case when id = credit then amount else 0 end
      from printed where id in (debit, credit)`,
  ),
  "delete from audit_entry where action = 'partner.fund'",
  // The same done to face value: cards would be worth more than was issued.
  `with issued as (
      insert into transfer (event, leg, kind, code, debit, credit, amount, unit)
      select gen_random_uuid(), leg, kind, code, debit, credit, amount, unit from transfer where code = 'voucher_issue' and leg = 0 limit 1
      returning debit, credit, amount
    ) update account set debits_posted = debits_posted + case when id = debit then amount else 0 end,
      credits_posted = credits_posted + case when id = credit then amount else 0 end
    from issued where id in (debit, credit)`,
];

test('clean books raise no alarm', async () => {
  assert.deepEqual(await alarms(), []);
});

test(`each of ${defects.length} planted defects is found`, async () => {
  assert.ok(defects.length >= 50);
  const missed: string[] = [];
  for (const defect of defects) if ((await breachesOf(owner, defect)).length === 0) missed.push(defect);
  assert.deepEqual(missed, []);
});

test('the books are clean again, and stay so while money moves, cards are used and the trail is sealed', async () => {
  const partner = await newPartner(platform, { float: 1_000_000_00n });
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: 100_00n }], count: 200 });
  const { name } = partner;
  // More than one page of the trail, so that the sealer passes the reader between two of them.
  await platform.sql(
    `insert into audit_entry (actor, action, subject) select 'test', 'test.note', 'test:' || n from generate_series(1, 3000) as n`,
  );
  let isOver = false;
  const untilOver = async (work: (round: number) => Promise<unknown>): Promise<void> => {
    for (let round = 0; !isOver; round += 1) await work(round);
  };
  const credit = (round: number) => {
    const msisdn = newNumber();
    const command = { partner: partner.id, msisdn, amountMinor: 100_00n, operator: undefined };
    return platform.topups.creditMany(
      Array.from({ length: 20 }, (_, index) => ({ ...command, key: `load-${round}-${index}` })),
    );
  };
  const redeem = async (round: number) => {
    const target = newNumber();
    const pin = parsePin(pins[round] ?? newPin());
    const command = { target, caller: target, channel: 'cli', gateway: undefined } as const;
    await platform.topups.redeem({ ...command, pin, operator: undefined, apiKey: undefined }).catch(() => undefined);
  };
  const fund = (round: number) =>
    platform.partners.fund({ name, amountMinor: 100n, key: `load-${round}`, actor: 'test' });
  const load = [credit, redeem, fund, () => seal(platform.db)].map(untilOver);
  try {
    for (let round = 0; round < 30; round += 1) assert.deepEqual(await alarms(), []);
  } finally {
    isOver = true;
    await Promise.all(load);
  }
});

async function alarms(): Promise<string[]> {
  return (await audit(platform.db)).filter((check) => !check.ok).map((check) => `${check.name}: ${check.breaches[0]}`);
}

const entry = (row: number): string => nth('audit_entry', 'id', row);
const tampering = [
  ...both((row) => `update audit_entry set actor = 'mallory' where id = ${entry(row)}`),
  ...both((row) => `update audit_entry set details = details || '{"amount": "1.00"}' where id = ${entry(row)}`),
  `update audit_entry set at = at + interval '1 microsecond' where id = ${entry(0)}`,
  `update audit_entry set subject = 'partner:other' where id = ${entry(1)}`,
  ...both((row) => `delete from audit_entry where id = ${entry(row)}`),
  ...both((row) => `update audit_seal set hash = sha256('x') where entry = ${entry(row)}`),
  ...both((row) => `delete from audit_seal where entry = ${entry(row)}`),
  // An entry goes with its seal, or is replaced: those behind it no longer follow.
  `with gone as (delete from audit_seal where entry = ${entry(1)}) delete from audit_entry where id = ${entry(1)}`,
  `with moved as (delete from audit_entry where id = ${entry(1)} returning *)
    insert into audit_entry (id, at, actor, action, subject, details) overriding system value
    select 1000000, at, actor, action, subject, details from moved`,
  `insert into audit_entry (id, actor, action, subject) overriding system value values (${entry(0)} - 1, 'mallory', 'a.b', 'c:d')`,
  "insert into audit_seal (entry, hash) values (999999, sha256('x'))",
];

test(`each of ${tampering.length} ways to tamper with the trail breaks the chain`, async () => {
  await seal(platform.db);
  assert.deepEqual((await verify(platform.db)).broken, []);
  const missed: string[] = [];
  for (const defect of tampering) if (!(await breachesOf(owner, defect)).includes('audit chain')) missed.push(defect);
  assert.deepEqual(missed, []);
  assert.deepEqual(await alarms(), []);
});
