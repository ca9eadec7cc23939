import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type Clock, steppedClock, systemClock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { parseMsisdn } from '../base/msisdn.ts';
import { Secret } from '../base/secret.ts';
import {
  createDtone,
  createOsmp,
  createReloadly,
  type DeliveryRequest,
  type DeliveryRoute,
  type Enquiry,
} from './index.ts';

// Answers no operator of ours should give. Whatever comes, the routes answer in time, with an outcome, and never guess.

type Say = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let url = '';
let say: Say;
let asked: string[] = [];

before(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    say(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.closeAllConnections();
  server.close();
});

beforeEach(() => {
  asked = [];
});

/** Long enough for a busy machine; the answers that take too long are waited for a shorter time. */
const TIMEOUT_MS = 10_000;
const HASTE_MS = 500;
const request: DeliveryRequest = {
  reference: '123456789012345678',
  msisdn: parseMsisdn('77071234567'),
  operator: 'tele2',
  amountMinor: 1_000_00n,
  beganAt: new Date('2026-11-24T21:30:00Z'),
};

const osmp = (timeoutMs = TIMEOUT_MS): DeliveryRoute => createOsmp({ url: `${url}/pay?prv_id=7`, timeoutMs });
const dtone = (timeoutMs = TIMEOUT_MS): DeliveryRoute =>
  createDtone({
    url,
    key: 'key',
    secret: new Secret('s'),
    products: new Map([['tele2', 6006]]),
    timeoutMs,
  });
const reloadly = (timeoutMs = TIMEOUT_MS, clock: Clock = systemClock): DeliveryRoute =>
  createReloadly({
    authUrl: url,
    url,
    clientId: 'id',
    clientSecret: new Secret('s'),
    operators: new Map([['tele2', 603]]),
    clock,
    timeoutMs,
  });

const body =
  (text: string | Buffer, type = 'text/xml; charset=utf-8', status = 200): Say =>
  (_, response) =>
    response.writeHead(status, { 'content-type': type }).end(text);

/** JSON by the beginning of `METHOD /path`; tokens are given without asking. */
const jsonBy =
  (answers: Record<string, { status?: number; body: unknown }>): Say =>
  (incoming, response) => {
    const call = `${incoming.method} ${incoming.url}`;
    const found = Object.entries(answers).find(([start]) => call.startsWith(start))?.[1];
    const token = { body: { access_token: 't', expires_in: 3_600 }, status: 200 };
    const answer = call.startsWith('POST /oauth/token') ? (found ?? token) : found;
    response.writeHead(answer?.status ?? (answer ? 200 : 404), { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer?.body ?? {}));
  };

const paid = (parts: { txn?: string; prv?: string; sum?: string; result?: string } = {}): string =>
  `<?xml version="1.0" encoding="UTF-8"?><response><osmp_txn_id>${parts.txn ?? request.reference}</osmp_txn_id>` +
  `<prv_txn>${parts.prv ?? '2016'}</prv_txn><sum>${parts.sum ?? '1000.00'}</sum><result>${parts.result ?? '0'}</result></response>`;

