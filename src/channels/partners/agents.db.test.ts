import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { newAgent, type Said, say, serveAgents, type TestAgent } from '../../../test/support/agents.ts';
import { seeded } from '../../../test/support/kills.ts';
import { mutated } from '../../../test/support/mutation.ts';
import { newNumber, openTestPlatform, type TestPlatform, type TestServer } from '../../../test/support/platform.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import type { AgentSettings } from '../../parties/index.ts';
import { audit } from '../../reports/index.ts';
import type { Alarm } from '../../topups/index.ts';
import { kaspiFinals } from './kaspi/results.ts';
import { osmpFinals } from './osmp/results.ts';

// Whole exchanges, byte for byte, as a network has them over a socket.

const alarms: Alarm[] = [];
const errors: unknown[] = [];
let platform: TestPlatform;
let server: TestServer;
let osmp: TestAgent;
let kaspi: TestAgent;

before(async () => {
  platform = await openTestPlatform({ onAlarm: (alarm) => alarms.push(alarm) });
  server = await serveAgents(platform, { onError: (error) => errors.push(error), trustProxy: '127.0.0.1' });
  osmp = await newAgent(platform);
  kaspi = await newAgent(platform, { protocol: 'kaspi', settings: { bin: '123456789012' } });
});
after(async () => {
  await server.close();
  await platform.close();
});

let names = 0;
const newTxn = (): string => {
  names += 1;
  return String(1_234_000 + names);
};

type Asked = { command: string; txn_id: string; account: string; sum: string; txn_date?: string };
const query = (asked: Partial<Asked>): string =>
  new URLSearchParams({ ...(asked.command === 'pay' ? { txn_date: '20261124153000' } : {}), ...asked }).toString();

const ask = (agent: TestAgent, asked: Partial<Asked>, protocol = 'osmp'): Promise<Said> =>
  say(server.url, `/${protocol}/${agent.name}?${query(asked)}`);

const account = (msisdn: Msisdn): string => msisdn.slice(1);
const xml = (inner: string): string => `<?xml version="1.0" encoding="UTF-8"?>\n<response>${inner}</response>\n`;
const resultOf = ({ body }: Said): number =>
  Number(/<result>(\d+)<\/result>/.exec(body)?.[1] ?? (body.startsWith('{') ? JSON.parse(body).result : Number.NaN));
const prvTxnOf = ({ body }: Said): string | undefined => /<prv_txn>(\d+)<\/prv_txn>/.exec(body)?.[1];

async function balance(msisdn: Msisdn): Promise<string> {
  const [bucket] = await platform.subscribers.balances(msisdn);
  return bucket?.amount ?? '';
}

async function kept(agent: TestAgent, txn: string) {
  const [row] = await platform.sql<{ result: number; reason: string | null; prv_txn: bigint; amount_minor: bigint }>(
    'select result, reason, prv_txn, amount_minor from agent_payment where agent = $1 and txn_id = $2',
    [agent.id, txn],
  );
  return row;
}

async function assertClean(): Promise<void> {
  const broken = (await audit(platform.db)).filter(({ ok }) => !ok).map(({ name, breaches }) => `${name}: ${breaches}`);
  assert.deepEqual(broken, []);
  assert.deepEqual(errors, []);
}

test('OSMP: a check and a payment, byte for byte', async () => {
  const number = newNumber();
  const txn = newTxn();
  const asked = { txn_id: txn, account: account(number), sum: '200.45' };
  const checked = await ask(osmp, { command: 'check', ...asked });
  assert.deepEqual(checked, {
    status: 200,
    type: 'text/xml; charset=utf-8',
    body: xml(`<osmp_txn_id>${txn}</osmp_txn_id><result>0</result><comment>OK</comment>`),
  });
  await assert.rejects(platform.subscribers.balances(number), { code: 'subscriber.not_found' }, 'a check opens nobody');
  assert.equal(await kept(osmp, txn), undefined, 'a check is not kept');
  const paid = await ask(osmp, { command: 'pay', ...asked });
  const row = await kept(osmp, txn);
  assert.deepEqual(paid, {
    status: 200,
    type: 'text/xml; charset=utf-8',
    body: xml(
      `<osmp_txn_id>${txn}</osmp_txn_id><prv_txn>${row?.prv_txn}</prv_txn><sum>200.45</sum><result>0</result><comment>OK</comment>`,
    ),
  });
  assert.equal(await balance(number), '200.45');
  const form = query({ command: 'pay', ...asked });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const again = await say(server.url, `/osmp/${osmp.name}`, { method: 'POST', headers, body: form });
  assert.deepEqual(again, paid, 'the repeat, this time as a form');
  assert.equal(await balance(number), '200.45');
});

