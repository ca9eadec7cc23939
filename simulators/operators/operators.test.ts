import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DVS, DVSAPIError } from '@dtone/dvs';
import { type Ending, endings, fateOf } from './endings.ts';
import { type Operators, startOperators } from './operators.ts';

/** Twenty seconds are a fifth of one. */
const PACE = 0.01;

const folder = mkdtempSync(join(tmpdir(), 'sapar-operators-'));
const journal = join(folder, 'operators.jsonl');
let operators: Operators;
let dvs: DVS;

before(async () => {
  operators = await startOperators({ journal, pace: PACE });
  dvs = clientOf(operators);
});

after(async () => {
  await operators.close();
  rmSync(folder, { recursive: true });
});

function clientOf({ dtoneUrl }: Operators): DVS {
  return new DVS({ apiKey: 'simulator', apiSecret: 'simulator', baseUrl: dtoneUrl });
}

async function restart(): Promise<void> {
  await operators.close();
  operators = await startOperators({ journal, pace: PACE });
  dvs = clientOf(operators);
}

/** What happens by itself happens later on a busy machine; a callback that met the restart is tried again seconds later. */
async function until(holds: () => boolean): Promise<void> {
  for (let waited = 0; !holds() && waited < 60_000; waited += 10) await delay(10);
  assert.ok(holds());
}

let references = 0;
const newReference = (): string => {
  references += 1;
  return String(7_000_000 + references);
};

const orderOf = (number: string, parts: Record<string, unknown> = {}) => ({
  externalId: newReference(),
  productId: 6006,
  calculationMode: 'DESTINATION_AMOUNT',
  destination: { unitType: 'CURRENCY', unit: 'KZT', amount: 1000 },
  autoConfirm: true,
  creditPartyIdentifier: { mobileNumber: number },
  ...parts,
});

const creditsOf = (reference: string): number =>
  operators
    .credits()
    .filter((credit) => credit.reference === reference)
    .reduce((times, credit) => times + credit.times, 0);

async function failsWith(code: number, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof DVSAPIError, String(error));
    assert.equal(error.data.errors[0]?.code, code);
    return true;
  });
}

test('the last three digits are read as in the sandbox of DT One, and any others complete at once', () => {
  const table: [string, Ending, number | undefined][] = [
    ['77071234100', 'completed', 3_000],
    ['77071234203', 'barred', 20_000],
    ['77071234307', 'exception', 300_000],
    ['77071234804', 'down', 0],
    ['77071234902', 'invalid', undefined],
    ['77071234402', 'completed', 0],
    ['77071234108', 'completed', 0],
    ['77071234567', 'completed', 0],
  ];
  for (const [number, ending, afterMs] of table) assert.deepEqual(fateOf(number, 1), { ending, afterMs }, number);
});

test("DT One's own client finds the catalogue, the balance and the operator of a number", async () => {
  const names: unknown[] = [];
  for await (const { data, metaData } of dvs.discovery.products.get({ params: { perPage: 1 } })) {
    assert.equal(metaData.total, 3);
    names.push(...data.map((product) => product.name));
  }
  assert.deepEqual(names, ['Kcell open range', 'Beeline open range', 'Tele2 open range']);
  assert.equal((await dvs.discovery.products.getByProductId({ productId: 6006 })).data.type, 'RANGED_VALUE_RECHARGE');
  for await (const { data } of dvs.account.balances.get({})) assert.equal(data[0]?.unit, 'USD');
  for await (const { data } of dvs.lookup.mobileNumber.getByMobileNumber({ mobileNumber: '+77071234567' })) {
    assert.equal(data[0]?.name, 'Tele2');
    assert.equal(data[0]?.identified, true);
  }
});

test("DT One's own client sees every ending, by its class and its words", async () => {
  const words = [
    'COMPLETED',
    'COMPLETED',
    'DECLINED-INVALID-CREDIT-PARTY',
    'DECLINED-BARRED-CREDIT-PARTY',
    'DECLINED-OPERATOR-CURRENTLY-UNAVAILABLE',
    'DECLINED-DUPLICATED-TRANSACTION',
    'DECLINED',
    'DECLINED-EXCEPTION',
  ];
  for (const digit of ['1', '2', '8']) {
    const asked = endings.map((_, index) =>
      dvs.transactions.async.create({ data: orderOf(`+77079000${digit}0${index}`) }),
    );
    const created = (await Promise.all(asked)).map(({ data }) => data);
    assert.ok(created.every(({ status }) => status.class.id === 2));
    await delay(digit === '8' ? 0 : 250);
    for (const [index, { id }] of created.entries()) {
      const { data } = await dvs.transactions.getByTransactionId({ transactionId: id });
      assert.equal(data.status.message, words[index]);
      assert.equal(data.status.class.id, index < 2 ? 7 : 9);
      assert.equal(data.operatorReference !== null, index < 2);
      assert.equal(data.pin !== null, index === 1);
      assert.equal(creditsOf(data.externalId), index < 2 ? 1 : 0);
    }
  }
});

