import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Call, Exchange } from '../../simulators/msc/exchange.ts';
import { present } from '../../src/base/assert.ts';
import { type Msisdn, parseMsisdn } from '../../src/base/msisdn.ts';
import {
  createUssdEngine,
  type GsupOptions,
  networkLimits,
  openGsup,
  osmoLimits,
  ussdGateway,
} from '../../src/channels/ussd/index.ts';
import type { Gateway } from '../../src/gateways/index.ts';
import { fitsUssd } from '../../src/i18n/index.ts';
import { audit } from '../../src/reports/index.ts';
import { type Capture, startCapture } from '../support/capture.ts';
import { openTestGateways } from '../support/gateways.ts';
import { type Hlr, startHlr } from '../support/hlr.ts';
import { startPath } from '../support/path.ts';
import { issueVouchers, newNumber, newPin, openTestPlatform, type TestPlatform } from '../support/platform.ts';

// Debian's osmo-hlr between a switching centre and the platform: the one place where a real core network can be had.

/** As osmo-euse-demo names itself. */
const DEMO = 'foobar-00-00-00-00-00-00';
const CARD = 1_000_00n;
const errors: unknown[] = [];

let platform: TestPlatform;
let hlr: Hlr;
let capture: Capture;
let demo: ChildProcess;
let msc: Exchange;
let gateway: Gateway;

before(async () => {
  hlr = await startHlr({ entities: { [DEMO]: ['*123'], topup: ['*111#', '*111*'] } });
  capture = await startCapture(`host ${hlr.host} and tcp port ${hlr.gsupPort}`);
  platform = await openTestPlatform();
  gateway = openGateway();
  demo = spawn('osmo-euse-demo', [hlr.host, String(hlr.gsupPort)], { stdio: 'ignore' });
  msc = await openExchange();
  await bound(gateway);
});

after(async () => {
  await msc.close();
  demo.kill();
  await gateway.close();
  await capture.stop();
  capture.close();
  await hlr.close();
  await platform.close();
  assert.deepEqual(errors, [], 'no step met anything unexpected');
});

function openGateway(options: Partial<GsupOptions> = {}): Gateway {
  const engine = createUssdEngine({ ...platform, onError: (error) => errors.push(error) });
  const settings = { id: 'hlr', operator: platform.catalogue.parseOperator('kcell'), language: 'ru' as const };
  return openGsup({
    engine,
    gateway: ussdGateway({ ...settings, limits: osmoLimits }),
    clock: platform.clock,
    host: hlr.host,
    port: hlr.gsupPort,
    name: 'EUSE-topup',
    control: { host: hlr.host, port: hlr.ctrlPort },
    codes: ['*111#'],
    timers: { retriesMs: [50, 100] },
    hooks: { onError: (error) => errors.push(error) },
    ...options,
  });
}

async function reopen(options: Partial<GsupOptions> = {}): Promise<void> {
  await gateway.close();
  gateway = openGateway(options);
  await bound(gateway);
}

function openExchange(): Promise<Exchange> {
  return Exchange.open({ host: hlr.host, port: hlr.gsupPort });
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (isSo()) return;
    await delay(50);
  }
  assert.fail(`${what} did not come about`);
}

function bound(one: Gateway): Promise<void> {
  return until('a bound gateway', () => one.status().state === 'bound');
}

let sims = 0;

/** A SIM that the HLR knows, with a number of its own. */
async function newSim(msisdn: Msisdn = newNumber()): Promise<{ imsi: string; msisdn: Msisdn }> {
  sims += 1;
  const imsi = `90170${String(sims).padStart(10, '0')}`;
  await hlr.subscribe({ imsi, msisdn });
  return { imsi, msisdn };
}

async function cards(count: number): Promise<string[]> {
  const issued = await issueVouchers(platform, { operator: 'kcell', values: [{ unit: 'KZT', amount: CARD }], count });
  return [...issued.pins];
}

async function card(): Promise<string> {
  return present((await cards(1))[0], 'a batch of one has a card');
}

/** What the ledger holds for a number, in minor units. */
async function credits(number: Msisdn): Promise<bigint[]> {
  const { index } = platform.subscribers.refer(parseMsisdn(number));
  const rows = await platform.sql<{ amount: bigint }>(
    `select amount from transfer join subject on transfer.credit >> 20 = subject.subscriber
     where subject.number_index = $1 order by recorded_at, event, leg`,
    [index],
  );
  return rows.map((row) => row.amount);
}

