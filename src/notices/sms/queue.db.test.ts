import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  newNumber,
  newPartner,
  openTestPlatform,
  type TestPartner,
  type TestPlatform,
} from '../../../test/support/platform.ts';
import { type CentreSettings, SmsCentre, type Taken } from '../../../test/support/sms_centre.ts';
import type { Msisdn } from '../../base/msisdn.ts';
import { Secret } from '../../base/secret.ts';
import { Esme, statuses } from '../../wire/smpp/index.ts';
import { createTextMessages, readArrival, smppSmsRoute, type TextMessages } from '../index.ts';
import type { SmppSmsSettings } from './smpp.ts';

// The queue against an SMS centre over a real socket, with days made of tenths of a second.

let platform: TestPlatform;
let partner: TestPartner;
before(async () => {
  platform = await openTestPlatform();
  partner = await newPartner(platform, { float: 10n ** 12n });
});
after(() => platform.close());

/** What a test has opened, closed however it ends. */
const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const patience = {
  smsValidMs: 60_000,
  smsAnswerValidMs: 60_000,
  smsHoldMs: 1_500,
  smsReceiptMs: 300,
  smsUnknownMs: 700,
  smsBusyMs: 100,
  smsRetriesMs: [100, 200],
  smsClaimMs: 5_000,
  smsUndeliveredMax: 3,
};

type Setting = {
  readonly centre: SmsCentre;
  readonly messages: TextMessages;
  close(): Promise<void>;
};

/** A centre, a bind to it and a queue that works. */
async function setUp(
  options: { centre?: CentreSettings; route?: Partial<SmppSmsSettings>; patience?: Partial<typeof patience> } = {},
): Promise<Setting> {
  const centre = new SmsCentre(options.centre);
  const port = await centre.listen();
  const messages = createTextMessages({
    db: platform.db,
    workerDb: platform.db,
    keyring: platform.keyring,
    clock: platform.clock,
    subscribers: platform.subscribers,
    patience: { ...patience, ...options.patience },
    onError: (error) => assert.fail(String(error)),
    onRoundError: (error) => assert.fail(String(error)),
  });
  const settings: SmppSmsSettings = {
    id: 'kcell-main',
    operator: 'kcell',
    language: 'ru',
    sender: { ton: 5, npi: 0, address: 'Sapar' },
    inHandMax: 40,
    ...options.route,
  };
  const esme = new Esme({
    host: '127.0.0.1',
    port,
    systemId: 'sapar',
    password: new Secret('secret'),
    systemType: '',
    bind: 'transceiver',
    window: 10,
    clock: platform.clock,
    timings: { reconnectMsMin: 20, reconnectMsMax: 50, answerMs: 500 },
    async onMessage(pdu) {
      const arrival = readArrival(pdu, settings);
      if (arrival.kind === 'receipt') await messages.receive(arrival.receipt);
      return 'taken' as const;
    },
  });
  messages.startWorking([smppSmsRoute(esme, settings)]);
  const close = async (): Promise<void> => {
    await esme.unbind();
    await messages.close();
    await centre.close();
  };
  open.push(close);
  return {
    centre,
    messages,
    async close() {
      open.splice(open.indexOf(close), 1);
      await close();
    },
  };
}

/** Money for a number, and with it a notice. */
async function credit(msisdn: Msisdn): Promise<string> {
  const { reference } = await platform.topups.credit({
    partner: partner.id,
    key: randomUUID(),
    msisdn,
    amountMinor: 500_00n,
    operator: 'kcell',
  });
  return reference;
}

type Row = { state: string; reason: string | null; copies: number; is_doubtful: boolean; text: string | null };