test('a number that ends in 900 is never heard of again', async () => {
  const { data } = await dvs.transactions.async.create({ data: orderOf('+77079000900') });
  await delay(100);
  const later = await dvs.transactions.getByTransactionId({ transactionId: data.id });
  assert.equal(later.data.status.class.id, 5);
  assert.equal(creditsOf(data.externalId), 0);
});

test('a transaction waits to be confirmed, once, and can be cancelled before', async () => {
  const { data } = await dvs.transactions.async.create({ data: orderOf('+77079000555', { autoConfirm: false }) });
  assert.equal(data.status.class.id, 1);
  assert.equal(creditsOf(data.externalId), 0);
  await dvs.transactions.async.confirm({ transactionId: data.id });
  assert.equal(creditsOf(data.externalId), 1);
  await failsWith(1007002, dvs.transactions.async.confirm({ transactionId: data.id }));
  await failsWith(1007007, dvs.transactions.cancel({ transactionId: data.id }));

  const other = await dvs.transactions.async.create({ data: orderOf('+77079000556', { autoConfirm: false }) });
  const cancelled = await dvs.transactions.cancel({ transactionId: other.data.id });
  assert.equal(cancelled.data.status.class.id, 4);
  await failsWith(1007004, dvs.transactions.async.confirm({ transactionId: other.data.id }));
  assert.equal(creditsOf(other.data.externalId), 0);
});

test('the synchronous way holds the line until the end', async () => {
  const { data } = await dvs.transactions.sync.create({ data: orderOf('+77079000203') });
  assert.equal(data.status.message, 'DECLINED-BARRED-CREDIT-PARTY');
});

test('what makes no sense is refused with its code', async () => {
  const create = (parts: Record<string, unknown>) =>
    dvs.transactions.async.create({ data: orderOf('+77079000777', parts) });
  await failsWith(1003001, create({ productId: 1 }));
  await failsWith(1003002, create({ destination: { unitType: 'CURRENCY', unit: 'KZT', amount: 50_001 } }));
  await failsWith(1005003, create({ creditPartyIdentifier: { mobileNumber: '77079000777' } }));
  await failsWith(1000400, create({ externalId: 'x'.repeat(41) }));
  await failsWith(
    1000401,
    new DVS({ apiKey: 'a', apiSecret: 'b', baseUrl: operators.dtoneUrl }).transactions.async.create({ data: {} }),
  );
  await failsWith(1008004, dvs.transactions.getByTransactionId({ transactionId: 1 }));
  operators.set({ funds: false });
  await failsWith(1006001, create({}));
  operators.set({ funds: true });
});

test('a reference is taken once on each wire, whatever else is said, a hundred times at once', async () => {
  const order = orderOf('+77079000001');
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, (_, index) =>
      dvs.transactions.async.create({
        data: { ...order, destination: { ...order.destination, amount: 1000 + (index % 2) } },
      }),
    ),
  );
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal(creditsOf(order.externalId), 1);

  const pay = (sum: string) =>
    fetch(
      `${operators.osmpUrl}?command=pay&txn_id=${order.externalId}&txn_date=20261124120000&account=7079000001&sum=${sum}`,
    );
  const bodies = await Promise.all(
    Array.from({ length: 100 }, async (_, index) => (await pay(index % 2 === 0 ? '700' : '700.00')).text()),
  );
  assert.equal(new Set(bodies).size, 1);
  assert.match(bodies[0] ?? '', /<prv_txn>\d+<\/prv_txn><sum>700.00<\/sum><result>0<\/result>/);
  assert.match(await (await pay('701')).text(), /<result>300<\/result>/);
  assert.equal(creditsOf(order.externalId), 2, 'once on each of two wires');
});