test("OSMP: a network's own tag, fields for the payer, and words in its language", async () => {
  const settings: Partial<AgentSettings> = {
    echoTag: 'txn_id',
    language: 'kk',
    fields: [
      { shows: 'number', label: 'Абонент & "нөмір"' },
      { shows: 'operator', label: 'Оператор' },
    ],
  };
  const agent = await newAgent(platform, { settings });
  const said = await ask(agent, { command: 'check', txn_id: '5', account: '7011234567', sum: '200' });
  assert.equal(
    said.body,
    xml(
      '<txn_id>5</txn_id><result>0</result><fields><field1 name="Абонент &amp; &quot;нөмір&quot;" type="disp">701***4567</field1>' +
        '<field2 name="Оператор" type="disp">Kcell</field2></fields><comment>OK</comment>',
    ),
  );
  const small = await ask(agent, { command: 'check', txn_id: '5', account: '7011234567', sum: '1' });
  assert.match(small.body, /<result>241<\/result><comment>[^<]*100[^<]*₸[^<]*<\/comment>/);
});

test('Kaspi: a check and a payment in JSON, field for field', async () => {
  const number = newNumber();
  const txn = newTxn();
  const asked = { txn_id: txn, account: account(number), sum: '200.00' };
  const checked = await ask(kaspi, { command: 'check', ...asked }, 'kaspi');
  assert.equal(checked.type, 'application/json; charset=utf-8');
  assert.equal(checked.body, `{"txn_id":"${txn}","result":0,"sum":"200.00","bin":"123456789012","comment":"OK"}`);
  const paid = await ask(kaspi, { command: 'pay', ...asked }, 'kaspi');
  const row = await kept(kaspi, txn);
  assert.equal(
    paid.body,
    `{"txn_id":"${txn}","prv_txn_id":"${row?.prv_txn}","result":0,"sum":"200.00","bin":"123456789012","comment":"OK"}`,
  );
  assert.deepEqual(await ask(kaspi, { command: 'pay', ...asked }, 'kaspi'), paid);
  assert.equal(await balance(number), '200.00');
  const form = await say(server.url, `/kaspi/${kaspi.name}`, {
    method: 'POST',
    body: query({ command: 'pay', ...asked }),
  });
  assert.equal(form.status, 405, 'Kaspi asks by GET alone');
});

test('Kaspi: the same as XML, with what the payer is shown', async () => {
  const settings: Partial<AgentSettings> = { answer: 'xml', fields: [{ shows: 'number', label: 'Абонент' }] };
  const agent = await newAgent(platform, { protocol: 'kaspi', settings });
  const txn = newTxn();
  const checked = await ask(agent, { command: 'check', txn_id: txn, account: '7011234567', sum: '1.00' }, 'kaspi');
  assert.equal(
    checked.body,
    xml(
      `<txn_id>${txn}</txn_id><sum>1.00</sum><result>0</result><comment>OK</comment><fields><field1 name="Абонент">701***4567</field1></fields>`,
    ),
  );
  const number = newNumber();
  const paid = await ask(agent, { command: 'pay', txn_id: txn, account: account(number), sum: '300.00' }, 'kaspi');
  const row = await kept(agent, txn);
  assert.equal(
    paid.body,
    xml(
      `<txn_id>${txn}</txn_id><prv_txn>${row?.prv_txn}</prv_txn><sum>300.00</sum><result>0</result><comment>OK</comment>`,
    ),
  );
});

const closed = newNumber();
const turns = `
  account=701123456&sum=200         4    1
  account=9161234567&sum=200        5    1
  account=7172123456&sum=200        5    1
  account=CLOSED&sum=200            79   1
  account=7011234567&sum=99.99      241  5
  account=7011234567&sum=50000.01   242  5
  account=7011234567&sum=1,5        300  5
  account=%ZZ&sum=200               300  5
  account=%CF%F0&sum=200            300  5
  account=7011234567&account=7017654321&sum=200 300 5
  account=7011234567&sum=200&sum=200 300 5
  account=7011234567                300  5
  account=<a>&sum=200               4    1`;
