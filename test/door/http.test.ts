import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { parseMsisdn } from '../../src/base/msisdn.ts';
import {
  newPartner,
  openTestPlatform,
  serveOnSocket,
  type TestPlatform,
  type TestServer,
} from '../support/platform.ts';

// What is no request of ours, down to what is no HTTP at all.

let platform: TestPlatform;
let server: TestServer;
let token: string;

before(async () => {
  platform = await openTestPlatform();
  server = await serveOnSocket(platform);
  token = (await newPartner(platform, { float: 0n })).token;
});
after(async () => {
  await server.close();
  await platform.close();
});

type Answer = { status: number; head: string; body: Record<string, unknown> };

/** Sends bytes and waits for the door to close, as it does after what it cannot read. */
function say(bytes: string): Promise<Answer> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.once('error', reject);
    socket.once('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      resolve({ status: Number(head.split(' ')[1]), head, body: JSON.parse(body) });
    });
    socket.end(bytes);
  });
}

const NUMBER = '77011234567';

for (const [what, bytes, status, code] of [
  [
    'a header that is none',
    `GET /v1/subscribers/${NUMBER}/balance HTTP/1.1\r\nno header\r\n\r\n`,
    400,
    'request.invalid',
  ],
  ['no HTTP', `${NUMBER}\r\n\r\n`, 400, 'request.invalid'],
  ['the greeting of TLS', '\u0016\u0003\u0001\u0002\u0000', 400, 'request.invalid'],
  [
    'a header without end',
    `GET /health HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
    413,
    'request.too_large',
  ],
  [
    'two lengths',
    'POST /v1/topups HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
    'request.invalid',
  ],
] as const) {
  test(`${what} is answered with a problem document`, async () => {
    const answer = await say(bytes);
    assert.equal(answer.status, status);
    assert.match(answer.head, /application\/problem\+json/);
    assert.equal(answer.body.code, code);
    assert.equal(answer.body.status, status);
    assert.ok(!JSON.stringify(answer).includes(NUMBER), 'nothing of what was sent is repeated');
  });
}

for (const [method, path, status, code, allow] of [
  ['GET', '/v1/topups/%zz', 400, 'request.invalid', null],
  ['GET', `/v1/topups/${'a'.repeat(200)}`, 400, 'request.invalid', null],
  ['GET', `/v1/topups/${'a'.repeat(2_000)}`, 404, 'request.not_found', null],
  ['POST', `/ussd/at/kcell/${'s'.repeat(2_000)}`, 404, 'request.not_found', null],
  ['GET', '/v1/nothing', 404, 'request.not_found', null],
  ['POST', '/v1/topups/', 404, 'request.not_found', null],
  ['DELETE', '/v1/topups', 405, 'request.method_not_allowed', 'POST'],
  ['PUT', '/v1/topups/bulk', 405, 'request.method_not_allowed', 'POST, GET, HEAD'],
  ['PUT', '/v1/topups/one?x=1', 405, 'request.method_not_allowed', 'GET, HEAD'],
  ['GET', '/v1/subscribers/77011234567/movements?before=-271821-04-20T00:00:00.000Z', 400, 'request.invalid', null],
  ['GET', '/v1/subscribers/77011234567/movements?before=yesterday', 400, 'request.invalid', null],
] as const) {
  test(`${method} ${path.slice(0, 80)} is ${code}`, async () => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${server.url}${path}`, { method, headers });
    const text = await response.text();
    assert.equal(response.status, status);
    assert.match(response.headers.get('content-type') ?? '', /application\/problem\+json/);
    assert.equal(JSON.parse(text).code, code);
    assert.equal(response.headers.get('allow'), allow);
    assert.doesNotMatch(text, /aaaa|ssss|FST_/);
  });
}

test('the description says that a top-up needs its key, and what an error looks like', async () => {
  const response = await fetch(`${server.url}/openapi.json`);
  const { paths } = (await response.json()) as {
    paths: Record<string, Record<string, { parameters: { name: string; required: boolean }[]; responses: object }>>;
  };
  for (const path of ['/v1/topups', '/v1/topups/bulk']) {
    const key = paths[path]?.post?.parameters.find(({ name }) => name === 'idempotency-key');
    assert.equal(key?.required, true, path);
    for (const status of ['400', '401', '403', '422', '429', '500', '503'])
      assert.ok(status in (paths[path]?.post?.responses ?? {}), `${path} ${status}`);
  }
});

test('a bar that only staff lift promises no time to come back at', async () => {
  const { index } = platform.subscribers.refer(parseMsisdn(NUMBER));
  await platform.sql(
    "insert into voucher_guess (scope, id, window_from, wrong, barred_until) values ('target', $1, now(), 30, '9999-01-01T00:00:00Z')",
    [index],
  );
  const response = await fetch(`${server.url}/v1/vouchers/redemptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ msisdn: NUMBER, pin: '1234 5678 1234 5678' }),
  });
  const problem = (await response.json()) as Record<string, unknown>;
  assert.deepEqual([response.status, problem.code], [429, 'voucher.guess_barred']);
  assert.equal(response.headers.get('retry-after'), null);
  assert.match(String(problem.detail), /contact support/);
  assert.equal(problem.details, undefined);
});