test('what happened outlives a restart, a wait under way included', async () => {
  const done = orderOf('+77079000002');
  const waiting = orderOf('+77079000200');
  await dvs.transactions.async.create({ data: done });
  await dvs.transactions.async.create({ data: waiting });
  await restart();
  assert.equal(creditsOf(done.externalId), 1);
  await failsWith(1007001, dvs.transactions.async.create({ data: done }));
  await until(() => creditsOf(waiting.externalId) === 1);
  for await (const { data } of dvs.transactions.get({ params: { externalId: waiting.externalId } })) {
    assert.deepEqual(
      data.map(({ status }) => status.message),
      ['COMPLETED'],
    );
  }
});

/** Who is told of ends, and what they have heard. */
async function listen(t: TestContext) {
  const heard: { id: number; status: { message: string } }[] = [];
  const listener = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    heard.push(JSON.parse(Buffer.concat(chunks).toString()));
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    listener.closeAllConnections();
    listener.close();
    operators.set({ callbacks: {} });
  });
  const { port } = listener.address() as AddressInfo;
  return { heard, callbackUrl: `http://127.0.0.1:${port}/callbacks/dtone` };
}

test('the end is posted to the address that was given, and doubled when asked', async (t) => {
  const { heard, callbackUrl } = await listen(t);
  operators.set({ callbacks: { duplicate: 1 } });
  const { data } = await dvs.transactions.async.create({ data: orderOf('+77079000106', { callbackUrl }) });
  await until(() => heard.length >= 2);
  await operators.quiet();
  assert.deepEqual(
    heard.map(({ id, status }) => [id, status.message]),
    [
      [data.id, 'DECLINED'],
      [data.id, 'DECLINED'],
    ],
  );
});

test('an end that was due while the program was down is posted when it is back, though nobody asks', async (t) => {
  const { heard, callbackUrl } = await listen(t);
  const { data } = await dvs.transactions.async.create({ data: orderOf('+77079000200', { callbackUrl }) });
  await restart();
  await until(() => heard.length >= 1);
  assert.deepEqual([heard[0]?.id, heard[0]?.status.message], [data.id, 'COMPLETED']);
});

test('Reloadly asks for a token, forgets it when told to, and reports by the reference', async () => {
  const token = async (): Promise<string> => {
    const response = await fetch(`${operators.reloadlyAuthUrl}/oauth/token`, {
      method: 'POST',
      body: JSON.stringify({
        client_id: 'simulator',
        client_secret: 'simulator',
        grant_type: 'client_credentials',
        audience: operators.reloadlyUrl,
      }),
    });
    const body = (await response.json()) as { access_token: string };
    return `Bearer ${body.access_token}`;
  };
  const authorization = await token();
  const topup = (customIdentifier: string, number: string) =>
    fetch(`${operators.reloadlyUrl}/topups`, {
      method: 'POST',
      headers: { authorization },
      body: JSON.stringify({
        operatorId: 603,
        amount: '500.50',
        useLocalAmount: true,
        customIdentifier,
        recipientPhone: { countryCode: 'KZ', number },
      }),
    });
  const reference = newReference();
  const first = (await (await topup(reference, '7079000003')).json()) as Record<string, unknown>;
  assert.equal(first.status, 'SUCCESSFUL');
  assert.equal(first.deliveredAmount, 500.5);
  const again = await topup(reference, '7079000003');
  assert.deepEqual(
    [again.status, ((await again.json()) as Record<string, unknown>).errorCode],
    [400, 'CUSTOM_IDENTIFIER_ALREADY_USED'],
  );
  const report = (await (
    await fetch(`${operators.reloadlyUrl}/topups/reports/transactions?customIdentifier=${reference}`, {
      headers: { authorization },
    })
  ).json()) as { content: { status: string }[] };
  assert.deepEqual(
    report.content.map(({ status }) => status),
    ['SUCCESSFUL'],
  );
  assert.equal((await topup(newReference(), '7079000803')).status, 400);
  operators.set({ revokeTokens: true });
  assert.equal((await topup(newReference(), '7079000004')).status, 401);
});

test('the control address refuses what it does not know', async () => {
  const post = (body: object) => fetch(`${operators.url}/_control`, { method: 'POST', body: JSON.stringify(body) });
  for (const body of [{ moon: 1 }, { faults: [{ kind: 'wrong' }] }, { callbacks: { moon: 1 } }, { funds: 'all' }])
    assert.equal((await post(body)).status, 400, JSON.stringify(body));
  assert.equal((await post({ faults: [{ kind: 'drop', at: 'GET /osmp' }] })).status, 200);
  await assert.rejects(fetch(operators.osmpUrl));
  assert.equal((await fetch(operators.osmpUrl)).status, 200);
});
