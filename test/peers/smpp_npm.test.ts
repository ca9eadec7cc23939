import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { makeSigner } from '../../simulators/paypal/certificate.ts';
import type { Msisdn } from '../../src/base/msisdn.ts';
import { audit } from '../../src/reports/index.ts';
import { openTestGateways, type TestGateways, until } from '../support/gateways.ts';
import { NpmSmsc } from '../support/npm_smsc.ts';
import { newNumber, openTestPlatform, type TestPlatform } from '../support/platform.ts';
import { issueVouchers } from '../support/vouchers.ts';

// npm's smpp as the operator's gateway, and everything that can happen to a link. After each the ledger is exact.

const CARD = 500_00n;
let platform: TestPlatform;
let gateways: TestGateways;
const smsc = new NpmSmsc();
let cards: string[] = [];
let redeemed = 0;

before(async () => {
  platform = await openTestPlatform();
  cards = [...(await issueVouchers(platform, { values: [{ unit: 'KZT', amount: CARD }], count: 1_400 })).pins];
  await smsc.listen();
  gateways = await openTestGateways(platform, { smpp: [rowFor(smsc.port)] });
  await bound();
});

after(async () => {
  await gateways.close();
  await smsc.close();
  assert.deepEqual(gateways.errors, []);
  const broken = (await audit(platform.db)).filter(({ ok }) => !ok);
  await platform.close();
  assert.deepEqual(broken, []);
});

/** Each card that somebody has confirmed was redeemed once, and all that was credited is what they are worth. */
afterEach(async () => {
  const [found] = await platform.sql<{ cards: bigint; credits: bigint; credited: bigint }>(
    `select (select count(*) from voucher_end where kind = 'redeemed') as cards, count(*) as credits,
      coalesce(sum(amount), 0)::bigint as credited
      from transfer where event in (select event from voucher_end where kind = 'redeemed') and credit > 0`,
  );
  const cardsUsed = BigInt(redeemed);
  assert.deepEqual(found, { cards: cardsUsed, credits: cardsUsed, credited: cardsUsed * CARD });
});

function rowFor(port: number, more: object = {}) {
  const bind = { host: '127.0.0.1', port, systemId: 'sapar', password: 'secret' };
  return { id: 'npm', operator: 'kcell', language: 'en', ...bind, codes: ['*111#'], window: 10, ...more };
}

const link = () => gateways.list[0]?.status();
const bound = () => until('the gateway is bound', () => link()?.state === 'bound');

let sessions = 0;

/** A telephone: says a step of its dialogue, and hears the screen. */
function phoneOf(number: Msisdn, via: NpmSmsc) {
  let session = 0;
  let turn = 0;
  return {
    dial: (text = '*111#') => {
      sessions = (sessions + 1) % 0x100;
      [session, turn] = [sessions, 0];
      return via.step(number, { operation: 1, session: Buffer.of(session, 0), text });
    },
    answer: (text: string) => {
      turn += 1;
      return via.step(number, { operation: 18, session: Buffer.of(session, turn * 2), text });
    },
  };
}

/** Dials, types a card, and stops before the yes. Whoever sees no screen after it dials again, as people do. */
async function askedBy(number: Msisdn, via = smsc): Promise<() => Promise<void>> {
  const phone = phoneOf(number, via);
  const card = cards.pop();
  assert.ok(card);
  await phone.dial();
  assert.match((await phone.answer(card))?.text ?? '', /Top up this number/);
  return async () => {
    let shown = await phone.answer('1');
    while (!shown || !/redited/.test(shown.text) || /not credited/.test(shown.text)) {
      shown = /not credited|Top up/.test(shown?.text ?? '') ? await phone.answer('1') : await phone.dial();
    }
    redeemed += 1;
  };
}

async function redeem(number: Msisdn = newNumber(), via = smsc): Promise<void> {
  const confirm = await askedBy(number, via);
  await confirm();
}

test('a whole redemption', () => redeem());

test('a bind that is refused is tried again, not faster than it should', async () => {
  smsc.refuse = 3;
  const before = smsc.binds;
  smsc.drop();
  await until('it is refused', () => link()?.state === 'refused');
  assert.equal(link()?.lastError, 'bind refused: RBINDFAIL');
  await bound();
  assert.equal(smsc.binds, before + 1);
  await redeem();
});

