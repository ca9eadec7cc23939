import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import pino from 'pino';
import {
  issueVouchers,
  newNumber,
  newPin,
  openTestPlatform,
  ownerPool,
  type TestPlatform,
} from '../../../test/support/platform.ts';
import { present } from '../../base/assert.ts';
import { steppedClock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { parseMsisdn } from '../../base/msisdn.ts';
import { Secret } from '../../base/secret.ts';
import { createDocuments } from '../../documents/index.ts';
import { fitsUssd, type Language, languages } from '../../i18n/index.ts';
import { buildServer } from '../api/index.ts';
import { createUssdEngine, osmoLimits, type UssdEngine, ussdAtRoutes, ussdGateway } from './index.ts';

const clock = steppedClock(new Date('2026-11-05T09:05:00Z'));
const secrets = { kcell: 'kcell-secret-0123456789', old: 'kcell-secret-before', beeline: 'beeline-secret-0123456789' };
const MINUTE = 60_000;

let platform: TestPlatform;
let app: FastifyInstance;
const logged: string[] = [];
const errors: unknown[] = [];

before(async () => {
  platform = await openTestPlatform({ clock });
  app = await openDoor();
});

after(async () => {
  await app.close();
  await platform.close();
  assert.deepEqual(errors, [], 'no step met anything unexpected');
});

function openEngine(options: { stepMs?: number; onError?: (error: unknown) => void } = {}): UssdEngine {
  return createUssdEngine({ ...platform, onError: (error) => errors.push(error), ...options });
}

/** A process of its own as far as dialogues go: it shares nothing but the database with other doors. */
function openDoor(options: { stepMs?: number; onError?: (error: unknown) => void } = {}): Promise<FastifyInstance> {
  const gateway = (id: string) =>
    ussdGateway({
      id: `at-${id}`,
      operator: platform.catalogue.parseOperator(id),
      language: 'ru',
      limits: osmoLimits,
    });
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(chunk.toString());
      done();
    },
  });
  return buildServer({
    ...platform,
    authenticate: (token) => platform.partners.authenticate(token),
    ready: async () => true,
    papers: { documents: createDocuments(), seller: { name: 'Sapar', contact: [] } },
    metrics: { contentType: 'text/plain', text: async () => '' },
    version: 'test',
    logger: pino({ level: 'trace' }, stream),
    doors: [
      ussdAtRoutes({
        engine: openEngine(options),
        gateways: new Map([
          ['kcell', { gateway: gateway('kcell'), secrets: [new Secret(secrets.kcell), new Secret(secrets.old)] }],
          ['beeline', { gateway: gateway('beeline'), secrets: [new Secret(secrets.beeline)] }],
        ]),
      }),
    ],
  });
}

type Form = { sessionId: string; serviceCode: string; phoneNumber: string; networkCode: string; text: string };

