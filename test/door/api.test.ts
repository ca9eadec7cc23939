import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { audit } from '../../src/reports/index.ts';
import {
  issueVouchers,
  newNumber,
  newPartner,
  openTestPlatform,
  serveOnSocket,
  type TestPartner,
  type TestPlatform,
  type TestServer,
} from '../support/platform.ts';

let platform: TestPlatform;
let server: TestServer;
let partner: TestPartner;
let keys = 0;

before(async () => {
  platform = await openTestPlatform();
  server = await serveOnSocket(platform);
  partner = await newPartner(platform, { float: 100_000_000_00n });
});
after(async () => {
  await server.close();
  await platform.close();
});

// biome-ignore lint/suspicious/noExplicitAny: an answer is read as a stranger's program would, without our types
type Json = any;
type Answer = { status: number; type: string | null; headers: Headers; body: Json };

async function call(
  path: string,
  init: { method?: string; body?: unknown; raw?: string; headers?: Record<string, string>; token?: string | null } = {},
): Promise<Answer> {
  const { token = partner.token } = init;
  const body = init.raw ?? (init.body === undefined ? undefined : JSON.stringify(init.body));
  const response = await fetch(`${server.url}${path}`, {
    method: init.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...init.headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  const type = response.headers.get('content-type');
  return {
    status: response.status,
    type,
    headers: response.headers,
    body: type?.includes('json') ? JSON.parse(text) : text,
  };
}

const newKey = (): string => `key-${process.pid}-${++keys}`;
const topup = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  call('/v1/topups', { body, headers: { 'idempotency-key': newKey(), ...headers } });
const good = (msisdn: string = newNumber()) => ({ msisdn, amount: '1000.00', currency: 'KZT' });

async function balanceOf(msisdn: string): Promise<string | undefined> {
  const { body } = await call(`/v1/subscribers/${msisdn}/balance`);
  return body.buckets?.[0]?.amount;
}

async function countTransfers(): Promise<bigint> {
  const [row] = await platform.sql<{ count: bigint }>('select count(*) as count from transfer');
  return row?.count ?? 0n;
}

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.body.code, code, JSON.stringify(answer.body));
  assert.equal(answer.status, status);
  assert.match(answer.type ?? '', /^application\/problem\+json/);
  assert.equal(answer.body.status, status);
  assert.ok(answer.body.detail.length > 10, 'a problem says in words what is wrong');
}

test('a partner credits a number and reads it back', async () => {
  const msisdn = newNumber();
  const created = await topup(good(msisdn));
  assert.equal(created.status, 201);
  assert.equal(created.body.status, 'delivered');
  assert.match(created.body.reference, /^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/);
  assert.equal(await balanceOf(msisdn), '1000.00');
  const read = await call(`/v1/topups/${created.body.id}`);
  assert.equal(read.status, 200);
  assert.equal(read.body.reference, created.body.reference);
  const { body } = await call(`/v1/subscribers/${msisdn}/movements`);
  assert.equal(body.movements.length, 1);
  assert.equal(body.movements[0].amount, '1000.00');
});

test('the same key and body get the first answer again, another body is refused', async () => {
  const key = newKey();
  const body = good();
  const first = await topup(body, { 'idempotency-key': key });
  const before = await countTransfers();
  const second = await topup(body, { 'idempotency-key': key });
  assert.equal(second.status, 201);
  assert.equal(second.headers.get('idempotent-replayed'), 'true');
  assert.deepEqual(second.body, first.body);
  assertProblem(await topup({ ...body, amount: '1001.00' }, { 'idempotency-key': key }), 422, 'key.reused');
  assertProblem(await topup({ ...body, msisdn: newNumber() }, { 'idempotency-key': key }), 422, 'key.reused');
  assert.equal(await countTransfers(), before);
});

test('bulk gives each item its own outcome and repeats as a whole', async () => {
  const key = newKey();
  const items = [
    good(),
    { ...good(), amount: '1' },
    { ...good(), msisdn: '+79161234567' },
    { ...good(), currency: 'USD' },
    good(),
  ];
  const first = await call('/v1/topups/bulk', { body: { items }, headers: { 'idempotency-key': key } });
  assert.equal(first.status, 200);
  assert.deepEqual(
    first.body.items.map((item: Json) => item.status),
    [201, 422, 422, 422, 201],
  );
  assert.deepEqual(
    first.body.items.slice(1, 4).map((item: Json) => item.problem.code),
    ['amount.too_small', 'msisdn.russian', 'currency.unsupported'],
  );
  const before = await countTransfers();
  const second = await call('/v1/topups/bulk', { body: { items }, headers: { 'idempotency-key': key } });
  assert.deepEqual(second.body.items[0].topup, first.body.items[0].topup);
  assert.equal(await countTransfers(), before);
});