/** A question that fits the network; the last text of a dialogue, likewise. */
function asks(call: Call, text: RegExp): void {
  assert.equal(call.shown.kind, 'question', call.text);
  assert.match(call.text, text);
  assert.ok(fitsUssd(call.text, osmoLimits.menu), call.text);
}

function ends(call: Call, text: RegExp): void {
  assert.equal(call.shown.kind, 'text', call.text);
  assert.match(call.text, text);
  assert.ok(fitsUssd(call.text, osmoLimits.final), call.text);
}

test('the exchange is right without us: the HLR and its own demo entity answer it', async () => {
  const { imsi, msisdn } = await newSim();
  const own = await msc.dial(imsi, '*#100#');
  assert.deepEqual(own.shown, { kind: 'text', text: `Your extension is ${msisdn}` });
  const demonstrated = await msc.dial(imsi, '*123#');
  assert.deepEqual(demonstrated.shown, { kind: 'text', text: 'You sent "*123#"' });
  const nobody = await msc.dial(imsi, '*999#');
  assert.deepEqual(nobody.shown, { kind: 'error', error: 0x12 });
});

test('a card is redeemed through the HLR in Cyrillic, from the code dialled to the ledger', async () => {
  const { imsi, msisdn } = await newSim();
  const pin = await card();
  const call = await msc.dial(imsi, '*111#');
  asks(call, /^Введите код карты\n1 Баланс\n0 Ещё\n9 /);
  await call.answer(pin);
  asks(call, new RegExp(`${pin.slice(-4)}.*\\nПополнить баланс\\?|Пополнить баланс\\?`));
  assert.deepEqual(await credits(msisdn), [], 'no money moves before the yes');
  await call.answer('1');
  ends(call, /^Зачислено 1 000 ₸\nБаланс 1 000 ₸\n№ [\w-]{14}$/);
  assert.deepEqual(await credits(msisdn), [CARD]);
});

test('and in Latin, whose characters take seven bits', async () => {
  const { imsi, msisdn } = await newSim();
  const call = await msc.dial(imsi, '*111#');
  await call.answer('9');
  asks(call, /2 English/);
  await call.answer('2');
  asks(call, /^Enter the card code\n1 Balance/);
  await call.answer(await card());
  asks(call, /Top up this number\?/);
  await call.answer('1');
  ends(call, /^Credited KZT 1,000\.\nBalance KZT 1,000\nRef [\w-]{14}$/);
  assert.deepEqual(await credits(msisdn), [CARD]);
});

test('and in Kazakh and Chinese', async () => {
  for (const [choice, credited] of [
    ['4', /^1 000 ₸ түсті/],
    ['1', /^充值成功：₸1,000/],
  ] as const) {
    const { imsi, msisdn } = await newSim();
    const call = await msc.dial(imsi, '*111#');
    for (const text of ['9', choice, await card(), '1']) await call.answer(text);
    ends(call, credited);
    assert.deepEqual(await credits(msisdn), [CARD]);
  }
});

test('a card dialled behind the code is credited at once', async () => {
  const { imsi, msisdn } = await newSim();
  ends(await msc.dial(imsi, `*111*${await card()}#`), /^Зачислено 1 000 ₸/);
  assert.deepEqual(await credits(msisdn), [CARD]);
  asks(await msc.dial(imsi, `*111*${newPin()}#`), /^Код не принят/);
  assert.deepEqual(await credits(msisdn), [CARD]);
});

test('and by the program that stands for a switching centre, typed as anybody would', async () => {
  const { imsi, msisdn } = await newSim();
  const where = ['--hlr', `${hlr.host}:${hlr.gsupPort}`, '--name', 'MSC-program', '--imsi', imsi];
  const program = ['src/main.ts', 'simulate', 'msc', ...where, '--dial', '*111#'];
  const typed = ['0', '0', await card(), '1'];
  const { stdout } = await promisify(execFile)(process.execPath, [...program, ...typed]);
  assert.match(stdout, /^Введите код карты\n[\s\S]*\n> 1\nЗачислено 1 000 ₸\n/);
  assert.deepEqual(await credits(msisdn), [CARD]);
});