function post(form: Partial<Form> & Record<string, string>, options: { door?: FastifyInstance; path?: string } = {}) {
  return (options.door ?? app).inject({
    method: 'POST',
    url: options.path ?? `/ussd/at/kcell/${secrets.kcell}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: new URLSearchParams(form).toString(),
  });
}

/** A phone in the middle of one dialogue: types, and sees a screen that fits. */
class Phone {
  readonly number: string;
  readonly #options: { door?: FastifyInstance; path?: string; code: string };
  session = '';
  path = '';

  constructor(number: string, options: { door?: FastifyInstance; path?: string; code?: string } = {}) {
    this.number = number;
    this.#options = { code: '*111#', ...options };
  }

  /** Dials the menu's code, or the code with something behind it. */
  dial(text = ''): Promise<string> {
    this.session = randomUUID();
    this.path = text;
    return this.send();
  }

  type(text: string): Promise<string> {
    this.path = this.path === '' ? text : `${this.path}*${text}`;
    return this.send();
  }

  async run(...texts: readonly string[]): Promise<string> {
    let screen = '';
    for (const text of texts) screen = await this.type(text);
    return screen;
  }

  /** Sends the step that the phone stands at, again. */
  async send(door = this.#options.door): Promise<string> {
    const { code, path } = this.#options;
    const form = {
      sessionId: this.session,
      serviceCode: code,
      phoneNumber: `+${this.number}`,
      networkCode: '40102',
      text: this.path,
    };
    const reply = await post(form, { ...(door && { door }), ...(path !== undefined && { path }) });
    assert.equal(reply.statusCode, 200, reply.body);
    assert.equal(reply.headers['content-type'], 'text/plain; charset=utf-8');
    const [, mark, text] = present(
      /^(CON|END) ([\s\S]*)$/.exec(reply.body),
      `a reply begins CON or END: ${reply.body}`,
    );
    assert.ok(fitsUssd(String(text), mark === 'CON' ? osmoLimits.menu : osmoLimits.final), reply.body);
    return reply.body;
  }

  async ended(status: string): Promise<void> {
    const form = {
      date: '2026-11-05',
      sessionId: this.session,
      serviceCode: '*111#',
      networkCode: '40102',
      phoneNumber: `+${this.number}`,
      status,
      cost: 'KZT 0',
      durationInMillis: '12000',
      hopsCount: '3',
      input: this.path,
      lastAppResponse: 'END',
      errorMessage: '',
    };
    const reply = await post(form, { path: `/ussd/at/kcell/${secrets.kcell}/end` });
    assert.equal(reply.statusCode, 204, reply.body);
  }
}

/** What the ledger holds for a number: each transfer to its accounts, in minor units. */
async function credits(number: string): Promise<bigint[]> {
  const { index } = platform.subscribers.refer(parseMsisdn(number));
  const rows = await platform.sql<{ amount: bigint }>(
    `select amount from transfer join subject on transfer.credit >> 20 = subject.subscriber
     where subject.number_index = $1 order by recorded_at, event, leg`,
    [index],
  );
  return rows.map((row) => row.amount);
}

async function card(amount = 1_000_00n, operator = 'kcell'): Promise<string> {
  const { pins } = await issueVouchers(platform, { operator, values: [{ unit: 'KZT', amount }], count: 1 });
  return present(pins[0], 'a batch of one has a card');
}

const seen: Record<Language, { choose: string; confirm: RegExp; credited: RegExp; balance: RegExp }> = {
  zh: {
    choose: '1',
    confirm: /为本机充值/,
    credited: /^END 充值成功：₸1,000\n余额 ₸1,000\n编号 [\w-]{14}$/,
    balance: /^END 余额 ₸1,000$/,
  },
  en: {
    choose: '2',
    confirm: /Top up this number\?/,
    credited: /^END Credited KZT 1,000\.\nBalance KZT 1,000\nRef [\w-]{14}$/,
    balance: /^END Balance KZT 1,000$/,
  },
  ru: {
    choose: '3',
    confirm: /Пополнить баланс\?/,
    credited: /^END Зачислено 1 000 ₸\nБаланс 1 000 ₸\n№ [\w-]{14}$/,
    balance: /^END Баланс 1 000 ₸$/,
  },
  kk: {
    choose: '4',
    confirm: /Теңгерімді толтырасыз ба\?/,
    credited: /^END 1 000 ₸ түсті\nТеңгерім 1 000 ₸\n№ [\w-]{14}$/,
    balance: /^END Теңгерім 1 000 ₸$/,
  },
};

for (const language of languages) {
  test(`a card is redeemed from the first screen to the last in ${language}, and the choice is remembered`, async () => {
    const phone = new Phone(newNumber());
    const pin = await card();
    assert.match(await phone.dial(), /^CON Введите код карты\n1 Баланс\n0 Ещё\n9 /);
    assert.match(await phone.type('9'), /^CON 1 中文\n2 English\n3 Русский\n4 Қазақша$/);
    await phone.type(seen[language].choose);
    const confirm = await phone.type(pin);
    assert.match(confirm, seen[language].confirm);
    assert.match(confirm, new RegExp(pin.slice(-4)));
    assert.deepEqual(await credits(phone.number), [], 'no money moves before the yes');
    const last = await phone.type('1');
    assert.match(last, seen[language].credited);
    assert.deepEqual(await credits(phone.number), [1_000_00n]);
    await phone.ended('Success');

    // A number that had no subscriber when it chose keeps its language for the dialogue; from its first card on, for good.
    const again = new Phone(phone.number);
    await again.dial();
    await again.run('9', seen[language].choose);
    clock.advance(limits.ussdSessionMs + MINUTE);
    const later = new Phone(phone.number);
    await later.dial();
    assert.match(await later.type('1'), seen[language].balance);
  });
}

test('a whole dialogue runs over a real socket', async () => {
  await app.listen({ port: 0, host: '127.0.0.1' });
  const address = present(app.server.address(), 'a listening server has an address');
  const url = `http://127.0.0.1:${typeof address === 'string' ? '' : address.port}/ussd/at/kcell/${secrets.kcell}`;
  const number = newNumber();
  const pin = await card(2_500_50n);
  const session = randomUUID();
  const screens: string[] = [];
  for (const text of ['', pin, `${pin}*1`]) {
    const form = { sessionId: session, serviceCode: '*111#', phoneNumber: `+${number}`, networkCode: '40102', text };
    const reply = await fetch(url, { method: 'POST', body: new URLSearchParams(form) });
    assert.equal(reply.status, 200);
    screens.push(await reply.text());
  }
  assert.match(String(screens.at(-1)), /^END Зачислено 2 500,50 ₸\nБаланс 2 500,50 ₸\n№ /);
  assert.deepEqual(await credits(number), [2_500_50n]);
});

test('a repeated step gets the reply it got before, and money moves once', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  const pin = await card();
  for (const text of [pin, '1']) {
    const first = await phone.type(text);
    for (let times = 0; times < 3; times += 1) assert.equal(await phone.send(), first);
  }
  assert.deepEqual(await credits(phone.number), [1_000_00n]);
});