for (const line of turns.trim().split('\n')) {
  const [said = '', atOsmp = '', atKaspi = ''] = line.trim().split(/ +/);
  test(`'${said}' is paid with ${atOsmp} at OSMP and ${atKaspi} at Kaspi, and so is its repeat`, async () => {
    const asked = said.replace('CLOSED', account(await closedNumber()));
    for (const [agent, protocol, result] of [
      [osmp, 'osmp', atOsmp],
      [kaspi, 'kaspi', atKaspi],
    ] as const) {
      const txn = newTxn();
      const path = `/${protocol}/${agent.name}?command=pay&txn_id=${txn}&txn_date=20261124153000&${asked}`;
      const first = await say(server.url, path);
      assert.deepEqual([first.status, resultOf(first)], [200, Number(result)], first.body);
      assert.deepEqual(await say(server.url, path), first);
      assert.equal((await kept(agent, txn))?.result, Number(result));
      assert.equal(prvTxnOf(first), undefined);
    }
  });
}

async function closedNumber(): Promise<Msisdn> {
  if ((await platform.subscribers.read(closed)) === undefined)
    await ask(osmp, { command: 'pay', txn_id: newTxn(), account: account(closed), sum: '100' });
  await platform.subscribers.setStatus(closed, 'closed', { actor: 'test', reason: 'test' });
  return closed;
}

test('a no is for good: the number is opened again and the payment is not', async () => {
  const number = await closedNumber();
  const refused = { command: 'pay', txn_id: newTxn(), account: account(number), sum: '100' };
  const paidBefore = { command: 'pay', txn_id: newTxn(), account: account(newNumber()), sum: '100' };
  const paid = await ask(osmp, paidBefore);
  assert.equal(resultOf(await ask(osmp, { ...refused, command: 'check' })), 79);
  assert.equal(resultOf(await ask(osmp, refused)), 79);
  await platform.subscribers.setStatus(number, 'active', { actor: 'test', reason: 'test' });
  assert.equal(resultOf(await ask(osmp, refused)), 79);
  assert.equal(resultOf(await ask(osmp, { ...refused, txn_id: newTxn() })), 0, 'another payment is another matter');
  await platform.agents.set(osmp.name, { sumMinorMin: 500_00n }, 'test');
  assert.equal(resultOf(await ask(osmp, { ...paidBefore, txn_id: newTxn() })), 241);
  assert.deepEqual(await ask(osmp, paidBefore), paid, 'and a yes stays a yes, whatever is allowed now');
  await platform.agents.set(osmp.name, { sumMinorMin: 100_00n }, 'test');
});

test('a request without a name, or with a command nobody knows, is answered without one and not kept', async () => {
  const [before] = await platform.sql<{ count: bigint }>('select count(*) from agent_payment');
  const nameless = await ask(osmp, { command: 'pay', account: '7011234567', sum: '200' });
  assert.match(nameless.body, /<response><osmp_txn_id\/><result>300<\/result><comment>/);
  assert.equal(JSON.parse((await ask(kaspi, { command: 'pay' }, 'kaspi')).body).txn_id, '');
  assert.equal(resultOf(await ask(kaspi, { command: 'pay', txn_id: '1234567890123456789' }, 'kaspi')), 5, '19 digits');
  for (const command of ['cancel', 'status', ''])
    assert.equal(resultOf(await ask(osmp, { command, txn_id: '77', account: '7011234567', sum: '200' })), 300);
  const [then] = await platform.sql<{ count: bigint }>('select count(*) from agent_payment');
  assert.deepEqual(then, before);
});