test('forty phones at once redeem forty cards, and each hears of its own', async () => {
  const before = gateway.status().dialogues;
  const phones = await Promise.all((await cards(40)).map(async (pin) => ({ ...(await newSim()), pin })));
  const redeem = async ({ imsi, msisdn, pin }: (typeof phones)[number]): Promise<void> => {
    const call = await msc.dial(imsi, '*111#');
    await call.answer('0');
    await call.answer('0');
    await call.answer(pin);
    asks(call, new RegExp(pin.slice(-4)));
    await call.answer('1');
    ends(call, /^Зачислено 1 000 ₸\nБаланс 1 000 ₸\n№ /);
    assert.deepEqual(await credits(msisdn), [CARD]);
  };
  await Promise.all(phones.map(redeem));
  assert.equal(gateway.status().dialogues, before, 'an ended dialogue takes no room');
});

test('one card typed by ten phones at once is credited to one of them', async () => {
  const pin = await card();
  const phones = await Promise.all(Array.from({ length: 10 }, () => newSim()));
  const calls = await Promise.all(
    phones.map(async ({ imsi }) => {
      const call = await msc.dial(imsi, '*111#');
      await call.answer(pin);
      return call;
    }),
  );
  await Promise.all(calls.map((call) => call.answer('1')));
  assert.equal(calls.filter((call) => /^Зачислено/.test(call.text)).length, 1);
  assert.equal(calls.filter((call) => /^Код не принят/.test(call.text)).length, 9);
  const moved = await Promise.all(phones.map(({ msisdn }) => credits(msisdn)));
  assert.deepEqual(moved.flat(), [CARD]);
});

test('the HLR is killed in the middle of a dialogue: a redial goes on where it stood', async () => {
  const { imsi, msisdn } = await newSim();
  const pin = await card();
  const call = await msc.dial(imsi, '*111#');
  await call.answer(pin);
  asks(call, new RegExp(pin.slice(-4)));
  await hlr.kill();
  await until('the loss of the HLR', () => gateway.status().state !== 'bound');
  assert.equal((await call.answer('1')).kind, 'lost');
  await hlr.start();
  await bound(gateway);
  msc = await openExchange();
  const redial = await msc.dial(imsi, '*111#');
  asks(redial, new RegExp(`${pin.slice(-4)} ещё не зачислена`));
  await redial.answer('1');
  assert.deepEqual(await credits(msisdn), [], 'no money moves without a yes that arrived');
  await redial.answer('1');
  ends(redial, /^Зачислено 1 000 ₸/);
  assert.deepEqual(await credits(msisdn), [CARD]);
});

test('the HLR is killed between the yes and the last screen: a redial tells what was credited, once', async () => {
  const { imsi, msisdn } = await newSim();
  const credited = Promise.withResolvers<void>();
  const killed = Promise.withResolvers<void>();
  const engine = createUssdEngine({ ...platform, onError: (error) => errors.push(error) });
  await gateway.close();
  gateway = openGateway({
    engine: {
      async step(step) {
        const reply = await engine.step(step);
        if (step.input.kind === 'last' && step.input.text === '1') {
          credited.resolve();
          await killed.promise;
        }
        return reply;
      },
    },
  });
  await bound(gateway);
  const call = await msc.dial(imsi, '*111#');
  await call.answer(await card());
  const lost = call.answer('1');
  await credited.promise;
  await hlr.kill();
  assert.equal((await lost).kind, 'lost');
  await until('the loss of the HLR', () => gateway.status().state !== 'bound');
  killed.resolve();
  await hlr.start();
  await bound(gateway);
  msc = await openExchange();
  const redial = await msc.dial(imsi, '*111#');
  asks(redial, /^Зачислено: 1 000 ₸/);
  assert.deepEqual(await credits(msisdn), [CARD]);
});

test('thirty phones stand at every place of a dialogue when the HLR is killed: each redials, and each card is credited once', async () => {
  const phones = await Promise.all((await cards(30)).map(async (pin) => ({ ...(await newSim()), pin })));
  // Some have only dialled, some have typed the code, and some have just said yes: nobody knows how far those came.
  const said = phones.map(async ({ imsi, pin }, index) => {
    const call = await msc.dial(imsi, '*111#');
    if (index % 3 > 0) await call.answer(pin);
    return { call, isYes: index % 3 === 2 };
  });
  const calls = await Promise.all(said);
  const yes = calls.filter(({ isYes }) => isYes).map(({ call }) => call.answer('1'));
  await hlr.kill();
  await Promise.all(yes);
  await hlr.start();
  msc = await openExchange();
  await bound(gateway);
  await Promise.all(
    phones.map(async ({ imsi, msisdn, pin }) => {
      const redial = await msc.dial(imsi, '*111#');
      // What each is told depends on how far it came; whoever follows the screens ends with one credit.
      if (/ещё не зачислена/.test(redial.text)) for (const text of ['1', '1']) await redial.answer(text);
      else if (!/^Зачислено/.test(redial.text)) for (const text of [pin, '1']) await redial.answer(text);
      assert.match(redial.text, /^Зачислено/);
      assert.deepEqual(await credits(msisdn), [CARD]);
    }),
  );
});