test('an earlier step that arrives late does not move the dialogue back', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  const confirm = await phone.run('0', await card());
  const path = phone.path;
  phone.path = '0';
  assert.equal(await phone.send(), confirm);
  phone.path = path;
  assert.match(await phone.type('1'), /^END Зачислено/);
});

test('the yes sent by two processes in parallel, twenty times each, moves money once and always says so', async () => {
  const other = await openDoor();
  const phone = new Phone(newNumber());
  await phone.dial();
  await phone.type(await card());
  phone.path += '*1';
  const replies = await Promise.all(Array.from({ length: 40 }, (_, index) => phone.send(index % 2 ? other : app)));
  for (const reply of replies) assert.match(reply, /^END Зачислено 1 000 ₸\nБаланс 1 000 ₸\n№ /);
  assert.deepEqual(await credits(phone.number), [1_000_00n]);
  await other.close();
});

test('one card confirmed by two numbers at once is credited to one of them', async () => {
  const phones = [new Phone(newNumber()), new Phone(newNumber())];
  const pin = await card();
  for (const phone of phones) {
    await phone.dial();
    await phone.type(pin);
  }
  const replies = await Promise.all(phones.map((phone) => phone.type('1')));
  assert.equal(replies.filter((reply) => reply.startsWith('END Зачислено')).length, 1);
  assert.equal(replies.filter((reply) => reply.startsWith('CON Код не принят')).length, 1);
  const moved = await Promise.all(phones.map((phone) => credits(phone.number)));
  assert.deepEqual(moved.flat(), [1_000_00n]);
});

test('the dialogue goes on in another process', async () => {
  const other = await openDoor();
  const phone = new Phone(newNumber());
  await phone.dial();
  const pin = await card();
  phone.path = pin;
  await phone.send(other);
  phone.path = `${pin}*1`;
  assert.match(await phone.send(), /^END Зачислено/);
  await other.close();
});

test('a redial in the middle offers to continue, and continuing asks for the yes again', async () => {
  const phone = new Phone(newNumber());
  const pin = await card();
  await phone.dial();
  await phone.run('9', '2', pin);
  const tail = pin.slice(-4);
  const redial = new Phone(phone.number);
  assert.equal(await redial.dial(), `CON Card ending ${tail} is not credited yet.\n1 Continue\n2 Start again`);
  const third = new Phone(phone.number);
  assert.match(await third.dial(), /not credited yet/, 'the offer survives a second drop');
  assert.equal(await third.type('1'), `CON Card ending ${tail}. Top up this number?\n1 Yes\n0 No`);
  assert.deepEqual(await credits(phone.number), []);
  assert.match(await third.type('1'), /^END Credited KZT 1,000/);
  assert.deepEqual(await credits(phone.number), [1_000_00n]);
});

