import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  issueVouchers,
  newNumber,
  newPin,
  openTestPlatform,
  type TestPlatform,
} from '../../../test/support/platform.ts';
import { SmsCentre } from '../../../test/support/sms_centre.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import { Secret } from '../../base/secret.ts';
import { fitsUssd, languages } from '../../i18n/index.ts';
import { smppSmsRoute } from '../../notices/index.ts';
import { Esme, statuses, usualCoding } from '../../wire/smpp/index.ts';
import { createSmsEngine, type SmsGateway, takeDelivered } from './index.ts';

// Phones that write to us over a real bind, and what they are answered.

let platform: TestPlatform;
let centre: SmsCentre;
let esme: Esme;
const commands: string[] = [];

before(async () => {
  platform = await openTestPlatform();
  centre = new SmsCentre();
  const port = await centre.listen();
  const gateway: SmsGateway & { coding: typeof usualCoding } = {
    id: 'kcell-main',
    operator: platform.catalogue.parseOperator('kcell'),
    language: 'ru',
    dialCode: '*111#',
    coding: usualCoding,
  };
  const engine = createSmsEngine({
    ...platform,
    messages: platform.sms,
    links: { siteUrl: 'https://sapar.example', link: platform.orders.link },
    onCommand: (_, kind) => commands.push(kind),
  });
  esme = new Esme({
    host: '127.0.0.1',
    port,
    systemId: 'sapar',
    password: new Secret('secret'),
    systemType: '',
    bind: 'transceiver',
    window: 10,
    clock: platform.clock,
    onMessage: (pdu) => takeDelivered({ engine, messages: platform.sms }, gateway, pdu),
  });
  platform.sms.startWorking([
    smppSmsRoute(esme, { ...gateway, sender: { ton: 3, npi: 0, address: '111' }, inHandMax: 20 }),
  ]);
});

after(async () => {
  await esme.unbind();
  await platform.close();
  await centre.close();
});

/** Writes, and answers what comes back; undefined where nothing does for a while. */
async function ask(from: Msisdn, text: string, waitMs = 10_000): Promise<string | undefined> {
  const seen = centre.at(from).length;
  while (!centre.isBound) await delay(20);
  assert.equal(await centre.send({ from, text }), statuses.ok);
  for (const end = performance.now() + waitMs; performance.now() < end; await delay(20)) {
    const { length } = centre.at(from);
    if (length > seen) {
      const parts = centre.inbox.filter((one) => one.to === from).slice(seen);
      const total = parts[0]?.part?.total ?? 1;
      if (parts.length >= total) return parts.map((one) => one.text).join('');
    }
  }
  return undefined;
}

async function card(): Promise<string> {
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: 500_00n }], count: 1 });
  return pins[0] ?? '';
}

test('a card is redeemed by message, told once, and told again as what it was', async () => {
  const from = newNumber();
  const pin = await card();
  const first = await ask(from, `PIN ${pin}`);
  assert.match(first ?? '', /^Карта: \+500 ₸\. Баланс 500 ₸\. № [0-9A-Z-]{14}$/);
  // The notice of the same credit does not come on top of it, nor does the centre's repeat of the message.
  assert.equal(await ask(from, `код ${pin}`, 2_000), undefined);
  assert.equal(centre.at(from).length, 1);
  const [end] = await platform.sql<{ channel: string }>(
    'select channel from voucher_end order by ended_at desc limit 1',
  );
  assert.equal(end?.channel, 'sms');
  assert.match((await ask(from, 'БАЛАНС')) ?? '', /^Баланс 500 ₸$/);
});

test('whoever was never credited is answered in the language of their word', async () => {
  assert.match((await ask(newNumber(), 'bal')) ?? '', /^Баланс 0 ₸/);
  assert.match((await ask(newNumber(), 'теңгерім')) ?? '', /^Теңгерім 0 ₸/);
  assert.match((await ask(newNumber(), '余额')) ?? '', /^余额 ₸0/);
});

test('wrong codes climb the ladder of the number that writes', async () => {
  const from = newNumber();
  assert.match((await ask(from, 'PIN 123')) ?? '', /12 до 20 цифр/);
  for (let wrong = 1; wrong <= 5; wrong += 1) assert.match((await ask(from, newPin())) ?? '', /Код не принят/);
  assert.match((await ask(from, `PIN ${await card()}`)) ?? '', /Слишком много ошибок/);
});