test('we are restarted in the middle of a dialogue: its phone hears so at once, and a redial goes on', async () => {
  const { imsi, msisdn } = await newSim();
  const call = await msc.dial(imsi, '*111#');
  await call.answer(await card());
  await reopen();
  assert.equal((await call.answer('1')).kind, 'error');
  const redial = await msc.dial(imsi, '*111#');
  asks(redial, /ещё не зачислена/);
  for (const text of ['1', '1']) await redial.answer(text);
  ends(redial, /^Зачислено 1 000 ₸/);
  assert.deepEqual(await credits(msisdn), [CARD]);
});

test('a dialogue outlives a connection that breaks while the person types', async () => {
  const { imsi, msisdn } = await newSim();
  const path = await startPath({ host: hlr.host, port: hlr.gsupPort });
  await reopen({ host: '127.0.0.1', port: path.port });
  const call = await msc.dial(imsi, '*111#');
  await call.answer(await card());
  path.cut();
  await until('the loss of the connection', () => gateway.status().state !== 'bound');
  await bound(gateway);
  await call.answer('1');
  ends(call, /^Зачислено 1 000 ₸/);
  assert.deepEqual(await credits(msisdn), [CARD]);
  await reopen();
  await path.close();
});

test('a connection that is open and carries nothing is given up, and another one made', async () => {
  const path = await startPath({ host: hlr.host, port: hlr.gsupPort });
  const timers = { pingMs: 50, silenceMs: 200, retriesMs: [50] };
  const half = openGateway({ host: '127.0.0.1', port: path.port, name: 'EUSE-half', timers });
  await bound(half);
  path.freeze();
  await until('a connection given up', () => half.status().state === 'down');
  assert.match(String(half.status().lastError), /silent/);
  path.thaw();
  await bound(half);
  await half.close();
  await path.close();
});

test('a second process under the same name stands by, and takes over when the first one is gone', async () => {
  const { imsi, msisdn } = await newSim();
  const second = openGateway({ timers: { proofMs: 200, retriesMs: [50] } });
  await until('the name to be taken', () => second.status().state === 'refused');
  const call = await msc.dial(imsi, '*111#');
  asks(call, /^Введите код карты/);
  gateway.drain();
  for (const text of [await card(), '1']) await call.answer(text);
  ends(call, /^Зачислено/);
  await until('a drained gateway', () => gateway.status().state === 'drained');
  await bound(second);
  ends(await msc.dial(imsi, `*111*${await card()}#`), /^Зачислено 1 000 ₸\nБаланс 2 000 ₸/);
  assert.deepEqual(await credits(msisdn), [CARD, CARD]);
  await second.close();
  gateway.resume();
  await bound(gateway);
});

test('who does not answer in time is told by the network, and goes on with a redial', async () => {
  const { imsi, msisdn } = await newSim();
  await reopen({ idleMs: 300 });
  const call = await msc.dial(imsi, '*111#');
  await call.answer(await card());
  await until('an end of the dialogue', () => gateway.status().dialogues === 0);
  assert.equal((await call.answer('1')).kind, 'error', 'the HLR ended the session with us');
  const redial = await msc.dial(imsi, '*111#');
  for (const text of ['1', '1']) await redial.answer(text);
  ends(redial, /^Зачислено 1 000 ₸/);
  assert.deepEqual(await credits(msisdn), [CARD]);
  await reopen();
});

test('an answer in Cyrillic is read, and no stray word moves money', async () => {
  const { imsi, msisdn } = await newSim();
  const call = await msc.dial(imsi, '*111#');
  await call.answer('Помощь');
  asks(call, /1 Баланс/);
  await call.answer(await card());
  await call.answer('Да');
  asks(call, /Пополнить баланс\?/);
  assert.deepEqual(await credits(msisdn), []);
  await call.answer('1');
  ends(call, /^Зачислено/);
});

