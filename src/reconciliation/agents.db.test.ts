import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newAgent, type TestAgent } from '../../test/support/agents.ts';
import { newNumber, openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { steppedClock } from '../base/clock.ts';
import type { Msisdn } from '../base/msisdn.ts';
import { Refusal } from '../base/refusal.ts';
import { audit } from '../reports/index.ts';
import type { AgentPayment } from '../topups/index.ts';
import { createReconciliation, type Difference, type Reconciliation } from './index.ts';

// A day of an agent beside what it says of it.

const root = mkdtempSync(join(tmpdir(), 'sapar-agent-registers-'));
let platform: TestPlatform;
let reconciliation: Reconciliation;

before(async () => {
  platform = await openTestPlatform();
  reconciliation = createReconciliation({ ...platform, clock: steppedClock(new Date('2026-11-20T00:00:00Z')) });
});
after(async () => {
  await platform.close();
  rmSync(root, { recursive: true, force: true });
});

const at = (time: string): Date => new Date(`2026-11-01T${time}+05:00`);
const day = { period: { from: { day: '2026-11-01' }, to: { day: '2026-11-01' } } };

type Paid = {
  agent: TestAgent;
  txnId: string;
  msisdn?: Msisdn;
  amountMinor?: bigint;
  time?: string;
  refusal?: Refusal;
};

function pay({
  agent,
  txnId,
  msisdn = newNumber(),
  amountMinor = 500_00n,
  time = '12:00:00',
  refusal,
}: Paid): Promise<AgentPayment> {
  return platform.topups.pay({
    agent: agent.id,
    protocol: 'osmp',
    txnId,
    txnDate: at(time),
    account: msisdn,
    amountMinor,
    operator: undefined,
    refusal,
    finals: new Map([['subscriber.closed', 79]]),
  });
}

let files = 0;
function register(lines: readonly string[], head = 'txn_id;txn_date;account;sum;prv_txn;status'): string {
  files += 1;
  const path = join(root, `register-${files}.csv`);
  writeFileSync(path, `${[head, ...lines].join('\n')}\n`);
  return path;
}

function bring(agent: TestAgent, path: string, extras: object = {}) {
  return reconciliation.import({
    source: `agent:${agent.name}`,
    path,
    name: 'register.csv',
    actor: 'alice',
    known: day,
    ...extras,
  });
}

async function open(agent: TestAgent): Promise<Difference[]> {
  const { differences } = await reconciliation.list({ source: `agent:${agent.name}`, isOpenOnly: true });
  return differences;
}
const kinds = (differences: readonly Difference[]): string[] =>
  differences.map(({ kind, entry, stake }) => `${kind} ${entry ?? ''} ${stake.minor}`.replace('  ', ' ')).sort();

test('a register that says what we were told leaves no difference, by its clock', async () => {
  const agent = await newAgent(platform);
  const number = newNumber();
  const first = await pay({ agent, txnId: '100', msisdn: number });
  await pay({ agent, txnId: '101', time: '00:00:00' });
  await pay({ agent, txnId: '102', time: '23:59:59', amountMinor: 123_45n });
  await pay({ agent, txnId: '103', refusal: new Refusal('subscriber.closed') });
  const lines = [
    `100;20261101120000;${number.slice(1)};500.00;${first.prvTxn};0`,
    '101;2026-11-01 00:00:00;;500.00;;0',
    '102;01.11.2026 23:59:59;;123,45;;0',
    '103;20261101120000;;500.00;;79',
  ];
  const { file, differences } = await bring(agent, register(lines));
  assert.equal(file.layout, 'agent.register');
  assert.deepEqual(kinds(await open(agent)), []);
  assert.equal(differences.open, 0);
});

test('a payment is found by our name for it where the register has no other', async () => {
  const agent = await newAgent(platform);
  const { prvTxn } = await pay({ agent, txnId: '150' });
  await bring(agent, register([`20261101120000;500.00;${prvTxn}`], 'date;sum;prv_txn'));
  assert.deepEqual(kinds(await open(agent)), []);
});

test('each thing that differs is one difference over the money at stake', async () => {
  const agent = await newAgent(platform);
  const number = newNumber();
  for (const txnId of ['200', '201', '202', '203']) await pay({ agent, txnId, msisdn: number });
  await pay({ agent, txnId: '204', refusal: new Refusal('subscriber.closed') });
  await pay({ agent, txnId: '205', msisdn: number });
  const lines = [
    `200;20261101120000;${number.slice(1)};500.00;;0`,
    '201;20261101120000;;400.00;;0',
    `202;20261101120000;${newNumber().slice(1)};500.00;;0`,
    // 203 is missing; 204 was refused; nobody has heard of 206.
    '204;20261101120000;;500.00;;0',
    '205;20261101120000;;500.00;;300',
    '206;20261101120000;;700.00;;0',
    '200;20261101120100;;500.00;;0',
  ];
  await bring(agent, register(lines));
  assert.deepEqual(kinds(await open(agent)), [
    'amount 201 10000',
    'not_in_report 50000',
    'not_with_us 206 70000',
    'number 202 50000',
    'state 204 50000',
    'state 205 50000',
    'twice 200 50000',
  ]);
});

test("one agent's names are nobody else's, and our names are not theirs", async () => {
  const one = await newAgent(platform);
  const two = await newAgent(platform);
  const mine = await pay({ agent: one, txnId: '300', amountMinor: 100_00n });
  // Theirs is the number that ours is of the payment before.
  await pay({ agent: two, txnId: String(mine.prvTxn), amountMinor: 900_00n });
  await pay({ agent: one, txnId: String(mine.prvTxn), amountMinor: 200_00n });
  await bring(
    one,
    register([`300;20261101120000;;100.00;${mine.prvTxn};0`, `${mine.prvTxn};20261101120000;;200.00;;0`]),
  );
  assert.deepEqual(kinds(await open(one)), []);
  const strange = await bring(two, register([`300;20261101120000;;100.00;${mine.prvTxn};0`]));
  assert.deepEqual(kinds(await open(two)), ['not_in_report 90000', 'not_with_us 300 10000']);
  assert.equal(strange.differences.open, 2);
  const { differences } = await reconciliation.list();
  assert.ok(
    differences.some(({ source }) => source === `agent:${two.name}`),
    'all sources are looked at',
  );
});

test('an agent writes its register in its own way, by its own clock, in its own words', async () => {
  const layout = {
    columns: { external: 'Номер', date: 'Дата', time: 'Время', account: 'Телефон', amount: 'Сумма', status: 'Статус' },
    delimiter: ';',
    encoding: 'windows-1251',
    states: { зачислен: 'done' },
    total: 'Итого',
  };
  const agent = await newAgent(platform, { settings: { register: layout, zoneMinutes: 180 } });
  await pay({ agent, txnId: '400', time: '12:00:00' });
  const text = 'Номер;Дата;Время;Телефон;Сумма;Статус\n400;01.11.2026;10:00:00;;500,00;Зачислен\nИтого;1;500,00;;;\n';
  const path = join(root, 'own.csv');
  const bytes = [...text].map((letter) => {
    const code = letter.codePointAt(0) ?? 0;
    return code < 128 ? code : code - 0x410 + 0xc0;
  });
  writeFileSync(path, Buffer.from(bytes));
  const { file } = await bring(agent, path);
  assert.equal(file.layout, 'agent.described');
  assert.equal(file.period.from.toISOString(), '2026-10-31T21:00:00.000Z', 'a day of Moscow');
  assert.deepEqual(kinds(await open(agent)), []);
});

test("QIWI's standard register is read by its id", async () => {
  const agent = await newAgent(platform);
  await pay({ agent, txnId: '500', time: '12:00:00' });
  const path = join(root, 'qiwi.txt');
  writeFileSync(path, '500\t01.11.2026\t10:00:00\t7010000001\t500.00\nTotal: 1 500.00\n');
  await bring(agent, path, { layout: { id: 'agent.qiwi' }, known: undefined });
  assert.deepEqual(kinds(await open(agent)), ['number 500 50000']);
});

test('the results of Kaspi are not those of OSMP', async () => {
  const agent = await newAgent(platform, { protocol: 'kaspi' });
  await platform.topups.pay({
    agent: agent.id,
    protocol: 'kaspi',
    txnId: '600',
    txnDate: at('12:00:00'),
    account: newNumber(),
    amountMinor: 500_00n,
    operator: undefined,
    refusal: new Refusal('subscriber.closed'),
    finals: new Map([['subscriber.closed', 1]]),
  });
  await bring(agent, register(['600;20261101120000;;500.00;;1']));
  assert.deepEqual(kinds(await open(agent)), [], '1 is final there');
});

test('the register of nobody, or of an agent in words of another, is refused', async () => {
  const agent = await newAgent(platform);
  await assert.rejects(bring({ ...agent, name: 'nobody' }, register(['1;20261101;;1;;'])), { code: 'agent.not_found' });
  await assert.rejects(bring(agent, register(['1;2'], 'a;b')), { code: 'report.invalid' });
  await assert.rejects(bring(agent, register(['1;20261101;;1;;']), { layout: { id: 'osmp.register' } }), {
    code: 'report.invalid',
  });
});

test('the audit of it all is clean', async () => {
  const broken = (await audit(platform.db)).filter(({ ok }) => !ok).map(({ name, breaches }) => `${name} ${breaches}`);
  assert.deepEqual(broken, []);
});