test('throttled, it sends less, and every screen still arrives', async () => {
  smsc.throttle = 12;
  await Promise.all(Array.from({ length: 10 }, () => redeem()));
  const throttled = gateways.counted.filter(({ outcome }) => outcome === 'throttled');
  assert.ok(throttled.length > 0);
  assert.equal(smsc.throttle, 0);
  await bound();
});

test('PDUs that cannot be read are refused, and the dialogue goes on', async () => {
  const confirm = await askedBy(newNumber());
  const { binds } = smsc;
  // A command nobody knows; a deliver_sm cut off; an answer to nothing; a TLV longer than its PDU.
  smsc.write(Buffer.from('00000010000000ff000000000000abcd', 'hex'));
  smsc.write(Buffer.from('0000001200000005000000000000abce0101', 'hex'));
  smsc.write(Buffer.from('00000011800000040000000000ffabcf00', 'hex'));
  smsc.write(
    Buffer.from(
      '0000003400000005000000000000abd000010137373031313233343536370000003131310000000000000000000000050100ff01',
      'hex',
    ),
  );
  await confirm();
  assert.equal(smsc.binds, binds, 'over the same connection');
  assert.ok(gateways.counted.some(({ outcome }) => outcome === 'unreadable'));
});

test('a stream that is no SMPP ends the connection, and another one carries the dialogue on', async () => {
  const confirm = await askedBy(newNumber());
  smsc.write(Buffer.from('ffffffff0000000500000000', 'hex'));
  await until('it is left', () => link()?.lastError === 'no SMPP');
  await bound();
  await confirm();
});

test('a half-open connection is left, and a whole one found', async () => {
  const confirm = await askedBy(newNumber());
  smsc.halfOpen = true;
  smsc.drop();
  await until('nobody answers the bind', () => link()?.lastError === 'bind unanswered');
  smsc.halfOpen = false;
  await bound();
  await confirm();
});

test('an enquire_link that is lost ends the connection, and another one carries the dialogue on', async () => {
  const confirm = await askedBy(newNumber());
  smsc.silent = true;
  await until('it is missed', () => link()?.lastError === 'enquire_link unanswered');
  smsc.silent = false;
  await bound();
  await confirm();
});

test('an answer that is lost is not taken for a no', async () => {
  const confirm = await askedBy(newNumber());
  smsc.loseAnswers = 1;
  await confirm();
  await until('it is known to be unknown', () => gateways.counted.some(({ outcome }) => outcome === 'unknown'));
  await bound();
});

test('a thousand dialogues at once, each step among those of the others', async () => {
  const startedAt = performance.now();
  const confirms = await Promise.all(Array.from({ length: 1_000 }, () => askedBy(newNumber())));
  assert.equal(link()?.dialogues, 1_000);
  await Promise.all(confirms.map((confirm) => confirm()));
  assert.equal(link()?.dialogues, 0);
  const seconds = (performance.now() - startedAt) / 1_000;
  assert.ok(seconds < 30, `it took ${seconds.toFixed(1)} s`);
});

test('three hundred dialogues at once while the link breaks under them again and again', async () => {
  const confirms = await Promise.all(Array.from({ length: 300 }, () => askedBy(newNumber())));
  const breaking = setInterval(() => smsc.drop(), 150);
  await Promise.all(confirms.slice(0, 150).map((confirm) => confirm()));
  clearInterval(breaking);
  await Promise.all(confirms.slice(150).map((confirm) => confirm()));
});

test('all of it over TLS, to whom the certificate says and to nobody else', async () => {
  const wishes = { commonName: 'smsc.test', notBefore: new Date(0), notAfter: new Date('2099-01-01T00:00:00Z') };
  const { privateKey, certificate } = await makeSigner(wishes);
  const secure = new NpmSmsc({ key: privateKey, cert: certificate });
  await secure.listen();
  const ca = join(platform.dataDir, 'ca.pem');
  writeFileSync(ca, certificate);
  const row = (id: string, tls: object) => rowFor(secure.port, { id, tls: { ca, ...tls } });
  const trusting = await openTestGateways(platform, { smpp: [row('tls', { serverName: 'smsc.test' })] });
  const wary = await openTestGateways(platform, { smpp: [row('tls-other', { serverName: 'other.test' })] });
  try {
    await until('it is bound', () => trusting.list[0]?.status().state === 'bound');
    await redeem(newNumber(), secure);
    await until('another name is refused', () => wary.list[0]?.status().lastError === 'ERR_TLS_CERT_ALTNAME_INVALID');
  } finally {
    await trusting.close();
    await wary.close();
    await secure.close();
  }
});