test('a SIM that is given another number is credited under the new one, as soon as the old one is not believed any more', async () => {
  const kept = 400;
  const { imsi, msisdn: old } = await newSim();
  await reopen({ numberKeptMs: kept });
  ends(await msc.dial(imsi, `*111*${await card()}#`), /^Зачислено/);
  const changed = newNumber();
  await hlr.subscribe({ imsi, msisdn: changed });
  await delay(kept + 50);
  ends(await msc.dial(imsi, `*111*${await card()}#`), /^Зачислено 1 000 ₸\nБаланс 1 000 ₸/);
  assert.deepEqual([await credits(old), await credits(changed)], [[CARD], [CARD]]);
});

test('a SIM without a number, or with one that is not served here, is told so', async () => {
  const sim = '901709999999999';
  ends(await msc.dial(sim, '*111#'), /./);
  const foreign = '901709999999998';
  await hlr.subscribe({ imsi: foreign, msisdn: '8613800138000' });
  ends(await msc.dial(foreign, '*111#'), /./);
});

test('where the HLR does not tell the number nobody is credited', async () => {
  const { imsi, msisdn } = await newSim();
  await reopen({ control: { host: hlr.host, port: 1 }, hooks: {} });
  ends(await msc.dial(imsi, `*111*${await card()}#`), /^Сервис временно недоступен/);
  assert.deepEqual(await credits(msisdn), []);
  await reopen();
});

test('a gateway that is drained ends its dialogues and turns new ones away, until it is resumed', async () => {
  const [inside, outside] = [await newSim(), await newSim()];
  const call = await msc.dial(inside.imsi, '*111#');
  gateway.drain();
  assert.equal(gateway.status().state, 'draining');
  ends(await msc.dial(outside.imsi, '*111#'), /^Сервис временно недоступен/);
  for (const text of [await card(), '1']) await call.answer(text);
  ends(call, /^Зачислено/);
  await until('a drained gateway', () => gateway.status().state === 'drained');
  gateway.resume();
  await bound(gateway);
  asks(await msc.dial(outside.imsi, '*111#'), /^Введите код карты/);
});

test('a row of the gateway file opens the same link, which is counted, shown to staff and traced without a digit of anybody', async () => {
  const { imsi, msisdn } = await newSim();
  await gateway.close();
  const row = {
    id: 'kcell-hlr',
    operator: 'kcell',
    host: hlr.host,
    port: hlr.gsupPort,
    name: 'EUSE-topup',
    control: { host: hlr.host, port: hlr.ctrlPort },
    codes: ['*111#'],
  };
  const opened = await openTestGateways(platform, { gsup: [row] }, { trace: 'kcell-hlr' });
  const [link] = opened.list;
  await bound(present(link, 'the link of the row'));
  const pin = await card();
  const call = await msc.dial(imsi, '*111#');
  for (const text of [pin, '1']) await call.answer(text);
  ends(call, /^Зачислено 1 000 ₸/);
  assert.deepEqual(await credits(msisdn), [CARD]);
  assert.deepEqual(
    opened.counted.map(({ direction, kind, outcome }) => `${direction} ${kind} ${outcome}`),
    ['in begin ok', 'out question ok', 'in answer ok', 'out question ok', 'in answer ok', 'out final ok'],
  );
  const traced = opened.traced.join('\n');
  assert.match(traced, /kcell-hlr in request begin session=[0-9a-f]+ invoke id=5 op=0x3b dcs=0xf/);
  for (const secret of [pin, imsi, msisdn, pin.slice(-4)]) assert.ok(!traced.includes(secret), traced);
  const rows = await platform.sql('select gateway, protocol, operator, state from gateway_state');
  assert.deepEqual(rows.length, 1);
  await opened.close();
  assert.deepEqual(opened.errors, []);
  gateway = openGateway();
  await bound(gateway);
});