test('a redial in the middle may start again, and after three minutes it does so by itself', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  await phone.type(await card());
  const redial = new Phone(phone.number);
  await redial.dial();
  assert.match(await redial.type('2'), /^CON Введите код карты/);
  assert.match(await new Phone(phone.number).dial(), /^CON Введите код карты/, 'nothing is left to continue');

  const late = new Phone(newNumber());
  await late.dial();
  await late.type(await card());
  clock.advance(limits.ussdSessionMs + 1);
  assert.match(await new Phone(late.number).dial(), /^CON Введите код карты/);
});

test('a redial after a lost last screen tells what was credited, and takes the next card', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  await phone.run(await card(), '1');
  await phone.ended('Failed');
  const redial = new Phone(phone.number);
  assert.equal(await redial.dial(), 'CON Зачислено: 1 000 ₸\nКод карты или 0 Меню');
  clock.advance(1_000);
  assert.match(await redial.run(await card(500_00n), '1'), /^END Зачислено 500 ₸\nБаланс 1 500 ₸/);
  assert.deepEqual(await credits(phone.number), [1_000_00n, 500_00n]);
  clock.advance(limits.ussdSessionMs + 1);
  assert.match(await new Phone(phone.number).dial(), /^CON Введите код карты/);
});

test('a last screen that the gateway says was delivered is not told again', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  await phone.run(await card(), '1');
  await phone.ended('Success');
  assert.match(await new Phone(phone.number).dial(), /^CON Введите код карты/);
});

test('a notice that a dialogue is over does not end one that can be continued', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  await phone.type(await card());
  await phone.ended('Success');
  assert.match(await new Phone(phone.number).dial(), /ещё не зачислена/);
});

test('dialling the code with the card in it credits at once, and a repeat says the same', async () => {
  const phone = new Phone(newNumber());
  const first = await phone.dial(await card());
  assert.match(first, /^END Зачислено 1 000 ₸\nБаланс 1 000 ₸\n№ /);
  assert.equal(await phone.send(), first);
  assert.deepEqual(await credits(phone.number), [1_000_00n]);
});

test('dialling a card again that the same number has used tells when, and moves nothing', async () => {
  const pin = await card();
  const phone = new Phone(newNumber());
  await phone.dial(pin);
  clock.advance(10 * MINUTE);
  assert.match(await phone.dial(pin), /^END Карта уже зачислена \d\d\.11 \d\d:\d\d\nБаланс 1 000 ₸$/);
  assert.deepEqual(await credits(phone.number), [1_000_00n]);
});

test('the code dialled with a choice in it answers the first screen', async () => {
  assert.equal(await new Phone(newNumber()).dial('1'), 'END Баланс 0 ₸. Пополнений у нас ещё не было');
});

test('a card of several buckets is told and shown bucket by bucket', async () => {
  const { pins } = await issueVouchers(platform, {
    values: [
      { unit: 'KZT', amount: 1_000_00n },
      { unit: 'MB', amount: 500_000n, validDays: 30 },
      { unit: 'SECOND', amount: 3_600n },
      { unit: 'SMS', amount: 30n },
    ],
    count: 1,
  });
  const phone = new Phone(newNumber());
  await phone.dial();
  assert.equal(await phone.run(String(pins[0]), '1'), 'CON +1 000 ₸\n+500 МБ\n+60 мин\n+30 SMS\nБаланс 1 000 ₸\n0 Ещё');
  assert.match(await phone.type('0'), /^END № [\w-]{14}$/);
  clock.advance(limits.ussdSessionMs + 1);
  const later = new Phone(phone.number);
  await later.dial();
  const balance = await later.type('1');
  assert.match(balance, /^(CON|END) Баланс 1 000 ₸\n/);
  const pages = balance.startsWith('CON') ? balance + (await later.type('0')) : balance;
  for (const part of [/500 МБ до \d\d\.12\.26/, /60 мин/, /30 SMS/]) assert.match(pages, part);
});