const entities = (levels: number): string => {
  const lines = Array.from({ length: levels }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`);
  return `<?xml version="1.0"?><!DOCTYPE response [<!ENTITY l0 "0">${lines.join('')}]>`;
};

test('osmp: the request is word for word what terminals send, by the clock of Astana, beside what the address has', async () => {
  say = body(paid());
  assert.deepEqual(await osmp().deliver({ ...request, isFirst: true }), {
    kind: 'delivered',
    operatorReference: '2016',
  });
  await osmp().enquire(request);
  const query = 'account=7071234567&sum=1000.00';
  assert.ok(asked.includes(`GET /pay?prv_id=7&command=check&txn_id=123456789012345678&${query}`), asked.join('\n'));
  assert.ok(
    asked.includes(`GET /pay?prv_id=7&command=pay&txn_id=123456789012345678&txn_date=20261125023000&${query}`),
    asked.join('\n'),
  );
});

test('osmp: the table of results', async () => {
  const table: [string, string][] = [
    ['0', 'delivered'],
    ['00', 'delivered'],
    ['1', 'unknown'],
    ['4', 'number.invalid'],
    ['5', 'number.invalid'],
    ['7', 'declined'],
    ['8', 'operator.unavailable'],
    ['79', 'number.barred'],
    ['90', 'unknown'],
    ['241', 'amount.not_allowed'],
    ['242', 'amount.not_allowed'],
    ['243', 'operator.unavailable'],
    ['300', 'declined'],
    ['2', 'unknown'],
    ['301', 'unknown'],
    ['-1', 'unknown'],
    ['0.0', 'unknown'],
    ['', 'unknown'],
    ['OK', 'unknown'],
  ];
  for (const [result, expected] of table) {
    say = body(paid({ result }));
    const outcome = await osmp().deliver(request);
    assert.equal(outcome.kind === 'refused' ? outcome.reason : outcome.kind, expected, `result ${result}`);
    if (outcome.kind === 'unknown') assert.equal(outcome.isUnderWay, result === '90' ? true : undefined);
  }
});

test('osmp: a yes that is about something else, or lacks its number, is no yes', async () => {
  const answers = {
    'another txn_id': paid({ txn: '123456789012345679' }),
    'no txn_id': '<response><prv_txn>1</prv_txn><result>0</result></response>',
    'two txn_ids': paid().replace('<prv_txn>', '<osmp_txn_id>1</osmp_txn_id><prv_txn>'),
    'two results': paid().replace('<result>', '<result>5</result><result>'),
    'no prv_txn': paid({ prv: '' }),
    'prv_txn of 21 digits': paid({ prv: '1'.repeat(21) }),
    'another sum': paid({ sum: '100.00' }),
    'a sum that is no number': paid({ sum: '1e3' }),
    'another root': paid().replaceAll('response>', 'answer>'),
    'two roots': paid() + paid(),
    'cut off': paid().slice(0, -8),
    'no end': paid().replace('</result>', ''),
    'an entity for the result': paid({ result: '&#48;' }),
    html: '<!doctype html><html><body>0</body></html>',
    json: '{"result":0}',
    nothing: '',
    'bytes that are no UTF-8': Buffer.concat([Buffer.from(paid()), Buffer.from([0xff, 0xfe])]),
  };
  for (const [name, text] of Object.entries(answers)) {
    say = body(text);
    const outcome = await osmp().deliver(request);
    assert.ok(outcome.kind === 'unknown' && !outcome.isUnderWay, `${name}: ${JSON.stringify(outcome)}`);
  }
});

test('osmp: a check that speaks of another payment lets nothing be paid', async () => {
  say = body(paid({ txn: '1' }));
  const outcome = await osmp().deliver({ ...request, isFirst: true });
  assert.deepEqual(outcome, { kind: 'refused', reason: 'operator.unavailable', detail: 'check foreign txn_id' });
  assert.equal(asked.length, 1);
});

test('osmp: a document that defines entities is not read, however small or deep', async () => {
  for (const text of [
    `${entities(9)}${paid({ result: '&l9;' }).replace(/^<\?xml[^>]*>/, '')}`,
    `${entities(1)}${paid().replace(/^<\?xml[^>]*>/, '')}`,
    `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>${paid({ result: '&x;' }).slice(38)}`,
    `${'<a>'.repeat(5_000)}${'</a>'.repeat(5_000)}`,
  ]) {
    say = body(text);
    const startedAt = performance.now();
    assert.equal((await osmp(5_000).deliver(request)).kind, 'unknown');
    assert.ok(performance.now() - startedAt < 1_000);
  }
});

test('osmp: windows-1251 is read, declared in the header or in the document; a charset nobody knows is not', async () => {
  const comment = Buffer.from([0xce, 0xea]);
  const document = (encoding: string): Buffer =>
    Buffer.concat([
      Buffer.from(paid().replace('UTF-8', encoding).replace('</response>', '<comment>')),
      comment,
      Buffer.from('</comment></response>'),
    ]);
  say = body(document('windows-1251'), 'text/xml');
  assert.equal((await osmp().deliver(request)).kind, 'delivered');
  say = body(document('UTF-8'), 'text/xml; charset=windows-1251');
  assert.equal((await osmp().deliver(request)).kind, 'delivered');
  say = body(document('UTF-8'), 'text/xml');
  assert.equal((await osmp().deliver(request)).kind, 'unknown');
  say = body(paid(), 'text/xml; charset=klingon');
  assert.equal((await osmp().deliver(request)).kind, 'unknown');
});

const yes = () => ({ ...dtoneAnswer(), ...topup() });

test('an answer without end, small on the wire, slow, or elsewhere is unknown, in time', async () => {
  const big = ' '.repeat(limits.deliveryAnswerBytesMax);
  const cases: Record<string, Say> = {
    // Each would be a yes if it were read.
    'too large': (incoming, response) =>
      response.end(`${incoming.url?.startsWith('/pay') ? paid() : JSON.stringify(yes())}${big}`),
    'a bomb of zeros': (_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(50 * 1024 * 1024))),
    'one byte at a time': (_, response) => {
      response.writeHead(200, { 'content-type': 'text/xml' });
      const timer = setInterval(() => response.write(' '), 50);
      response.on('close', () => clearInterval(timer));
    },
    silence: () => undefined,
    'half of what was promised': (_, response) => {
      response.writeHead(200, { 'content-length': '1000' }).write(paid());
      setTimeout(() => response.destroy(), 20);
    },
    'a redirect': (_, response) => response.writeHead(302, { location: `${url}/elsewhere` }).end(),
    'a reset': (_, response) => void response.socket?.resetAndDestroy(),
    'not http': (_, response) => void response.socket?.end('hello\r\n'),
  };
  for (const [name, how] of Object.entries(cases)) {
    for (const route of [osmp(HASTE_MS), dtone(HASTE_MS), reloadly(HASTE_MS)]) {
      asked = [];
      say = (incoming, response) =>
        incoming.url?.startsWith('/oauth') ? jsonBy({})(incoming, response) : how(incoming, response);
      const startedAt = performance.now();
      const outcome = await route.deliver(request);
      assert.equal(outcome.kind, 'unknown', `${route.id}, ${name}: ${JSON.stringify(outcome)}`);
      assert.ok(performance.now() - startedAt < 10 * HASTE_MS, `${route.id}, ${name}`);
      assert.equal(asked.filter((call) => !call.startsWith('POST /oauth')).length, 1, 'a money call is made once');
    }
  }
});

const dtoneAnswer = (
  parts: Record<string, unknown> = {},
  status: unknown = { message: 'COMPLETED', class: { id: 7 } },
) => ({
  id: 1,
  external_id: request.reference,
  operator_reference: 'A1',
  credit_party_identifier: { mobile_number: '+77071234567' },
  status,
  ...parts,
});

test('dtone: what counts is the class of the status', async () => {
  const table: [number, string, string][] = [
    [1, 'CREATED', 'under way'],
    [2, 'CONFIRMED', 'under way'],
    [5, 'SUBMITTED', 'under way'],
    [7, 'COMPLETED', 'delivered'],
    [3, 'REJECTED-INVALID-CREDIT-PARTY', 'number.invalid'],
    [3, 'REJECTED-INSUFFICIENT-BALANCE', 'float.too_low'],
    [9, 'DECLINED-INELIGIBLE-CREDIT-PARTY', 'number.barred'],
    [9, 'DECLINED-LIMITATIONS-ON-CREDIT-PARTY-AMOUNT', 'amount.not_allowed'],
    [9, 'DECLINED-LIMITATIONS-ON-CUSTOMER-AMOUNT', 'declined'],
    [9, 'DECLINED-DUPLICATED-TRANSACTION', 'duplicate'],
    [9, 'COMPLETED', 'declined'],
    [4, 'CANCELLED', 'declined'],
    [8, 'REVERSED', 'declined'],
    [6, 'COMPLETED', 'unknown'],
    [0, 'DECLINED', 'unknown'],
  ];
  for (const [id, message, expected] of table) {
    say = jsonBy({ GET: { body: [dtoneAnswer({}, { message, class: { id } })] } });
    const answer = await dtone().enquire(request);
    const got =
      answer.kind === 'refused'
        ? answer.reason
        : answer.kind === 'unknown' && answer.isUnderWay
          ? 'under way'
          : answer.kind;
    assert.equal(got, expected, `${id} ${message}`);
  }
});

test('dtone: a transaction that is not ours, or several, or no list, is unknown; an empty list is absent', async () => {
  const wrong: unknown[] = [
    [dtoneAnswer({ external_id: '1' })],
    [dtoneAnswer({ credit_party_identifier: { mobile_number: '+77071234568' } })],
    [dtoneAnswer(), dtoneAnswer()],
    [dtoneAnswer(), dtoneAnswer({ external_id: '1' })],
    [dtoneAnswer({ status: null })],
    dtoneAnswer(),
    { data: [] },
    null,
    'text',
  ];
  for (const answer of wrong) {
    say = jsonBy({ GET: { body: answer } });
    assert.equal((await dtone().enquire(request)).kind, 'unknown', JSON.stringify(answer));
  }
  say = jsonBy({ GET: { body: [] } });
  assert.deepEqual(await dtone().enquire(request), { kind: 'absent' });
});

test('dtone: a reference in use is looked up, and "in use" of what cannot be found is unknown', async () => {
  const used = { status: 400, body: { errors: [{ code: 1007001, message: 'used' }] } };
  say = jsonBy({ POST: used, GET: { body: [dtoneAnswer()] } });
  assert.deepEqual(await dtone().deliver({ ...request, isFirst: true }), {
    kind: 'delivered',
    operatorReference: 'A1',
  });
  say = jsonBy({ POST: used, GET: { body: [] } });
  assert.deepEqual(await dtone().deliver({ ...request, isFirst: true }), { kind: 'unknown', detail: '1007001' });
});

test('dtone: a no to a reference that may have left before is believed when nothing of ours is found, and not otherwise', async () => {
  const no = { status: 400, body: { errors: [{ code: 1006001, message: 'no money' }] } };
  say = jsonBy({ POST: no, GET: { body: [dtoneAnswer()] } });
  assert.equal((await dtone().deliver(request)).kind, 'delivered');
  say = jsonBy({ POST: no, GET: { body: [] } });
  assert.deepEqual(await dtone().deliver(request), { kind: 'refused', reason: 'float.too_low', detail: '1006001' });
  say = jsonBy({ POST: no, GET: { status: 500, body: {} } });
  assert.equal((await dtone().deliver(request)).kind, 'unknown');
});

test('dtone: an error in a 5xx, one we do not know, and one that is not theirs leave the outcome open', async () => {
  for (const answer of [
    { status: 503, body: { errors: [{ code: 1003002, message: '' }] } },
    { status: 500, body: { errors: [{ code: 1009001, message: '' }] } },
    { status: 400, body: { errors: [{ code: 1999999, message: '' }] } },
    { status: 404, body: { message: 'no route' } },
    { status: 403, body: [] },
    { status: 202, body: dtoneAnswer() },
  ]) {
    say = jsonBy({ POST: answer });
    const outcome = await dtone().deliver({ ...request, isFirst: true });
    assert.ok(outcome.kind === 'unknown' && !outcome.isUnderWay, JSON.stringify(answer));
  }
});

const topup = (parts: Record<string, unknown> = {}) => ({
  transactionId: 1,
  status: 'SUCCESSFUL',
  customIdentifier: request.reference,
  operatorTransactionId: '7:OrderConfirmed',
  recipientPhone: '77071234567',
  ...parts,
});
const REPORT = 'GET /topups/reports';
const page = (...content: unknown[]) => ({ body: { content } });
const failure = (errorCode: string, status = 400) => ({ status, body: { errorCode, message: 'no' } });

test('reloadly: "recently recharged" and what failed on the way are refusals only when nothing of ours is found', async () => {
  for (const [code, reason] of [
    ['PHONE_RECENTLY_RECHARGED', 'duplicate'],
    ['TRANSACTION_FAILED_ON_OPERATOR', 'declined'],
    ['RECIPIENT_HAS_PENDING_TRANSACTION', 'operator.unavailable'],
  ] as const) {
    say = jsonBy({ 'POST /topups': failure(code), [REPORT]: page(topup()) });
    const first = { ...request, isFirst: true };
    assert.deepEqual(await reloadly().deliver(first), { kind: 'delivered', operatorReference: '7:OrderConfirmed' });
    say = jsonBy({ 'POST /topups': failure(code), [REPORT]: page(topup({ status: 'PROCESSING' })) });
    assert.equal((await reloadly().deliver(first)).kind, 'unknown');
    say = jsonBy({ 'POST /topups': failure(code), [REPORT]: page() });
    assert.deepEqual(await reloadly().deliver(first), { kind: 'refused', reason, detail: code });
    say = jsonBy({ 'POST /topups': failure(code), [REPORT]: { status: 500, body: {} } });
    assert.equal((await reloadly().deliver(first)).kind, 'unknown');
  }
});

test('reloadly: an identifier in use is looked up; an error of theirs that we do not know is unknown', async () => {
  say = jsonBy({
    'POST /topups': failure('CUSTOM_IDENTIFIER_ALREADY_USED'),
    [REPORT]: page(topup({ status: 'FAILED' })),
  });
  assert.deepEqual(await reloadly().deliver(request), { kind: 'refused', reason: 'declined', detail: 'FAILED' });
  say = jsonBy({ 'POST /topups': failure('CUSTOM_IDENTIFIER_ALREADY_USED'), [REPORT]: page() });
  assert.equal((await reloadly().deliver(request)).kind, 'unknown');
  for (const code of ['PROVIDER_INTERNAL_ERROR', 'SOMETHING_NEW', 'constructor', '__proto__']) {
    say = jsonBy({ 'POST /topups': failure(code, 500), [REPORT]: page() });
    assert.equal((await reloadly().deliver({ ...request, isFirst: true })).kind, 'unknown', code);
  }
});

test('reloadly: a top-up that is not ours, or several, or a word we do not know, is unknown', async () => {
  for (const answer of [
    page(topup({ customIdentifier: '1' })),
    page(topup({ customIdentifier: null })),
    page(topup({ recipientPhone: '77071234568' })),
    page(topup({ status: 'DELIVERED' })),
    page(topup({ status: 'successful' })),
    page(topup(), topup()),
    { body: [] },
    { body: { content: null } },
  ]) {
    say = jsonBy({ [REPORT]: answer });
    assert.equal((await reloadly().enquire(request)).kind, 'unknown', JSON.stringify(answer));
  }
});

test('reloadly: many who call at once share one token, and it is kept until a minute before it ends', async () => {
  const clock = steppedClock(request.beganAt);
  const route = reloadly(TIMEOUT_MS, clock);
  say = jsonBy({ [REPORT]: page(topup()) });
  await Promise.all(Array.from({ length: 20 }, () => route.enquire(request)));
  const tokens = (): number => asked.filter((call) => call === 'POST /oauth/token').length;
  assert.equal(tokens(), 1);
  clock.advance(3_540_000 - 1);
  await route.enquire(request);
  assert.equal(tokens(), 1);
  clock.advance(1);
  assert.equal((await route.enquire(request)).kind, 'delivered');
  assert.equal(tokens(), 2);
});

test('reloadly: a token that keeps being turned away is renewed once, and then the call is refused or unknown', async () => {
  say = jsonBy({ 'POST /topups': failure('TOKEN_EXPIRED', 401), [REPORT]: failure('TOKEN_EXPIRED', 401) });
  const route = reloadly();
  const first = await route.deliver({ ...request, isFirst: true });
  assert.equal(first.kind === 'refused' && first.reason, 'operator.unavailable');
  assert.deepEqual(
    asked.map((call) => call.split('?')[0]),
    ['POST /oauth/token', 'POST /topups', 'POST /oauth/token', 'POST /topups'],
  );
  assert.equal((await route.deliver(request)).kind, 'unknown');
});

test('whatever is answered, the outcome is one of three and its detail holds no number and no markup', async () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.constantFrom('77071234567', '<b>77071234567</b>', 'DECLINED-77071234567', 'x'.repeat(500)),
    fc.json(),
  );
  const said = fc.record({ status: fc.constantFrom(200, 201, 204, 400, 401, 404, 429, 500, 503), text, result: text });
  await fc.assert(
    fc.asyncProperty(said, async ({ status, text: words, result }) => {
      const answers: [DeliveryRoute, string | object][] = [
        [osmp(), status % 2 ? words : paid({ result })],
        [dtone(), dtoneAnswer({}, { message: words, class: { id: words.length % 11 } })],
        [dtone(), words],
        [reloadly(), topup({ status: words })],
        [reloadly(), { errorCode: words }],
      ];
      for (const [route, answer] of answers) {
        const payload = typeof answer === 'string' ? answer : JSON.stringify(answer);
        say = (incoming, response) =>
          incoming.url?.startsWith('/oauth')
            ? jsonBy({})(incoming, response)
            : response.writeHead(status, { 'content-type': 'application/json' }).end(status === 204 ? '' : payload);
        for (const outcome of [await route.deliver(request), await route.enquire(request)] as Enquiry[]) {
          const detail = 'detail' in outcome ? outcome.detail : '';
          assert.ok(detail.length <= 64 && !/\d{8}|[<>&"']/.test(detail), detail);
        }
      }
    }),
    { numRuns: 60 },
  );
});