test('one name for two payments: the first stands, the second is a no that raises an alarm', async () => {
  const number = newNumber();
  const asked = { command: 'pay', txn_id: newTxn(), account: account(number), sum: '100' };
  const first = await ask(osmp, asked);
  alarms.length = 0;
  for (const other of [{ sum: '200' }, { account: account(newNumber()) }, { account: '123' }, { sum: 'x' }])
    assert.equal(resultOf(await ask(osmp, { ...asked, ...other })), 300);
  assert.deepEqual(
    alarms.map(({ kind }) => kind),
    new Array(4).fill('agent.txn_reused'),
  );
  assert.ok(!JSON.stringify(alarms).includes(account(number)));
  assert.deepEqual(
    await ask(osmp, { ...asked, account: number, txn_date: '20261125000000' }),
    first,
    'the same, said otherwise',
  );
  const atKaspi = { ...asked, txn_id: newTxn() };
  await ask(kaspi, atKaspi, 'kaspi');
  assert.equal(resultOf(await ask(kaspi, { ...atKaspi, sum: '200' }, 'kaspi')), 5);
  assert.equal(await balance(number), '200.00');
});

test('a hundred repeats at once are one credit and one prv_txn', async () => {
  const number = newNumber();
  const asked = { command: 'pay', txn_id: newTxn(), account: account(number), sum: '150' };
  const said = await Promise.all(Array.from({ length: 100 }, () => ask(osmp, asked)));
  assert.equal(new Set(said.map(({ body }) => body)).size, 1);
  assert.match(prvTxnOf(said[0] as Said) ?? '', /^\d{1,19}$/);
  assert.equal(await balance(number), '150.00');
});

test('a hundred at once under one name with fifty bodies are one credit, and everybody else is told no', async () => {
  const numbers = Array.from({ length: 50 }, newNumber);
  const txn = newTxn();
  const said = await Promise.all(
    [...numbers, ...numbers].map((number) =>
      ask(osmp, { command: 'pay', txn_id: txn, account: account(number), sum: '150' }),
    ),
  );
  const results = said.map(resultOf);
  assert.equal(results.filter((result) => result === 0).length, 2, 'the first and its own repeat');
  assert.equal(results.filter((result) => result === 300).length, 98);
  const [moved] = await platform.sql<{ count: bigint }>(
    `select count(*) from transfer join agent_payment using (event) where txn_id = $1`,
    [txn],
  );
  assert.equal(moved?.count, 1n);
});

test('two processes are asked for the same payments at once: each is paid once, and both say the same', async () => {
  const other = await openTestPlatform({ dataDir: platform.dataDir });
  const beside = await serveAgents(other, { onError: (error) => errors.push(error) });
  const asked = Array.from({ length: 40 }, () => ({ txn: newTxn(), number: newNumber() }));
  const said = await Promise.all(
    asked.flatMap(({ txn, number }) =>
      [server.url, beside.url].map((url) =>
        say(url, `/osmp/${osmp.name}?${query({ command: 'pay', txn_id: txn, account: account(number), sum: '175' })}`),
      ),
    ),
  );
  assert.deepEqual([...new Set(said.map(resultOf))], [0]);
  assert.equal(new Set(said.map(prvTxnOf)).size, asked.length);
  for (const [index, { number }] of asked.entries()) {
    assert.equal(said[2 * index]?.body, said[2 * index + 1]?.body);
    assert.equal(await balance(number), '175.00');
  }
  await beside.close();
  await other.close();
});

test('fifteen connections at once pay for a hundred numbers, each once', async () => {
  const numbers = Array.from({ length: 100 }, newNumber);
  const queue = [...numbers];
  const line = async (): Promise<void> => {
    for (let number = queue.pop(); number !== undefined; number = queue.pop())
      assert.equal(
        resultOf(await ask(osmp, { command: 'pay', txn_id: newTxn(), account: account(number), sum: '100' })),
        0,
      );
  };
  await Promise.all(Array.from({ length: 15 }, line));
  for (const number of numbers) assert.equal(await balance(number), '100.00');
});

test('an empty float turns a payer away before the money is in; a payment waits for it and is never ended', async () => {
  const agent = await newAgent(platform, { float: 150_00n });
  const bank = await newAgent(platform, { protocol: 'kaspi', float: 0n });
  const number = newNumber();
  const asked = { txn_id: newTxn(), account: account(number), sum: '200' };
  assert.equal(resultOf(await ask(agent, { command: 'check', ...asked })), 1);
  assert.equal(resultOf(await ask(agent, { command: 'pay', ...asked })), 1);
  assert.equal(resultOf(await ask(bank, { command: 'check', ...asked }, 'kaspi')), 4);
  assert.equal(resultOf(await ask(bank, { command: 'pay', ...asked }, 'kaspi')), 4);
  assert.equal(await kept(agent, asked.txn_id), undefined);
  await platform.partners.fund({ name: agent.name, amountMinor: 100_00n, key: 'more', actor: 'test' });
  assert.equal(resultOf(await ask(agent, { command: 'pay', ...asked })), 0);
  assert.equal(await balance(number), '200.00');
});