test('wrong codes climb the ladder: four may be tried again, the fifth bars, time lifts the bar', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  assert.match(await phone.run(newPin(), '1'), /^CON Код не принят, проверьте цифры\.\n1 Ввести снова\n2 Помощь$/);
  assert.match(await phone.type('1'), /^CON Введите код карты \(12–20 цифр\)/);
  assert.match(await phone.run(newPin(), '1'), /^CON Код не принят/);
  for (let tries = 3; tries <= 5; tries += 1) assert.match(await phone.run(newPin(), '1'), /^CON Код не принят/);
  const good = await card();
  assert.match(await phone.run(good, '1'), /^END Слишком много ошибок\. Повторите после \d\d\.11 \d\d:\d\d$/);
  assert.deepEqual(await credits(phone.number), []);
  clock.advance(16 * MINUTE);
  assert.match(await new Phone(phone.number).dial(good), /^END Зачислено/);
});

test('after a refusal help says whom to call, to keep the card, and how it is done', async () => {
  const phone = new Phone(newNumber(), { path: `/ussd/at/beeline/${secrets.beeline}`, code: '*384*12#' });
  await phone.dial();
  let page = await phone.run(newPin(), '1', '2');
  const pages = [page];
  while (page.startsWith('CON')) {
    page = await phone.type('0');
    pages.push(page);
  }
  const help = pages.join(' ');
  for (const part of [/Горячая линия: 116/, /Сохраните карту/, /наберите \*384\*12\*код#/]) assert.match(help, part);
});

test('a card of another operator is turned away with the code to dial, and stays good', async () => {
  const pin = await card(1_000_00n, 'beeline');
  const phone = new Phone(newNumber());
  await phone.dial();
  assert.equal(await phone.run(pin, '1'), 'END Это карта Билайн. Наберите *100*код# с SIM Билайн');
  const there = new Phone(phone.number, { path: `/ussd/at/beeline/${secrets.beeline}`, code: '*100#' });
  assert.match(await there.dial(pin), /^END Зачислено/);
  assert.deepEqual(await credits(phone.number), [1_000_00n]);
});

test('a used card of somebody else, an expired, a locked and an unknown one read the same', async () => {
  const used = await card();
  await new Phone(newNumber()).dial(used);
  const soon = await issueVouchers(platform, {
    values: [{ unit: 'KZT', amount: 1_000_00n }],
    count: 1,
    expiresAt: clock.now(),
  });
  const locked = await issueVouchers(platform, {
    values: [{ unit: 'KZT', amount: 1_000_00n }],
    count: 1,
    state: 'locked',
  });
  const replies = new Set<string>();
  for (const pin of [used, ...soon.pins, ...locked.pins, newPin()]) replies.add(await new Phone(newNumber()).dial(pin));
  assert.deepEqual([...replies], ['CON Код не принят, проверьте цифры.\n1 Ввести снова\n2 Помощь']);
});

test('no answer in time after the yes says "not known", moves money once, and the redial tells it', async () => {
  const slow = await openDoor({ stepMs: 300 });
  const phone = new Phone(newNumber(), { door: slow });
  await phone.dial();
  await phone.type(await card());
  const blocker = await lock('voucher_end');
  assert.equal(await phone.type('1'), 'END Итог пока неизвестен. Наберите снова: дважды не спишется');
  assert.deepEqual(await credits(phone.number), []);
  await blocker.release();
  const redial = new Phone(phone.number);
  const told = await redial.dial();
  // The yes is still under way or has just ended: either way the next screens lead to one credit.
  if (told.includes('ещё не зачислена')) assert.match(await redial.run('1', '1'), /^END Зачислено 1 000 ₸/);
  else assert.match(told, /^CON Зачислено: 1 000 ₸/);
  assert.deepEqual(await credits(phone.number), [1_000_00n]);
  await slow.close();
});

test('no answer in time before the yes says that the service is away', async () => {
  const slow = await openDoor({ stepMs: 200 });
  const phone = new Phone(newNumber(), { door: slow });
  await phone.dial();
  const blocker = await lock('ussd_session');
  assert.equal(await phone.type('1'), 'END Сервис временно недоступен. Наберите через минуту');
  await blocker.release();
  assert.match(await phone.send(), /^END Баланс 0 ₸/);
  await slow.close();
});

async function lock(table: string): Promise<{ release(): Promise<void> }> {
  const pool = ownerPool(platform.ownerUrl);
  const client = await pool.connect();
  await client.query(`begin; lock table ${table} in access exclusive mode`);
  return {
    async release() {
      await client.query('commit');
      client.release();
      await pool.end();
    },
  };
}

test('a yes that fails in an unforeseen way says "not known", and the redial asks it on', async () => {
  const unforeseen: unknown[] = [];
  const door = await openDoor({ onError: (error) => unforeseen.push(error) });
  const phone = new Phone(newNumber(), { door });
  await phone.dial();
  await phone.type(await card());
  await platform.sql('alter table voucher_end rename to voucher_end_away');
  assert.match(await phone.type('1'), /^END Итог пока неизвестен/);
  assert.match(await phone.dial(), /^END Итог пока неизвестен/, 'still not known');
  await platform.sql('alter table voucher_end_away rename to voucher_end');
  assert.deepEqual(await credits(phone.number), []);
  assert.match(await phone.dial(), /^END Зачислено 1 000 ₸\nБаланс 1 000 ₸\n№ /);
  assert.deepEqual(await credits(phone.number), [1_000_00n]);
  assert.equal(unforeseen.length, 2);
  await door.close();
});

test('a system that takes no more work says that the card was not used', async () => {
  const full = await openTestPlatform({ clock, dataDir: platform.dataDir });
  await full.topups.close();
  const engine = createUssdEngine({ ...platform, topups: full.topups });
  const gateway = ussdGateway({
    id: 'test-full',
    operator: platform.catalogue.parseOperator('kcell'),
    language: 'ru',
    limits: osmoLimits,
  });
  const pin = await card();
  const number = newNumber();
  const reply = await engine.step({
    gateway,
    session: randomUUID(),
    msisdn: parseMsisdn(number),
    serviceCode: '*111#',
    input: { kind: 'path', path: pin },
  });
  assert.deepEqual(reply, { text: 'Сервис занят, карта не использована. Наберите позже', end: true });
  assert.match(await new Phone(number).dial(pin), /^END Зачислено/);
  await full.close();
});

const nonsense = [
  'абвгд',
  'hello',
  '👍',
  '７',
  '٣',
  '1 1',
  '-1',
  '1.5',
  '*',
  '#',
  '**',
  "'; drop table transfer; --",
  '\u0000',
  '\u202e',
  '%00',
  'x'.repeat(500),
  '9'.repeat(500),
  '👍'.repeat(200),
  '123',
  '12345678901',
  '1'.repeat(21),
  '',
];

for (const text of nonsense) {
  const shown = text.length > 30 ? `${text.length} characters` : JSON.stringify(text);
  test(`${shown} is answered politely wherever it is typed, and moves nothing`, async () => {
    const phone = new Phone(newNumber());
    const code = await card();
    for (const way of [[], ['0'], ['9'], ['12345678901'], [code], [newPin(), '1'], ['0', '4']]) {
      await phone.dial();
      await phone.run(...way);
      assert.match(await phone.type(text), /^(CON|END) \S/);
      assert.deepEqual(await credits(phone.number), []);
    }
    await phone.dial(text);
  });
}

test('a code in full-width digits, in groups or with hyphens is the same code', async () => {
  const pin = await card();
  const wide = pin.replaceAll(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)));
  const phone = new Phone(newNumber());
  await phone.dial();
  assert.match(await phone.type(wide), new RegExp(pin.slice(-4)));
  assert.match(await phone.type(pin.replaceAll(/(\d{4})(?=\d)/g, '$1-')), new RegExp(pin.slice(-4)));
  assert.match(await phone.type('1'), /^END Зачислено/);
});

