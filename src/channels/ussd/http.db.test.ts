import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import { issueVouchers, newNumber, openTestPlatform, type TestPlatform } from '../../../test/support/platform.ts';
import { present } from '../../base/assert.ts';
import { steppedClock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { parseMsisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import { Secret } from '../../base/secret.ts';
import type { Counted } from '../../gateways/index.ts';
import {
  createUssdEngine,
  type HttpGateway,
  type HttpProtocolName,
  httpProtocolNames,
  openHttpGateway,
  ussdGateway,
  ussdHttpRoutes,
} from './index.ts';

const CARD = 1_000_00n;
const SECRET = 'an-aggregators-secret-0123456789';
const clock = steppedClock(new Date('2026-11-05T09:05:00Z'));

let platform: TestPlatform;
let app: FastifyInstance;
const gateways = new Map<HttpProtocolName, HttpGateway>();
const counted: Counted[] = [];
const errors: unknown[] = [];

before(async () => {
  platform = await openTestPlatform({ clock });
  const engine = createUssdEngine({ ...platform, onError: (error) => errors.push(error) });
  for (const protocol of httpProtocolNames) {
    const opened = openHttpGateway({
      engine,
      clock,
      protocol,
      gateway: ussdGateway({
        id: `${protocol}-kcell`,
        operator: platform.catalogue.parseOperator('kcell'),
        language: 'en',
      }),
      secrets: [new Secret(SECRET)],
      codes: ['*111#'],
    });
    opened.watch({ onCount: (one) => counted.push(one) });
    gateways.set(protocol, opened);
  }
  app = Fastify();
  app.setErrorHandler((error, _, reply) =>
    error instanceof Refusal
      ? reply.code(error.status).send({ code: error.code, ...error.details })
      : reply.send(error),
  );
  ussdHttpRoutes([...gateways.values()])(app);
  await app.ready();
});

after(async () => {
  await app.close();
  await platform.close();
  assert.deepEqual(errors, [], 'no step met anything unexpected');
});

type Step = { readonly session: string; readonly msisdn: string; readonly text: string; readonly number: number };
type Sent = { readonly message: object; readonly path?: string };

/** What each aggregator sends for a step; 0 is the first. */
const sends: Record<HttpProtocolName, (step: Step) => Sent> = {
  hubtel: ({ session, msisdn, text, number }) => ({
    message: {
      SessionId: session,
      Mobile: msisdn,
      ServiceCode: '111',
      Operator: 'kcell',
      Type: number === 0 ? 'Initiation' : 'Response',
      Message: text,
      Sequence: number + 1,
      ClientState: '',
    },
  }),
  nalo: ({ session, msisdn, text, number }) => ({
    message: {
      USERID: 'NALOTest',
      MSISDN: msisdn,
      USERDATA: text,
      MSGTYPE: number === 0,
      NETWORK: 'KCELL',
      SESSIONID: session,
    },
  }),
  arkesel: ({ session, msisdn, text, number }) => ({
    message: {
      sessionID: session,
      userID: 'USSD_1',
      newSession: number === 0,
      msisdn,
      userData: text,
      network: 'KCELL',
    },
  }),
  beem: ({ session, msisdn, text, number }) => ({
    message: {
      command: number === 0 ? 'initiate' : 'continue',
      msisdn,
      session_id: session,
      operator: 'kcell',
      payload: { request_id: number, response: number === 0 ? '0' : text },
    },
  }),
  infobip: ({ session, msisdn, text, number }) => ({
    message: { msisdn, text, shortCode: '111' },
    path: `/session/${session}/${number === 0 ? 'start' : 'response'}`,
  }),
};

/** How each tells a screen and whether it is the last. */
const reads: Record<HttpProtocolName, (reply: Record<string, unknown>) => { text: unknown; end: boolean }> = {
  hubtel: ({ Message, Type }) => ({ text: Message, end: Type === 'Release' }),
  nalo: ({ MSG, MSGTYPE }) => ({ text: MSG, end: MSGTYPE === false }),
  arkesel: ({ message, continueSession }) => ({ text: message, end: continueSession === false }),
  beem: ({ payload, command }) => ({ text: (payload as { request: unknown }).request, end: command === 'terminate' }),
  infobip: ({ ussdMenu, shouldClose }) => ({ text: ussdMenu, end: shouldClose === true }),
};

class Phone {
  readonly msisdn: string;
  readonly #protocol: HttpProtocolName;
  session = randomUUID();
  number = 0;
  #last: Sent | undefined;

  constructor(protocol: HttpProtocolName, msisdn: string = newNumber()) {
    this.#protocol = protocol;
    this.msisdn = msisdn;
  }

  dial(text = '*111#'): Promise<string> {
    this.session = randomUUID();
    this.number = 0;
    return this.#step(text);
  }

  type(text: string): Promise<string> {
    this.number += 1;
    return this.#step(text);
  }

  /** The aggregator heard no answer, and asks again. */
  async again(): Promise<string> {
    const { message, path = '' } = present(this.#last, 'something was sent');
    const reply = await app.inject({
      method: 'POST',
      url: `/ussd/${this.#protocol}/kcell/${SECRET}${path}`,
      payload: message,
    });
    assert.equal(reply.statusCode, 200, reply.body);
    const { text, end } = reads[this.#protocol](reply.json());
    return `${end ? 'END' : 'CON'} ${text}`;
  }

  #step(text: string): Promise<string> {
    const { session, msisdn, number } = this;
    this.#last = sends[this.#protocol]({ session, msisdn, text, number });
    return this.again();
  }
}

async function card(): Promise<string> {
  const { pins } = await issueVouchers(platform, {
    operator: 'kcell',
    values: [{ unit: 'KZT', amount: CARD }],
    count: 1,
  });
  return present(pins[0], 'a batch of one has a card');
}

async function credits(number: string): Promise<bigint[]> {
  const { index } = platform.subscribers.refer(parseMsisdn(number));
  const rows = await platform.sql<{ amount: bigint }>(
    `select amount from transfer join subject on transfer.credit >> 20 = subject.subscriber where subject.number_index = $1`,
    [index],
  );
  return rows.map((row) => row.amount);
}

for (const protocol of httpProtocolNames) {
  test(`${protocol}: a card is redeemed from the code dialled to the ledger, and a repeat of the yes moves nothing`, async () => {
    const phone = new Phone(protocol);
    const pin = await card();
    assert.match(await phone.dial(), /^CON Enter the card code\n1 Balance/);
    assert.match(await phone.type('0'), /^CON /);
    assert.match(await phone.type('0'), /^CON Enter the card code/, 'the same answer twice is two answers');
    assert.match(await phone.type(pin), new RegExp(`^CON Card ending ${pin.slice(-4)}`));
    assert.deepEqual(await credits(phone.msisdn), []);
    const last = await phone.type('1');
    assert.match(last, /^END Credited KZT 1,000/);
    for (let times = 0; times < 3; times += 1) assert.equal(await phone.again(), last);
    assert.deepEqual(await credits(phone.msisdn), [CARD]);
    const told = counted.filter(({ gateway }) => gateway === `${protocol}-kcell`).map(({ kind }) => kind);
    assert.deepEqual(told.slice(0, 4), ['first', 'question', 'next', 'question']);
  });

  test(`${protocol}: a first step that is repeated shows the same screen, and a redial offers to go on`, async () => {
    const phone = new Phone(protocol);
    const first = await phone.dial();
    assert.equal(await phone.again(), first);
    await phone.type(await card());
    assert.match(await phone.dial(), /^CON Card ending \d{4} is not credited yet/);
    assert.deepEqual(await credits(phone.msisdn), []);
  });

  test(`${protocol}: what is missing is a 400 that names it, and a number from elsewhere is told on the phone`, async () => {
    const { message, path = '' } = sends[protocol]({ session: 's-1', msisdn: newNumber(), text: '*111#', number: 1 });
    const url = `/ussd/${protocol}/kcell/${SECRET}${path}`;
    const seen = await app.inject({ method: 'POST', url, payload: {} });
    assert.equal(seen.statusCode, 400, seen.body);
    assert.equal(seen.json().code, 'request.invalid');
    for (const body of ['null', '[]', '"x"', '{"payload":null}', '{"__proto__":{"Type":"Response"}}']) {
      const reply = await app.inject({
        method: 'POST',
        url,
        payload: body,
        headers: { 'content-type': 'application/json' },
      });
      assert.equal(reply.statusCode, 400, reply.body);
    }
    const odd = JSON.parse(JSON.stringify(message).replace(/7701\d{7}/, '12345'));
    assert.equal((await app.inject({ method: 'POST', url, payload: odd })).statusCode, 400);
    const foreign = new Phone(protocol, '8613800138000');
    assert.match(await foreign.dial(), /^END /);
  });

  test(`${protocol}: a wrong secret and an operator nobody knows are the same 404`, async () => {
    const { message, path = '' } = sends[protocol]({ session: 's-2', msisdn: newNumber(), text: '*111#', number: 0 });
    const replies = [];
    for (const url of [
      `/ussd/${protocol}/kcell/wrong`,
      `/ussd/${protocol}/beeline/${SECRET}`,
      `/ussd/none/kcell/${SECRET}`,
    ])
      replies.push(await app.inject({ method: 'POST', url: `${url}${path}`, payload: message }));
    assert.deepEqual([...new Set(replies.map(({ statusCode, body }) => `${statusCode} ${body}`))].length, 1);
    assert.equal(replies[0]?.statusCode, 404);
  });
}

test('a card dialled behind the code is credited at once, where what was dialled is told', async () => {
  for (const protocol of ['hubtel', 'nalo', 'arkesel', 'infobip'] as const) {
    const phone = new Phone(protocol);
    assert.match(await phone.dial(`*111*${await card()}#`), /^END Credited KZT 1,000/);
    assert.deepEqual(await credits(phone.msisdn), [CARD]);
  }
});

test('the end of a dialogue is taken note of, and answered', async () => {
  const ended = { SessionId: 's-3', Mobile: newNumber(), Type: 'Timeout', ServiceCode: '111', Message: '' };
  const reply = await app.inject({ method: 'POST', url: `/ussd/hubtel/kcell/${SECRET}`, payload: ended });
  assert.deepEqual([reply.statusCode, reply.json()], [200, { Message: '', Type: 'Release' }]);
});

test('a gateway that is drained turns new dialogues away and finishes the others, until it is resumed', async () => {
  const gateway = present(gateways.get('hubtel'), 'Hubtel is open');
  const phone = new Phone('hubtel');
  await phone.dial();
  gateway.drain();
  assert.equal(gateway.status().state, 'draining');
  assert.match(await new Phone('hubtel').dial(), /^END The service is not available right now/);
  assert.match(await phone.type(await card()), /^CON Card ending/);
  assert.match(await phone.type('1'), /^END Credited/);
  clock.advance(limits.ussdSessionMs + 1);
  assert.equal(gateway.status().state, 'drained');
  gateway.resume();
  assert.equal(gateway.status().state, 'bound');
  assert.match(await new Phone('hubtel').dial(), /^CON Enter the card code/);
});

test('a trace tells how an aggregator names things, and nothing of anybody', async () => {
  const gateway = present(gateways.get('beem'), 'Beem is open');
  const lines: string[] = [];
  gateway.watch({ onTrace: (line) => lines.push(line) });
  const pin = await card();
  const phone = new Phone('beem');
  await phone.dial();
  await phone.type(pin);
  await assert.rejects(gateway.take({ Command: 'initiate', phone: phone.msisdn, payload: { text: pin } }));
  gateway.watch({ onCount: (one) => counted.push(one) });
  assert.deepEqual(lines.slice(2, 3), [
    'beem-kcell in kind="continue" text="[16 digits]" fields=command,msisdn,session_id,operator,payload.request_id,payload.response',
  ]);
  assert.match(String(lines[3]), /^beem-kcell out question "Card ending \[4 digits\]/);
  assert.equal(lines.at(-1), 'beem-kcell in kind="none" text="" fields=Command,phone,payload.text');
  for (const hidden of [pin, pin.slice(-4), phone.msisdn, phone.session])
    assert.ok(!lines.join('\n').includes(hidden), lines.join('\n'));
});

test('a part of a message that is named otherwise is found under that name', async () => {
  const engine = createUssdEngine({ ...platform, onError: (error) => errors.push(error) });
  const gateway = openHttpGateway({
    engine,
    clock,
    protocol: 'infobip',
    renamed: { fields: { number: 'subscriber.msisdn', text: 'input' }, reply: { ussdMenu: 'screen' } },
    gateway: ussdGateway({ id: 'renamed', operator: platform.catalogue.parseOperator('kcell'), language: 'en' }),
    secrets: [new Secret(SECRET)],
  });
  const subscriber = { msisdn: newNumber() };
  const path = { session: 's-4', kind: 'start' };
  const reply = await gateway.take({ subscriber, input: '*111#', shortCode: '111', path });
  assert.deepEqual(Object.keys(reply as object), ['shouldClose', 'screen', 'responseExitCode', 'responseMessage']);
  assert.match(String(Reflect.get(reply as object, 'screen')), /^Enter the card code/);
});
