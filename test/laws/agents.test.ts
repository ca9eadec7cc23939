import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { seal } from '../../src/audit/index.ts';
import { Refusal } from '../../src/base/refusal.ts';
import { closeDb, type Db, openDb } from '../../src/db/index.ts';
import { audit } from '../../src/reports/index.ts';
import { newAgent } from '../support/agents.ts';
import { breachesOf } from '../support/planting.ts';
import { newNumber, openTestPlatform, type TestPlatform } from '../support/platform.ts';

// The audit of agents' payments finds what is there: a few payments of two agents, and then defects planted in them.

let platform: TestPlatform;
let owner: Db;

before(async () => {
  platform = await openTestPlatform();
  owner = openDb(platform.ownerUrl, 1);
  const agents = [await newAgent(platform), await newAgent(platform, { protocol: 'kaspi' })] as const;
  for (const [index, agent] of agents.entries()) {
    const base = {
      agent: agent.id,
      protocol: index === 0 ? 'osmp' : 'kaspi',
      txnDate: new Date(),
      operator: undefined,
    };
    const finals = new Map([['subscriber.closed', 79]] as const);
    for (const txnId of ['1', '2', '3'])
      await platform.topups.pay({
        ...base,
        txnId,
        account: newNumber(),
        amountMinor: 500_00n,
        refusal: undefined,
        finals,
      });
    const refusal = new Refusal('subscriber.closed');
    await platform.topups.pay({ ...base, txnId: '9', account: newNumber(), amountMinor: 500_00n, refusal, finals });
  }
  await platform.agents.set(agents[0].name, { sumMinorMin: 200_00n }, 'test');
  await seal(platform.db);
});
after(async () => {
  await closeDb(owner);
  await platform.close();
});

const paid = (row: number): string =>
  `(agent, txn_id) = (select agent, txn_id from agent_payment where result = 0 order by prv_txn offset ${row} limit 1)`;
const refused =
  '(agent, txn_id) = (select agent, txn_id from agent_payment where result <> 0 order by prv_txn limit 1)';
const credited = (row: number): string =>
  `event = (select event from agent_payment where result = 0 order by prv_txn offset ${row} limit 1)`;

const defects: string[] = [
  ...[0, 1].map((row) => `delete from agent_payment where ${paid(row)}`),
  ...[0, 1].map((row) => `update agent_payment set amount_minor = amount_minor + 1 where ${paid(row)}`),
  ...[0, 1].map((row) => `update agent_payment set event = gen_random_uuid() where ${paid(row)}`),
  ...[0, 1].map((row) => `update agent_payment set account_index = gen_random_uuid() where ${paid(row)}`),
  ...[0, 1].map((row) => `update agent_payment set answered_at = answered_at + interval '1 hour' where ${paid(row)}`),
  ...[0, 1].map((row) => `update agent_payment set result = 79, reason = 'subscriber.closed' where ${paid(row)}`),
  `update agent_payment set result = 0, reason = null where ${refused}`,
  `update agent_payment set agent = (select max(partner) from agent), txn_id = '77' where ${paid(0)}`,
  // A no under the name of a yes.
  `with gone as (delete from agent_payment where ${refused} returning *)
    insert into agent_payment (agent, txn_id, protocol, prv_txn, event, account_index, amount_minor, txn_date, result, reason, answered_at)
    overriding system value
    select agent, '90', protocol, (select min(prv_txn) from agent_payment where result = 0), event, account_index, amount_minor, txn_date, result, reason, answered_at from gone`,
  `update agent_payment set event = (select event from agent_payment where ${paid(1)}) where ${paid(0)}`,
  `update agent_payment set protocol = 'kaspi' where ${paid(0)}`,
  // The same payment a second time under another name of theirs, as if one transfer stood for two.
  `insert into agent_payment (agent, txn_id, protocol, event, account_index, amount_minor, txn_date, result, answered_at)
    select agent, '88', protocol, event, account_index, amount_minor, txn_date, result, answered_at from agent_payment where ${paid(0)}`,
  // Told as done, and nothing moved.
  `insert into agent_payment (agent, txn_id, protocol, event, account_index, amount_minor, txn_date, result, answered_at)
    select agent, '89', protocol, gen_random_uuid(), account_index, amount_minor, txn_date, result, answered_at from agent_payment where ${paid(0)}`,
  ...[0, 1].map((row) => `update transfer set code = 'topup' where ${credited(row)}`),
  ...[0, 1].map((row) => `update transfer set amount = amount + 1 where ${credited(row)}`),
  `update transfer set debit = (select (max(partner) << 20) | (1 << 16) | 65535 from agent) where ${credited(0)}`,
  `update transfer set recorded_at = recorded_at + interval '1 second' where ${credited(0)}`,
  `delete from transfer where ${credited(0)}`,
  `delete from notice where ${credited(0)}`,
  "update agent set protocol = 'kaspi' where protocol = 'osmp'",
  'delete from agent where partner = (select min(partner) from agent)',
  "update agent set changed_at = changed_at + interval '1 hour' where protocol = 'kaspi'",
  "delete from audit_entry where action = 'agent.set'",
  "delete from audit_entry where action = 'agent.create'",
];

const alarms = async (): Promise<string[]> =>
  (await audit(platform.db)).filter(({ ok }) => !ok).map(({ name, breaches }) => `${name}: ${breaches[0]}`);

test('payments of agents leave the audit clean', async () => {
  assert.deepEqual(await alarms(), []);
});

test(`each of ${defects.length} defects planted among them is found`, async () => {
  const missed: string[] = [];
  for (const defect of defects) if ((await breachesOf(owner, defect)).length === 0) missed.push(defect);
  assert.deepEqual(missed, []);
  assert.deepEqual(await alarms(), []);
});

test("by the checks of agents' payments alone, not by their neighbours'", async () => {
  const own = /agents' (payments|settings)/;
  const neighbours = defects.filter((defect) =>
    /transfer set (code|amount|debit)|delete from (notice|transfer)/.test(defect),
  );
  const missed: string[] = [];
  for (const defect of defects)
    if (!neighbours.includes(defect) && !(await breachesOf(owner, defect)).some((name) => own.test(name)))
      missed.push(defect);
  assert.deepEqual(missed, []);
});