async function rowsOf(msisdn: Msisdn): Promise<Row[]> {
  return platform.sql<Row>(
    'select state, reason, copies, is_doubtful, text from sms where number_index = $1 order by id',
    [platform.subscribers.refer(msisdn).index],
  );
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not in 15 s: ${what}`);
    await delay(20);
  }
}

const untilState = (msisdn: Msisdn, ...states: string[]): Promise<void> =>
  until(`the messages are ${states.join(', ')}`, async () => {
    const rows = await rowsOf(msisdn);
    return rows.map((row) => row.state).join() === states.join();
  });

test('a credit is told to the phone once, in its language, with the balance, and what became of it is known', async () => {
  const { centre, close } = await setUp();
  const msisdn = newNumber();
  const reference = await credit(msisdn);
  await untilState(msisdn, 'delivered');
  assert.deepEqual(centre.at(msisdn), [`Зачислено 500 ₸. Баланс 500 ₸. № ${reference}`]);
  await platform.subscribers.setLanguage(msisdn, 'kk');
  const second = await credit(msisdn);
  await untilState(msisdn, 'delivered', 'delivered');
  assert.equal(centre.at(msisdn)[1], `500 ₸ түсті. Теңгерім 1 000 ₸. № ${second}`);
  const [row] = await rowsOf(msisdn);
  assert.deepEqual([row?.copies, row?.is_doubtful, row?.text], [1, false, null]);
  await close();
});

test('a phone that is off gets its message when it is on again, and no second one', async () => {
  const { centre, close } = await setUp();
  const msisdn = newNumber();
  centre.switchOff(msisdn);
  await credit(msisdn);
  await untilState(msisdn, 'sent');
  await delay(600);
  assert.deepEqual(centre.at(msisdn), []);
  centre.switchOn(msisdn);
  await untilState(msisdn, 'delivered');
  assert.equal(centre.at(msisdn).length, 1);
  await close();
});

test('what the centre gives up is sent again, plainly, because it did not arrive; until its own time is over', async () => {
  const { centre, close } = await setUp();
  const msisdn = newNumber();
  centre.switchOff(msisdn);
  await credit(msisdn);
  await untilState(msisdn, 'sent');
  const [first] = [...centre.kept.values()];
  await centre.giveUp(first?.id ?? '', 'EXPIRED');
  await until('it is sent again', () => centre.kept.size === 1);
  centre.switchOn(msisdn);
  await untilState(msisdn, 'delivered');
  const [row] = await rowsOf(msisdn);
  assert.deepEqual([row?.copies, row?.is_doubtful], [2, false]);
  assert.doesNotMatch(centre.at(msisdn)[0] ?? '', /Повтор/);
  await close();
});

test('undeliverable ends after three copies, rejected at once', async () => {
  const { centre, close } = await setUp();
  const [never, unwanted] = [newNumber(), newNumber()];
  for (const msisdn of [never, unwanted]) centre.switchOff(msisdn);
  await credit(unwanted);
  await untilState(unwanted, 'sent');
  await centre.giveUp([...centre.kept.keys()][0] ?? '', 'REJECTD');
  await untilState(unwanted, 'undelivered');
  await credit(never);
  for (let copy = 1; copy <= 3; copy += 1) {
    await untilState(never, 'sent');
    await centre.giveUp([...centre.kept.keys()][0] ?? '', 'UNDELIV');
    if (copy < 3) await until('another copy', () => centre.kept.size > 0);
  }
  await untilState(never, 'undelivered');
  const [row] = await rowsOf(never);
  assert.deepEqual([row?.copies, row?.reason], [3, 'receipt.undelivered']);
  await close();
});

test('an answer that is lost is made good by the receipt, and nothing is sent twice', async () => {
  const { centre, close } = await setUp();
  const msisdn = newNumber();
  centre.mood = 'lose_answer';
  centre.switchOff(msisdn);
  await credit(msisdn);
  await until('it is with the centre', () => centre.kept.size === 1);
  centre.mood = 'take';
  await untilState(msisdn, 'unknown');
  centre.switchOn(msisdn);
  await untilState(msisdn, 'delivered');
  await delay(1_000);
  assert.equal(centre.at(msisdn).length, 1);
  await close();
});

test('without a word from the centre it is sent again, under the same reference and marked as a repeat', async () => {
  const { centre, close } = await setUp({ centre: { bringsReference: false } });
  const msisdn = newNumber();
  centre.mood = 'lose_answer';
  centre.givesReceipts = false;
  const reference = await credit(msisdn);
  await until('it is with the phone', () => centre.inbox.length === 1);
  centre.mood = 'take';
  centre.givesReceipts = true;
  await untilState(msisdn, 'delivered');
  const copies = centre.inbox.filter((one) => one.to === msisdn);
  assert.deepEqual(
    copies.map((one) => one.text),
    [`Зачислено 500 ₸. Баланс 500 ₸. № ${reference}`, `Повтор: Зачислено 500 ₸. Баланс 500 ₸. № ${reference}`],
  );
  assert.equal(copies[0]?.reference, copies[1]?.reference);
  assert.equal((await rowsOf(msisdn))[0]?.is_doubtful, true);
  await close();
});

test('a receipt that never comes is waited for as long as the centre may try, then another copy goes out', async () => {
  const { centre, close } = await setUp();
  const msisdn = newNumber();
  centre.givesReceipts = false;
  await credit(msisdn);
  await until('it is at the phone', () => centre.at(msisdn).length === 1);
  assert.equal(centre.inbox[0]?.validity, '000000000001000R');
  await delay(1_200);
  assert.equal(centre.at(msisdn).length, 1);
  centre.givesReceipts = true;
  await until('the second copy', () => centre.at(msisdn).length === 2);
  assert.match(centre.at(msisdn)[1] ?? '', /^Повтор: /);
  await untilState(msisdn, 'delivered');
  await close();
});

test('a centre that asks for patience gets it, and one that refuses for good is not asked again', async () => {
  const { centre, close } = await setUp();
  const [patient, refused] = [newNumber(), newNumber()];
  centre.mood = statuses.throttled;
  await credit(patient);
  await until(
    'it is put off',
    async () =>
      (await rowsOf(patient))[0]?.reason === 'RTHROTTLED' ||
      (await rowsOf(patient))[0]?.reason === 'link.busy' ||
      (await rowsOf(patient))[0]?.state === 'sending',
  );
  centre.mood = 'take';
  await untilState(patient, 'delivered');
  centre.mood = statuses.invalidDestination;
  await credit(refused);
  await untilState(refused, 'failed');
  assert.deepEqual([(await rowsOf(refused))[0]?.reason, (await rowsOf(refused))[0]?.copies], ['RINVDSTADR', 0]);
  centre.mood = 'take';
  await platform.sql(`update sms set kind = 'topup_credited' where number_index = $1`, [
    platform.subscribers.refer(refused).index,
  ]);
  await close();
});

test('ids are told in hex or decimal, padded, or in a parameter, and are understood', async () => {
  for (const ids of ['same', 'decimal', 'padded', 'parameter'] as const) {
    const { close } = await setUp({ centre: { ids, bringsReference: false } });
    const msisdn = newNumber();
    await credit(msisdn);
    await untilState(msisdn, 'delivered');
    await close();
  }
});

test('a receipt that comes before its message is written down is found then; one about another phone is not taken for it', async () => {
  const { centre, messages, close } = await setUp();
  const [msisdn, other] = [newNumber(), newNumber()];
  centre.switchOff(msisdn);
  centre.givesReceipts = false;
  const id = (0x1a2b3).toString(16);
  const early = { gateway: 'kcell-main', messageIds: [id], reference: undefined, outcome: 'delivered' } as const;
  await messages.receive({ ...early, from: other });
  await credit(msisdn);
  await untilState(msisdn, 'sent');
  assert.equal([...centre.kept.keys()][0], id);
  await messages.receive({ ...early, from: other });
  await untilState(msisdn, 'sent');
  await messages.receive({ ...early, from: msisdn });
  await untilState(msisdn, 'delivered');
  const next = (0x1a2b3 + 1).toString(16);
  await messages.receive({ ...early, messageIds: [next], from: msisdn });
  await credit(msisdn);
  await untilState(msisdn, 'delivered', 'delivered');
  await close();
});

test('a long text goes in parts that are joined by header or by parameter, and only the part that is missing goes again', async () => {
  for (const joining of ['udh', 'sar'] as const) {
    const { centre, messages, close } = await setUp({ route: { joining } });
    const msisdn = newNumber();
    const text = `${'Ә'.repeat(67)}${'Ғ'.repeat(20)}`;
    centre.switchOff(msisdn);
    await messages.answer({ to: msisdn, operator: 'kcell', text });
    await untilState(msisdn, 'sent');
    const parts: Taken[] = [...centre.kept.values()];
    assert.deepEqual(
      parts.map(({ part }) => [part?.total, part?.number]),
      [
        [2, 1],
        [2, 2],
      ],
    );
    assert.equal(parts.map((one) => one.text).join(''), text);
    await centre.giveUp(parts[1]?.id ?? '', 'EXPIRED');
    await until('the second part again', () => centre.kept.size === 2);
    centre.switchOn(msisdn);
    await untilState(msisdn, 'delivered');
    assert.deepEqual(
      centre.inbox.map(({ part }) => part?.number),
      [1, 2],
    );
    await close();
  }
});

test('what a worker that died had in its hands is sent by another one, marked, because it may have arrived', async () => {
  const first = await setUp();
  const msisdn = newNumber();
  first.centre.switchOff(msisdn);
  await credit(msisdn);
  await untilState(msisdn, 'sent');
  await first.close();
  await platform.sql(`update sms set state = 'sending', next_at = now() where number_index = $1`, [
    platform.subscribers.refer(msisdn).index,
  ]);
  const second = await setUp();
  await untilState(msisdn, 'delivered');
  assert.match(second.centre.at(msisdn)[0] ?? '', /^Повтор: /);
  await second.close();
});

test('stopped, a number hears no news until it wants them again; both are in the audit trail, and the number is not', async () => {
  const { centre, messages, close } = await setUp();
  const msisdn = newNumber();
  await credit(msisdn);
  await untilState(msisdn, 'delivered');
  assert.equal(await messages.stop(msisdn, { actor: 'subscriber' }), true);
  assert.equal(await messages.stop(msisdn, { actor: 'subscriber' }), false);
  await credit(msisdn);
  await until('its news is passed over for good', async () => {
    const [row] = await platform.sql<{ done: boolean }>(
      'select settled_to >= (select max(id) from notice) as done from sms_intake',
    );
    return row?.done === true;
  });
  assert.equal(centre.at(msisdn).length, 1);
  assert.equal(await messages.start(msisdn, { actor: 'subscriber' }), true);
  await credit(msisdn);
  await untilState(msisdn, 'delivered', 'delivered');
  const trail = await platform.sql<{ action: string; subject: string }>(
    `select action, subject from audit_entry where action like 'sms.%' order by id`,
  );
  assert.deepEqual(
    trail.map(({ action }) => action),
    ['sms.stop', 'sms.start'],
  );
  assert.ok(!JSON.stringify(trail).includes(msisdn.slice(1)));
  await close();
});

test('a closed number hears no news, an erased one nothing', async () => {
  const { centre, close } = await setUp();
  const [closed, erased] = [newNumber(), newNumber()];
  centre.mood = statuses.systemError;
  await credit(closed);
  await credit(erased);
  await until('both wait', async () => (await rowsOf(closed)).length + (await rowsOf(erased)).length === 2);
  await platform.subscribers.setStatus(closed, 'closed', { actor: 'test', reason: 'asked for' });
  const { index } = platform.subscribers.refer(erased);
  await platform.sql('delete from subject where number_index = $1', [index]);
  centre.mood = 'take';
  await untilState(closed, 'failed');
  assert.equal((await rowsOf(closed))[0]?.reason, 'number.closed');
  await until('the erased one is dropped', async () => {
    const [row] = await platform.sql<Row>('select state, reason from sms where number_index = $1', [index]);
    return row?.state === 'failed' && row.reason === 'number.erased';
  });
  assert.equal(centre.inbox.length, 0);
  await close();
});

test('a number that was never credited is answered, and forgotten with its message', async () => {
  const { centre, messages, close } = await setUp();
  const msisdn = newNumber();
  assert.equal(await messages.answer({ to: msisdn, operator: 'kcell', text: 'Balance KZT 0' }), true);
  await untilState(msisdn, 'delivered');
  assert.deepEqual(centre.at(msisdn), ['Balance KZT 0']);
  const [row] = await platform.sql('select number_sealed, text, subscriber from sms where number_index = $1', [
    platform.subscribers.refer(msisdn).index,
  ]);
  assert.deepEqual(row, { number_sealed: null, text: null, subscriber: null });
  await close();
});

test('of many answers to one number no more than a few an hour are owed', async () => {
  const { messages, close } = await setUp();
  const msisdn = newNumber();
  const owed = await Promise.all(
    Array.from({ length: 40 }, () => messages.answer({ to: msisdn, operator: 'kcell', text: 'x' })),
  );
  assert.equal(owed.filter(Boolean).length, 30);
  await close();
});

test('notices of other operators, and those owed longer ago than a message may take, are passed over', async () => {
  const { close } = await setUp();
  const msisdn = newNumber();
  await credit(msisdn);
  await untilState(msisdn, 'delivered');
  const { id } = (await platform.subscribers.read(msisdn)) ?? { id: 0n };
  await platform.sql(
    `insert into notice (subscriber, event, kind, owed_at) values ($1, gen_random_uuid(), 'topup_credited', now() - interval '4 days')`,
    [id],
  );
  const elsewhere = newNumber();
  await platform.topups.credit({
    partner: partner.id,
    key: randomUUID(),
    msisdn: elsewhere,
    amountMinor: 500_00n,
    operator: 'tele2',
  });
  await credit(msisdn);
  await untilState(msisdn, 'delivered', 'delivered');
  assert.deepEqual(await rowsOf(elsewhere), []);
  await close();
});

test('a notice whose transaction ends after those of later ones is found all the same', async () => {
  const { close } = await setUp();
  const [slow, quick] = [newNumber(), newNumber()];
  await credit(slow);
  await untilState(slow, 'delivered');
  const { id } = (await platform.subscribers.read(slow)) ?? { id: 0n };
  const client = await platform.owner.connect();
  await client.query('begin');
  // As everywhere: the transaction has written before it owes, so that it has its number before its notice has one.
  await client.query('select pg_current_xact_id()');
  await client.query(
    `with moved as (select event from transfer where credit >> 20 = $1 limit 1)
      insert into notice (subscriber, event, kind) select $1, gen_random_uuid(), 'topup_credited' from moved`,
    [id],
  );
  await credit(quick);
  await untilState(quick, 'delivered');
  await delay(1_500);
  await client.query('commit');
  client.release();
  // Its event is nobody's credit, so there is nothing to say of it: that it was looked at is what counts.
  await untilState(slow, 'delivered', 'failed');
  assert.equal((await rowsOf(slow))[1]?.reason, 'event.unknown');
  await platform.sql(`delete from sms where reason = 'event.unknown'`);
  await close();
});

test('what no route looks after any more ends with its time', async () => {
  const { messages } = await setUp();
  const msisdn = newNumber();
  await messages.answer({ to: msisdn, operator: 'beeline', text: 'x' });
  await platform.sql(`update sms set expires_at = now() - interval '1 hour' where operator = 'beeline'`);
  await messages.sweep();
  await untilState(msisdn, 'expired');
});