test('a suspended agent takes no new money; what was paid is still told, and what waits is not ended', async () => {
  const agent = await newAgent(platform);
  const asked = { command: 'pay', txn_id: newTxn(), account: account(newNumber()), sum: '100' };
  const paid = await ask(agent, asked);
  await platform.partners.setStatus(agent.name, 'suspended', 'test');
  await platform.agents.set(agent.name, {}, 'test');
  assert.equal(resultOf(await ask(agent, { ...asked, command: 'check' })), 7);
  assert.deepEqual(await ask(agent, asked), paid);
  const waiting = { ...asked, txn_id: newTxn() };
  assert.equal(resultOf(await ask(agent, waiting)), 1);
  await platform.partners.setStatus(agent.name, 'active', 'test');
  await platform.agents.set(agent.name, {}, 'test');
  assert.equal(resultOf(await ask(agent, waiting)), 0);
});

test('whoever is not the agent is told nothing: by address, by password, by certificate, by protocol, by name', async () => {
  const asked = query({ command: 'check', txn_id: '1', account: '7011234567', sum: '200' });
  const from = (address: string, headers: Record<string, string> = {}) => ({
    headers: { 'x-forwarded-for': address, ...headers },
  });
  const status = async (agent: TestAgent, options = {}, protocol = 'osmp'): Promise<number> =>
    (await say(server.url, `/${protocol}/${agent.name}?${asked}`, options)).status;
  const network = await newAgent(platform, { settings: { networks: ['194.187.247.152/29'] } });
  assert.equal(await status(network, from('194.187.247.153')), 200);
  assert.equal(await status(network, from('194.187.247.160')), 403);
  assert.equal(await status(network), 403, 'from here');
  assert.equal(await status(osmp, {}, 'kaspi'), 403);
  assert.equal(await status({ ...osmp, name: 'nobody-here' }), 403);
  assert.equal(await status({ ...osmp, name: '..%2fetc' }), 403);

  const secret = await newAgent(platform, { settings: { networks: [], user: 'qiwi' }, hasPassword: true });
  const basic = (user: string, password: string) => ({
    headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
  });
  assert.equal(await status(secret, basic('qiwi', secret.password)), 200);
  for (const wrong of [
    basic('qiwi', 'x'),
    basic('quwi', secret.password),
    basic('qiwi', ''),
    {},
    { headers: { authorization: 'Basic' } },
  ])
    assert.equal(await status(secret, wrong), 401);
  const newer = (await platform.agents.newPassword(secret.name, 'test')).reveal();
  assert.deepEqual(
    [await status(secret, basic('qiwi', newer)), await status(secret, basic('qiwi', secret.password))],
    [200, 200],
  );
  await platform.agents.endOldPasswords(secret.name, 'test');
  assert.deepEqual(
    [await status(secret, basic('qiwi', newer)), await status(secret, basic('qiwi', secret.password))],
    [200, 401],
  );

  const print = `${'AB:'.repeat(31)}CD`;
  const certified = await newAgent(platform, {
    settings: { networks: [], certificateHeader: 'X-Client-Fingerprint', certificates: [print] },
  });
  const shown = (text: string) => ({ headers: { 'x-client-fingerprint': text } });
  assert.equal(await status(certified, shown(print)), 200);
  assert.equal(await status(certified, shown(print.replaceAll(':', '').toLowerCase())), 200);
  assert.equal(await status(certified, shown(print.replace('CD', 'CE'))), 403);
  assert.equal(await status(certified), 403);
});

test("a certificate's header is believed of our proxy alone", async () => {
  const print = 'ab'.repeat(20);
  const settings = { networks: [], certificateHeader: 'x-client-fingerprint', certificates: [print] };
  const certified = await newAgent(platform, { settings });
  const bare = await serveAgents(platform);
  const path = `/osmp/${certified.name}?${query({ command: 'check', txn_id: '1', account: '7011234567', sum: '200' })}`;
  assert.equal((await say(bare.url, path, { headers: { 'x-client-fingerprint': print } })).status, 403);
  await bare.close();
});