const wrongTopups: [string, unknown, number, string][] = [
  ['a Russian number', { ...good(), msisdn: '+7 916 123-45-67' }, 422, 'msisdn.russian'],
  ['a fixed line', { ...good(), msisdn: '+7 727 123 45 67' }, 422, 'msisdn.landline'],
  ['an American number', { ...good(), msisdn: '+1 212 555 0100' }, 422, 'msisdn.foreign'],
  ['letters for a number', { ...good(), msisdn: 'call me' }, 422, 'msisdn.invalid'],
  ['a satellite number', { ...good(), msisdn: '77601234567' }, 422, 'msisdn.not_served'],
  ['too little money', { ...good(), amount: '99.99' }, 422, 'amount.too_small'],
  ['too much money', { ...good(), amount: '50000.01' }, 422, 'amount.too_large'],
  ['three decimals', { ...good(), amount: '1000.001' }, 422, 'amount.invalid'],
  ['a negative amount', { ...good(), amount: '-1000.00' }, 422, 'amount.invalid'],
  ['an exponent', { ...good(), amount: '1e3' }, 422, 'amount.invalid'],
  ['an amount as a number', { ...good(), amount: 1000 }, 400, 'request.invalid'],
  ['dollars', { ...good(), currency: 'USD' }, 422, 'currency.unsupported'],
  ['no amount', { msisdn: '77011234567', currency: 'KZT' }, 400, 'request.invalid'],
  ['an unknown field', { ...good(), ammount: '1' }, 400, 'request.invalid'],
  ['an array', [good()], 400, 'request.invalid'],
  ['null', null, 400, 'request.invalid'],
];

for (const [what, body, status, code] of wrongTopups) {
  test(`${what} is refused as ${code} and moves nothing`, async () => {
    const before = await countTransfers();
    assertProblem(await topup(body), status, code);
    assert.equal(await countTransfers(), before);
  });
}

test('requests that are not requests get a problem document', async () => {
  const headers = { 'idempotency-key': newKey() };
  assertProblem(await call('/v1/topups', { raw: '{', headers }), 400, 'request.invalid');
  assertProblem(await call('/v1/topups', { raw: '', headers }), 400, 'request.invalid');
  assertProblem(
    await call('/v1/topups', { raw: '<topup/>', headers: { ...headers, 'content-type': 'application/xml' } }),
    415,
    'request.unsupported_type',
  );
  assertProblem(
    await call('/v1/topups', { raw: `{"msisdn":"${'7'.repeat(600_000)}"}`, headers }),
    413,
    'request.too_large',
  );
  assertProblem(
    await call('/v1/topups', {
      raw: '{"__proto__":{"admin":true},"msisdn":"77011234567","amount":"1000","currency":"KZT"}',
      headers,
    }),
    400,
    'request.invalid',
  );
  assertProblem(await call('/v1/nothing'), 404, 'request.not_found');
  assertProblem(await call('/v1/topups', { body: good() }), 400, 'key.missing');
  assertProblem(await topup(good(), { 'idempotency-key': 'x'.repeat(129) }), 400, 'key.invalid');
  assertProblem(await topup(good(), { 'idempotency-key': 'with space' }), 400, 'key.invalid');
  assertProblem(await call('/v1/topups/not-an-id'), 404, 'topup.not_found');
  assertProblem(await call('/v1/topups/bulk', { body: { items: [] }, headers }), 400, 'request.invalid');
  assertProblem(
    await call('/v1/topups/bulk', { body: { items: new Array(1001).fill(good()) }, headers }),
    400,
    'request.invalid',
  );
  assertProblem(await call('/v1/subscribers/77029999999/balance'), 404, 'subscriber.not_found');
  assertProblem(await call('/v1/subscribers/77011234567/movements?limit=1000'), 400, 'request.invalid');
  assertProblem(await call('/v1/operators/mts'), 404, 'operator.not_found');
});