test('Wireshark finds nothing malformed in all of it, and reads the texts', async (context) => {
  if (capture.refused !== undefined) {
    context.skip(`nothing could be captured: ${capture.refused}`);
    return;
  }
  await capture.stop();
  const decoded = ['-d', `tcp.port==${hlr.gsupPort},gsm_ipa`];
  const amiss = '_ws.malformed || _ws.expert.severity == error';
  assert.equal(await capture.dissect([...decoded, '-Y', amiss]), '');
  const read = await capture.dissect([...decoded, '-Y', 'gsup', '-V']);
  const count = (what: RegExp): number => read.match(what)?.length ?? 0;
  assert.ok(count(/USSD String: \*111#/g) > 50, read.slice(0, 4_000));
  assert.ok(count(/USSD String: Зачислено/g) > 40);
  assert.ok(count(/USSD String: Top up this number|USSD String: .*Top up this number\?/g) > 0);
});

// What follows is wrong on purpose, or in a form that Wireshark does not know.

test('the program has an address for other programs, which makes the next message a wrong one when asked to', async () => {
  const { imsi, msisdn } = await newSim();
  const where = ['--hlr', `${hlr.host}:${hlr.gsupPort}`, '--name', 'MSC-address', '--control-port', '0'];
  const program = spawn(process.execPath, ['simulators/msc/main.ts', ...where], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: program.stdout }), 'line');
  const { control } = JSON.parse(line);
  const post = async (path: string, body: object): Promise<{ text?: string; end?: boolean; error?: string }> =>
    (await fetch(`${control}${path}`, { method: 'POST', body: JSON.stringify(body) })).json() as Promise<object>;
  assert.match(String((await post(`/phones/${imsi}/dial`, { text: '*111#' })).text), /^Введите код карты/);
  await post('/_control', { misdeed: 'unknown-operation' });
  assert.match(String((await post(`/phones/${imsi}/answer`, { text: await card() })).error), /^the network's error/);
  assert.match(String((await post('/_control', { misdeed: 'mischief' })).error), /^misdeed is one of/);
  await post(`/phones/${imsi}/dial`, { text: '*111#' });
  await post(`/phones/${imsi}/answer`, { text: await card() });
  const last = await post(`/phones/${imsi}/answer`, { text: '1' });
  assert.match(String(last.text), /^Зачислено 1 000 ₸/);
  assert.equal(last.end, true);
  assert.deepEqual(await credits(msisdn), [CARD]);
  const ended = once(program, 'exit');
  program.kill();
  assert.deepEqual(await ended, [0, null]);
});

test('with one octet for every length the full room of the network passes, which the standard form does not', async () => {
  const limits = networkLimits;
  const { operator } = gateway;
  for (const [lengths, comes] of [
    ['octet', true],
    ['ber', false],
  ] as const) {
    const { imsi } = await newSim();
    // Eighty characters of sixteen bits, as the longest screens are.
    const text = 'Ж'.repeat(limits.final.ucs2);
    await reopen({
      lengths,
      gateway: ussdGateway({ id: 'hlr', operator, language: 'ru', limits }),
      engine: { step: async () => ({ text, end: true }) },
    });
    const patient = await Exchange.open({
      host: hlr.host,
      port: hlr.gsupPort,
      name: `MSC-${lengths}`,
      patienceMs: 400,
    });
    const call = await patient.dial(imsi, '*111#');
    assert.equal(call.text === text, comes, call.text);
    await patient.close();
  }
  await reopen();
});

for (const misdeed of [
  'garbage',
  'cut-component',
  'unknown-operation',
  'unknown-alphabet',
  'wrong-invoke-id',
] as const) {
  test(`a switching centre that sends ${misdeed} for a yes moves no money, and harms nobody else`, async () => {
    const { imsi, msisdn } = await newSim();
    const patient = await Exchange.open({
      host: hlr.host,
      port: hlr.gsupPort,
      name: `MSC-${misdeed}`,
      patienceMs: 400,
    });
    const call = await patient.dial(imsi, '*111#');
    await call.answer(await card());
    patient.misbehave(misdeed);
    const shown = await call.answer('1');
    assert.notEqual(shown.kind, 'text');
    assert.deepEqual(await credits(msisdn), []);
    asks(await msc.dial((await newSim()).imsi, '*111#'), /^Введите код карты/);
    await patient.close();
  });
}

test('a yes that a switching centre sends twice moves money once', async () => {
  const { imsi, msisdn } = await newSim();
  const call = await msc.dial(imsi, '*111#');
  await call.answer(await card());
  msc.misbehave('twice');
  await call.answer('1');
  ends(call, /^Зачислено 1 000 ₸/);
  assert.deepEqual(await credits(msisdn), [CARD]);
});

test('the books are whole after all of it', async () => {
  for (const { name, ok, breaches } of await audit(platform.db)) assert.ok(ok, `${name}: ${breaches.join('; ')}`);
});