test('codes of too few or too many digits are told so and count as no guess', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  for (let times = 0; times < 12; times += 1) {
    assert.match(await phone.type(times % 2 ? '12345678901' : '1'.repeat(21)), /^CON В коде от 12 до 20 цифр/);
  }
  assert.match(await phone.run(await card(), '1'), /^END Зачислено/);
});

test('no keeps the card, and another code may be typed', async () => {
  const phone = new Phone(newNumber());
  const pin = await card();
  await phone.dial();
  assert.equal(await phone.run(pin, '0'), 'CON Отменено, карта не использована.\nКод карты или 0 Меню');
  assert.deepEqual(await credits(phone.number), []);
  assert.match(await phone.run(pin, '1'), /^END Зачислено/);
});

test('the last five movements come newest first, in pages', async () => {
  const phone = new Phone(newNumber());
  for (let nth = 1n; nth <= 6n; nth += 1n) {
    clock.advance(MINUTE);
    await phone.dial(await card(nth * 100_00n));
  }
  clock.advance(limits.ussdSessionMs + 1);
  const again = new Phone(phone.number);
  await again.dial();
  let page = await again.run('0', '2');
  const pages = [page];
  while (page.startsWith('CON')) {
    page = await again.type('0');
    pages.push(page);
  }
  assert.ok(pages.length > 1 && page.startsWith('END '));
  assert.deepEqual(
    pages.flatMap(
      (text) => text.match(/\d\d\.11 \d\d:\d\d \+(\d+) ₸ карта/g)?.map((line) => /\+(\d+)/.exec(line)?.[1]) ?? [],
    ),
    ['600', '500', '400', '300', '200'],
  );
});