test('the language is chosen by message and kept with the number', async () => {
  const from = newNumber();
  await ask(from, `PIN ${await card()}`);
  assert.equal(await ask(from, 'LANG xx'), 'Отправьте ЯЗЫК и одно из: ru, kk, en, zh.');
  assert.equal(await ask(from, 'LANG en'), 'Messages are in English now.');
  assert.equal(await ask(from, 'Баланс'), 'Balance KZT 500');
  assert.equal((await platform.subscribers.read(from))?.language, 'en');
});

test('STOP and START are obeyed and answered', async () => {
  const from = newNumber();
  assert.match((await ask(from, 'stop')) ?? '', /больше не придут/);
  assert.ok((await platform.sms.ofNumber(from)).stoppedAt);
  assert.match((await ask(from, 'start')) ?? '', /включены/);
  assert.equal((await platform.sms.ofNumber(from)).stoppedAt, undefined);
});

test('ways to top up: the card, and a link of the number', async () => {
  const said = (await ask(newNumber(), 'TOPUP 1000')) ?? '';
  assert.match(said, /КОД и код карты/);
  const id = /https:\/\/sapar\.example\/request\/([0-9a-f-]{36})/.exec(said)?.[1];
  const [link] = await platform.sql<{ face_minor: bigint }>('select face_minor from topup_request where id = $1', [id]);
  assert.equal(link?.face_minor, 1_000_00n);
  assert.match((await ask(newNumber(), 'TOPUP 1')) ?? '', /request/);
});

test('what nobody understands is answered once an hour', async () => {
  const from = newNumber();
  assert.match((await ask(from, 'hello there')) ?? '', /Не понято/);
  assert.equal(await ask(from, 'are you there?', 1_500), undefined);
});

test('a long message is joined, in whatever order its parts come', async () => {
  const from = newNumber();
  const pin = await card();
  const part = (number: number) => ({ reference: 7, total: 2, number });
  assert.equal(await centre.send({ from, text: pin.slice(8), part: part(2) }), statuses.ok);
  assert.equal((await platform.sql('select from sms_piece')).length, 1);
  assert.ok(!JSON.stringify(await platform.sql('select * from sms_piece')).includes(pin.slice(8)));
  assert.equal(await centre.send({ from, text: `PIN ${pin.slice(0, 8)}`, part: part(1) }), statuses.ok);
  for (const end = performance.now() + 5_000; centre.at(from).length === 0 && performance.now() < end; )
    await delay(20);
  assert.match(centre.at(from)[0] ?? '', /\+500 ₸/);
  assert.equal((await platform.sql('select from sms_piece')).length, 0);
});

test('who is no phone of ours is not answered, and the centre may forget the message', async () => {
  assert.equal(await centre.send({ from: '1234', text: 'BAL' }), statuses.ok);
  assert.equal(await centre.send({ from: '79161234567', text: 'BAL' }), statuses.ok);
});

test('no PIN and no number is kept or told', async () => {
  const from = newNumber();
  const pin = newPin();
  await ask(from, `PIN ${pin}`);
  const kept = JSON.stringify(
    await platform.sql(`select to_jsonb(sms) as row from sms union all select to_jsonb(audit_entry) from audit_entry`),
  );
  for (const secret of [pin, from, from.slice(1)]) assert.ok(!kept.includes(secret));
  assert.ok(centre.inbox.every(({ text }) => !text.includes(pin) && !/7701\d{7}/.test(text)));
});

test('every answer fits two messages in every language', async () => {
  const texts: string[] = [];
  for (const language of languages) {
    const from = newNumber();
    await ask(from, `PIN ${await card()}`);
    await platform.subscribers.setLanguage(from, language);
    for (const text of ['BAL', 'TOPUP', 'HELP', 'STOP', 'START', 'LANG', 'PIN 1', newPin(), 'what?'])
      texts.push((await ask(from, text)) ?? '');
  }
  assert.equal(texts.length, 9 * languages.length);
  for (const text of texts) assert.ok(text !== '' && fitsUssd(text, { gsm7: 306, ucs2: 134 }), text);
});