test('whoever keeps trying passwords is slowed down, and the agent is not', async () => {
  const secret = await newAgent(platform, { settings: { networks: [], user: 'u' }, hasPassword: true });
  const path = `/osmp/${secret.name}?${query({ command: 'check', txn_id: '1', account: '7011234567', sum: '200' })}`;
  const alone = await serveAgents(platform);
  const tries = await Promise.all(Array.from({ length: 320 }, () => say(alone.url, path)));
  assert.deepEqual([...new Set(tries.map(({ status }) => status))].sort(), [401, 429]);
  const authorization = `Basic ${Buffer.from(`u:${secret.password}`).toString('base64')}`;
  assert.equal((await say(alone.url, path, { headers: { authorization } })).status, 200);
  await alone.close();
});

test('the two protocols share no table: what ends a payment at one asks again at the other', () => {
  assert.deepEqual([...osmpFinals.keys()].sort(), [...kaspiFinals.keys()].sort());
  assert.ok(![...osmpFinals.values()].includes(1), '1 ends nothing at OSMP');
  assert.ok(![...osmpFinals.values()].includes(90));
  assert.ok(![...kaspiFinals.values()].includes(4), '4 ends nothing at Kaspi');
  assert.ok(![...osmpFinals.values(), ...kaspiFinals.values()].includes(0));
});

test('answers are XML that another program reads', async () => {
  const agent = await newAgent(platform, { settings: { fields: [{ shows: 'number', label: `<&"'>` }] } });
  for (const asked of [
    { command: 'check', txn_id: '5', account: '7011234567', sum: '200' },
    { command: 'pay', txn_id: newTxn(), account: account(newNumber()), sum: '200' },
    { command: 'pay', txn_id: '<', account: '<&>', sum: ']]>' },
  ]) {
    const { body } = await ask(agent, asked);
    const read = spawnSync('xmllint', ['--noout', '-'], { input: body, encoding: 'utf8' });
    assert.equal(read.status, 0, `${body}\n${read.stderr}`);
  }
});

test('a HEAD pays nothing, and a request too large is not read', async () => {
  const asked = { command: 'pay', txn_id: newTxn(), account: account(newNumber()), sum: '200' };
  const head = await say(server.url, `/osmp/${osmp.name}?${query(asked)}`, { method: 'HEAD' });
  assert.ok(head.status >= 400, String(head.status));
  assert.equal(await kept(osmp, asked.txn_id), undefined);
  const large = await say(server.url, `/osmp/${osmp.name}`, { method: 'POST', body: `x=${'y'.repeat(20_000)}` });
  assert.equal(large.status, 413);
});

test('a document where a form should be is no request', async () => {
  for (const body of [
    '<?xml version="1.0"?><request><command>pay</command></request>',
    '<',
    '{"command":"pay"}',
    '\u0000\u0001',
  ]) {
    const headers = { 'content-type': body.startsWith('{') ? 'application/json' : 'text/xml' };
    const said = await say(server.url, `/osmp/${osmp.name}`, { method: 'POST', headers, body });
    assert.match(said.body, /<response><osmp_txn_id\/><result>300<\/result>/);
  }
});

test('a thousand broken requests over sockets of their own are each answered, and nobody else notices', async () => {
  const random = seeded(Number(process.env.FUZZ_SEED ?? process.pid));
  const good = Buffer.from(query({ command: 'pay', txn_id: '987654321', account: '7011234567', sum: '200' }));
  const port = Number(new URL(server.url).port);
  const line = async (): Promise<void> => {
    for (let count = 0; count < 50; count += 1) {
      const sent = Buffer.concat([
        Buffer.from(`GET /osmp/${osmp.name}?`),
        mutated(good, random),
        Buffer.from(' HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
      ]);
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.end(sent);
      const answer = await textOf(socket).catch(() => '');
      assert.match(answer, /^(HTTP\/1\.1 (200|4\d\d) |$)/, sent.toString('latin1'));
    }
  };
  await Promise.all(Array.from({ length: 20 }, line));
  const number = newNumber();
  assert.equal(
    resultOf(await ask(osmp, { command: 'pay', txn_id: newTxn(), account: account(number), sum: '100' })),
    0,
  );
});

test('after all of it the books are in order', assertClean);
