import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.ts';
import { Secret } from '../../src/base/secret.ts';
import {
  type Delivered,
  decodeText,
  Esme,
  encodeText,
  type MessageFields,
  message,
  readPart,
  tags,
  tlvOf,
  type Verdict,
} from '../../src/wire/smpp/index.ts';
import { type Smsc, type SmscSettings, startSmsc } from './smsc.ts';

// The simulated SMS centre against a bind: what tests and the demo rest on.

const phone = '77011234567';
let smsc: Smsc;
let esme: Esme;
let verdict: Verdict = 'taken';
let delivered: Delivered[] = [];

before(async () => {
  [smsc, esme] = await start({});
});
after(async () => {
  await esme.unbind();
  await smsc.close();
});

async function start(settings: Partial<SmscSettings>): Promise<[Smsc, Esme]> {
  const centre = await startSmsc({ systemId: 'sapar', password: 'secret', ...settings });
  const bind = new Esme({
    ...{ host: '127.0.0.1', port: centre.port, systemId: 'sapar', password: new Secret('secret'), systemType: '' },
    ...{ bind: 'transceiver' as const, window: 10, clock: systemClock },
    onMessage(one) {
      delivered.push(one);
      return verdict;
    },
  });
  await until(() => bind.status.state === 'bound');
  return [centre, bind];
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 400; !(await isSo()); left -= 1) {
    assert.ok(left > 0, 'it did not become so');
    await delay(10);
  }
}

async function call(path: string, body?: object, url = smsc.url): Promise<unknown> {
  const response = await fetch(`${url}${path}`, body ? { method: 'POST', body: JSON.stringify(body) } : {});
  return response.json();
}

type Inbox = { text: string; from: string }[];
const inbox = async (): Promise<Inbox> => (await call(`/phones/${phone}/inbox`)) as Inbox;

function sms(text: string, fields: Partial<MessageFields> = {}): MessageFields {
  const { octets, dataCoding } = encodeText(text);
  const [source, destination] = [
    { ton: 0, npi: 1, address: '111' },
    { ton: 1, npi: 1, address: phone },
  ];
  return message({ source, destination, dataCoding, message: octets, ...fields });
}

const submit = (text: string, fields: Partial<MessageFields> = {}) =>
  esme.submit(sms(text, fields), { waitMs: 1_000, urgent: false });
const textOf = (one: Delivered) => decodeText(readPart(one).octets, one.dataCoding) ?? '';

test('a message arrives at its phone, and a receipt tells of it', async () => {
  delivered = [];
  const sent = await submit('Зачислено 500 ₸', { registeredDelivery: 1 });
  assert.equal(sent.kind, 'accepted');
  await until(async () => (await inbox()).some(({ text }) => text === 'Зачислено 500 ₸'));
  await until(() => delivered.length === 1);
  const [receipt] = delivered;
  assert.ok(receipt);
  assert.match(textOf(receipt), /^id:1f01 .* stat:DELIVRD err:000/);
  const named = Buffer.from(tlvOf(receipt.tlvs, tags.receiptedMessageId) ?? []).toString();
  assert.equal(named, `${sent.kind === 'accepted' ? sent.messageId : ''}\0`);
});

test('a phone that is off gets its message when it is on; what is too old never comes', async () => {
  delivered = [];
  await call(`/phones/${phone}/off`, {});
  await submit('late', { registeredDelivery: 1 });
  await submit('too late', { registeredDelivery: 1, validity: '000000000001000R' });
  await until(() => delivered.some((one) => /stat:EXPIRED/.test(textOf(one))));
  await call(`/phones/${phone}/on`, {});
  await until(async () => (await inbox()).some(({ text }) => text === 'late'));
  assert.ok(!(await inbox()).some(({ text }) => text === 'too late'));
});

test('a receipt that nobody takes is told again', async () => {
  delivered = [];
  verdict = 'later';
  await submit('again', { registeredDelivery: 1 });
  await until(() => delivered.length >= 2);
  verdict = 'taken';
  await until(async () => {
    const before = delivered.length;
    await delay(1_200);
    return delivered.length === before;
  });
});

test('a long message of a phone comes in parts that belong together', async () => {
  delivered = [];
  const text = 'Қазақша '.repeat(20);
  await call(`/phones/${phone}/sms`, { text });
  const parts = delivered.map((one) => readPart(one).part);
  assert.deepEqual(
    parts.map((part) => part?.number),
    [1, 2, 3],
  );
  assert.equal(delivered.map(textOf).join(''), text);
});

test('misbehaviour is asked for, counted down, and ended by good behaviour', async () => {
  await call('/_control', { throttle: 1, refuse: 1, refuseStatus: 0x0b });
  assert.deepEqual((await submit('x')).kind, 'refused', 'the throttled one is sent again, and refused');
  assert.equal((await submit('y')).kind, 'accepted');
  assert.deepEqual(await call('/_control', { nonsense: 1 }), { error: 'there is no nonsense' });
  assert.deepEqual(await call('/_control', { throttle: 'x' }), { error: 'throttle is a number' });
  const state = await call('/_control', {});
  assert.deepEqual(Reflect.get(Object(state), 'binds'), [{ role: 'transceiver', systemId: 'sapar' }]);
});

test('messages outlive the program that keeps them, and receipts may name them in decimal', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sapar-smsc-'));
  const settings = { journal: join(dir, 'smsc.jsonl'), receipts: { id: 'decimal', tlvs: false } } as const;
  const [first, bind] = await start(settings);
  await call(`/phones/${phone}/off`, {}, first.url);
  await bind.submit(sms('kept', { registeredDelivery: 1 }), { waitMs: 1_000, urgent: false });
  await bind.unbind();
  await first.close();
  delivered = [];
  const [second, again] = await start(settings);
  await call(`/phones/${phone}/on`, {}, second.url);
  await until(() => delivered.some((one) => /id:0000007937 .*DELIVRD/.test(textOf(one))));
  await again.unbind();
  await second.close();
  rmSync(dir, { recursive: true });
});