test('keys open what they are for, and nobody else’s orders', async () => {
  assertProblem(await call('/v1/topups', { body: good(), token: null }), 401, 'auth.missing');
  assertProblem(
    await call('/v1/topups', { body: good(), token: `sapar_0000000000000000_${'a'.repeat(43)}` }),
    401,
    'auth.invalid',
  );
  assertProblem(await call('/v1/topups', { body: good(), token: 'nonsense' }), 401, 'auth.invalid');
  const other = await newPartner(platform, { float: 0n });
  const mine = await topup(good());
  assertProblem(await call(`/v1/topups/${mine.body.id}`, { token: other.token }), 404, 'topup.not_found');
  const { token } = await platform.partners.createKey(other.name, ['topups:read'], 'tester');
  assertProblem(
    await call('/v1/topups', { body: good(), token: token.reveal(), headers: { 'idempotency-key': newKey() } }),
    403,
    'auth.scope',
  );
  assertProblem(
    await call('/v1/topups', { body: good(), token: other.token, headers: { 'idempotency-key': newKey() } }),
    422,
    'float.too_low',
  );
  await platform.partners.setStatus(other.name, 'suspended', 'tester');
  assertProblem(
    await call('/v1/topups', { body: good(), token: other.token, headers: { 'idempotency-key': newKey() } }),
    403,
    'partner.suspended',
  );
});

test('a problem speaks the language that is accepted', async () => {
  const details = new Set<string>();
  for (const language of ['en', 'zh-CN,zh;q=0.9', 'ru-KZ', 'kk']) {
    const { body } = await topup({ ...good(), msisdn: '+79161234567' }, { 'accept-language': language });
    assert.equal(body.code, 'msisdn.russian');
    details.add(body.detail);
  }
  assert.equal(details.size, 4);
});

test('a card credits once, says so when asked again, and nothing to anybody else', async () => {
  const { pins } = await issueVouchers(platform, {
    operator: 'kcell',
    values: [{ unit: 'KZT', amount: 2_000_00n }],
    count: 2,
    state: 'active',
  });
  const [pin = '', unused = ''] = pins;
  const msisdn = newNumber();
  const redeem = (body: unknown): Promise<Answer> => call('/v1/vouchers/redemptions', { body });
  const first = await redeem({ msisdn, pin: pin.replace(/(\d{4})(?=\d)/g, '$1 ') });
  assert.equal(first.status, 201);
  assert.equal(first.body.status, 'credited');
  assert.equal(first.body.balance, '2000.00');
  const again = await redeem({ msisdn, pin });
  assert.equal(again.status, 200);
  assert.equal(again.body.status, 'already_credited');
  assert.equal(again.body.reference, first.body.reference);
  assert.equal(again.body.balance, '2000.00');
  const stranger = await redeem({ msisdn: newNumber(), pin });
  const nonsense = await redeem({ msisdn: newNumber(), pin: '0000111122223333' });
  for (const answer of [stranger, nonsense]) assertProblem(answer, 422, 'voucher.refused');
  const { requestId: _a, ...one } = stranger.body;
  const { requestId: _b, ...two } = nonsense.body;
  assert.deepEqual(one, two, 'used by another and unknown read the same');
  assertProblem(await redeem({ msisdn, pin: '12' }), 422, 'pin.invalid');
  assertProblem(await redeem({ msisdn, pin: 'sixteen digits!!' }), 422, 'pin.invalid');
  assert.doesNotMatch(
    JSON.stringify([first.body, again.body]),
    new RegExp(`${pin}|${unused}`),
    'an answer never repeats a PIN',
  );
});

test('the description of the API is valid JSON of OpenAPI 3.1 and names every route', async () => {
  const { body } = await call('/openapi.json', { token: null });
  assert.equal(body.openapi, '3.1.0');
  for (const path of [
    '/v1/topups',
    '/v1/topups/bulk',
    '/v1/topups/{id}',
    '/v1/vouchers/redemptions',
    '/v1/subscribers/{msisdn}/balance',
    '/v1/subscribers/{msisdn}/movements',
    '/v1/operators',
    '/health',
  ]) {
    assert.ok(path in body.paths, `${path} is described`);
  }
  for (const schema of ['Topup', 'TopupRequest', 'Problem', 'Redemption', 'Bucket', 'Movement'])
    assert.ok(schema in body.components.schemas, `${schema} is a component`);
});

test('after all this the books are in order', async () => {
  const checks = await audit(platform.db);
  assert.deepEqual(
    checks.filter((check) => !check.ok),
    [],
  );
});