test('a number without movements is told so', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  assert.equal(await phone.run('0', '2'), 'END Операций пока нет');
});

test('a session nobody remembers starts again, and never takes old answers for a yes', async () => {
  const pin = await card();
  const phone = new Phone(newNumber());
  phone.session = randomUUID();
  phone.path = `${pin}*1`;
  assert.match(await phone.send(), /^CON Введите код карты/);
  assert.deepEqual(await credits(phone.number), []);
  assert.match(await phone.run(pin, '1'), /^END Зачислено/);
});

test('dialogues whose table was emptied by a crash go on from the start', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  const pin = await card();
  await phone.type(pin);
  await platform.sql('truncate ussd_session');
  assert.match(await phone.type('1'), /^CON Введите код карты/);
  assert.match(await phone.run(pin, '1'), /^END Зачислено/);
});

test('a session id of one number shows nothing to another', async () => {
  const phone = new Phone(newNumber());
  await phone.dial();
  await phone.type(await card());
  const thief = new Phone(newNumber());
  thief.session = phone.session;
  thief.path = `${phone.path}*1`;
  assert.match(await thief.send(), /^CON Введите код карты/);
  assert.deepEqual([await credits(phone.number), await credits(thief.number)], [[], []]);
});

test('what is kept of a dialogue holds neither the code, nor the number, nor what was typed', async () => {
  const phone = new Phone(newNumber());
  const pin = await card();
  await phone.dial();
  await phone.type(pin);
  const rows = await platform.sql<{ row: string }>('select row_to_json(ussd_session)::text as row from ussd_session');
  assert.ok(rows.some(({ row }) => row.includes(phone.session)));
  for (const { row } of rows) {
    for (const secret of [pin, phone.number, phone.number.slice(1), Buffer.from(pin).toString('base64')])
      assert.ok(!row.includes(secret), 'kept in clear');
  }
  assert.match(await phone.type('1'), /^END Зачислено/);
  const [after] = await platform.sql<{ state: string }>('select state from ussd_session where session = $1', [
    phone.session,
  ]);
  assert.doesNotMatch(String(after?.state), /sealed/, 'after the yes nothing of the code is left');
});

test('a wrong secret and an unknown operator are the same 404; a second secret is taken', async () => {
  const form = { sessionId: 's', serviceCode: '*111#', phoneNumber: `+${newNumber()}`, networkCode: '1', text: '' };
  const bodies = new Set<string>();
  for (const path of [
    '/ussd/at/kcell/wrong',
    `/ussd/at/nobody/${secrets.kcell}`,
    `/ussd/at/beeline/${secrets.kcell}`,
    `/ussd/at/kcell/${secrets.kcell}x`,
    `/ussd/at/kcell/${secrets.kcell.slice(1)}`,
    '/ussd/at/kcell/wrong/end',
    '/ussd/at/__proto__/x',
  ]) {
    const reply = await post(form, { path });
    assert.equal(reply.statusCode, 404, path);
    assert.match(String(reply.headers['content-type']), /^application\/problem\+json/);
    bodies.add(JSON.stringify({ ...reply.json(), requestId: '' }));
  }
  assert.equal(bodies.size, 1, [...bodies].join('\n'));
  assert.equal((await post(form, { path: `/ussd/at/kcell/${secrets.old}` })).statusCode, 200);
});

for (const field of ['sessionId', 'serviceCode', 'phoneNumber', 'text'] as const) {
  test(`a form without ${field} is the aggregator's to repair`, async () => {
    const form: Record<string, string> = {
      sessionId: 's',
      serviceCode: '*111#',
      phoneNumber: `+${newNumber()}`,
      networkCode: '1',
      text: '',
    };
    delete form[field];
    const reply = await post(form);
    assert.equal(reply.statusCode, 400);
    assert.deepEqual([reply.json().code, reply.json().details.field], ['request.invalid', field]);
  });
}

test('a form that is broken in other ways is refused before anything is done', async () => {
  const number = newNumber();
  const good = { sessionId: 's', serviceCode: '*111#', phoneNumber: `+${number}`, networkCode: '1', text: '' };
  const url = `/ussd/at/kcell/${secrets.kcell}`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const statuses = await Promise.all([
    post({ ...good, sessionId: '' }),
    post({ ...good, sessionId: 'with space' }),
    post({ ...good, sessionId: 'x'.repeat(129) }),
    post({ ...good, phoneNumber: 'abc' }),
    post({ ...good, text: 'x'.repeat(20_000) }),
    app.inject({
      method: 'POST',
      url,
      headers,
      payload: 'sessionId=a&sessionId=b&serviceCode=1&phoneNumber=%2B77011234567&text=',
    }),
    app.inject({ method: 'POST', url, headers, payload: '' }),
    app.inject({ method: 'POST', url, payload: good }),
    app.inject({ method: 'POST', url, headers: { 'content-type': 'text/xml' }, payload: '<a/>' }),
    app.inject({ method: 'GET', url }),
  ]);
  assert.deepEqual(
    statuses.map((reply) => reply.statusCode),
    [400, 400, 400, 400, 413, 400, 400, 200, 415, 405],
  );
});

test('a number that is not of Kazakhstan is told so on its screen', async () => {
  for (const phoneNumber of ['+79031234567', '+8613812345678', '+77172123456', '+77601234567']) {
    const reply = await post({
      sessionId: randomUUID(),
      serviceCode: '*111#',
      phoneNumber,
      networkCode: '1',
      text: '',
    });
    assert.equal(reply.statusCode, 200);
    assert.equal(reply.body, 'END Этот номер не обслуживается: только номера Казахстана');
  }
});

test('the address, the number and the card stay out of the log', async () => {
  const phone = new Phone(newNumber());
  const pin = await card();
  await phone.dial(pin);
  await post({ text: pin }, { path: `/ussd/at/kcell/${secrets.kcell}x` });
  const all = logged.join('');
  for (const secret of [secrets.kcell, secrets.old, secrets.beeline, pin, phone.number, phone.number.slice(1)]) {
    assert.ok(!all.includes(secret), 'logged');
  }
});

test('a gateway that sends each answer alone has the same dialogue', async () => {
  const engine = openEngine();
  const gateway = ussdGateway({
    id: 'test-last',
    operator: platform.catalogue.parseOperator('kcell'),
    language: 'en',
    limits: osmoLimits,
  });
  const number = newNumber();
  const pin = await card();
  const say = (text: string, name: string, session = 'last-1') =>
    engine.step({
      gateway,
      session,
      msisdn: parseMsisdn(number),
      serviceCode: '*111#',
      input: { kind: 'last', text, name, first: name === '1' },
    });
  assert.match((await say('', '1')).text, /^Enter the card code/);
  const confirm = await say(pin, '2');
  assert.match(confirm.text, /Top up this number/);
  assert.deepEqual(await say(pin, '2'), confirm, 'a repeat has the name of its first');
  const credited = await say('1', '3');
  assert.match(credited.text, /^Credited KZT 1,000/);
  assert.deepEqual(await say('1', '3'), credited);
  assert.deepEqual(await credits(number), [1_000_00n]);
  // The gateway counts its sessions from the start again: an old id is a new dialogue.
  assert.match((await say(await card(), '1')).text, /^Credited KZT 1,000/);
  // The middle of a dialogue that nobody remembers: a code is asked about, not credited.
  assert.match((await say(await card(), '2', 'last-2')).text, /Top up this number/);
});

test('a limit below what the menus need is refused at start', () => {
  const settings = { id: 'small', operator: platform.catalogue.parseOperator('kcell'), language: 'ru' } as const;
  assert.throws(
    () => ussdGateway({ ...settings, limits: { menu: { gsm7: 100, ucs2: 40 }, final: { gsm7: 128, ucs2: 56 } } }),
    /menu limit of USSD gateway small/,
  );
});
