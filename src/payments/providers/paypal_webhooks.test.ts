import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { makeCertificate, makeSigner, type Signer } from '../../../simulators/paypal/certificate.ts';
import { type PaypalSimulator, startPaypal } from '../../../simulators/paypal/index.ts';
import { type Answer, type Server, startServer } from '../../../simulators/wire/server.ts';
import { type Clock, steppedClock, systemClock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { Refusal, type RefusalCode } from '../../base/refusal.ts';
import { Secret } from '../../base/secret.ts';
import { type Notification, type PaymentProvider, ProviderUnavailable } from '../provider.ts';
import { createPaypal } from './paypal.ts';
import { certificateUrl } from './paypal_signature.ts';

// Two senders: the simulator, whose notifications are those of real orders, and one of this file's own, which can do any wrong.

type Heard = { readonly body: Buffer; readonly headers: Record<string, string | undefined> };

function clientOf(certOrigin: string, clock: Clock = systemClock, webhookId = 'WEBHOOK1'): PaymentProvider {
  const clientSecret = new Secret('secret');
  return createPaypal({ clientId: 'client', clientSecret, webhookId, apiUrl: certOrigin, certOrigin, clock });
}

const refusedWith =
  (code: RefusalCode) =>
  (error: unknown): boolean =>
    error instanceof Refusal && error.code === code;

// What real orders send.

let simulator: PaypalSimulator;
let shop: Server;
let paypal: PaymentProvider;
const heard: Heard[] = [];

before(async () => {
  shop = await startServer({
    routes: {
      'POST /callbacks/paypal': ({ body, headers }) => {
        heard.push({ body, headers: headers as Heard['headers'] });
        return { status: 204 };
      },
    },
  });
  const webhook = { url: `${shop.url}/callbacks/paypal`, id: 'WEBHOOK1' };
  simulator = await startPaypal({ clientId: 'client', clientSecret: 'secret', webhook });
  paypal = clientOf(simulator.url);
});
afterEach(() => control('', {}));
after(async () => {
  await simulator.close();
  await shop.close();
});

async function control(path: string, asked: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${simulator.url}/_control${path}`, { method: 'POST', body: JSON.stringify(asked) });
  assert.equal(response.status, 200, path);
  return (await response.json()) as Record<string, unknown>;
}

async function told(): Promise<Heard[]> {
  await simulator.quiet();
  return heard.splice(0);
}

async function read(): Promise<Notification[]> {
  return Promise.all((await told()).map(({ body, headers }) => paypal.readNotification(body, headers)));
}

let orders = 0;

async function open(): Promise<{ externalId: string; reference: string; url: string }> {
  orders += 1;
  const reference = `0192f0c4-7e5b-8a3c-9d10-${String(orders).padStart(12, '0')}/1`;
  const opened = await paypal.open({
    reference,
    orderReference: `7KQ4-M2XD-${String(orders).padStart(4, '0')}`,
    money: { currency: 'USD', amountMinor: 229n },
    description: 'Top-up',
    language: 'en',
    returnUrl: 'https://sapar.example/return',
    cancelUrl: 'https://sapar.example/cancel',
    expiresAt: new Date(Date.now() + 900_000),
  });
  return { ...opened, reference };
}

async function choose(url: string, outcome: string): Promise<void> {
  await fetch(url, { method: 'POST', body: new URLSearchParams({ outcome }), redirect: 'manual' });
}

/** What a notification says, without the names it goes by. */
function essence(notification: Notification): object {
  const { eventId, ...rest } = notification;
  assert.match(eventId, /^WH-/);
  return rest;
}

test('each notification of an order’s life names the order or its money, and leaves the rest to be asked', async () => {
  const { externalId, reference, url } = await open();
  await choose(url, 'late');
  const { captureId } = await paypal.capture(externalId, reference);
  await control(`/captures/${captureId}/settle`, { as: 'COMPLETED' });
  const money = { currency: 'USD', amountMinor: 29n } as const;
  await paypal.refund({ reference: `${reference}/refund/1`, externalId, captureId: captureId ?? '', money });
  const hint = (kind: string, about: object): object => ({ kind, about: 'hint', ...about });
  const all = (await read()).map(essence);
  assert.equal(all.length, 4);
  for (const wanted of [
    hint('CHECKOUT.ORDER.APPROVED', { externalId, captureId: undefined }),
    hint('PAYMENT.CAPTURE.PENDING', { externalId, captureId }),
    hint('PAYMENT.CAPTURE.COMPLETED', { externalId, captureId }),
    hint('PAYMENT.CAPTURE.REFUNDED', { externalId: undefined, captureId }),
  ])
    assert.ok(
      all.some((one) => isSame(one, wanted)),
      JSON.stringify(wanted),
    );
});

function isSame(one: object, other: object): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

test('a dispute is told with its money, and ends won, lost or undecided', async () => {
  const { externalId, reference, url } = await open();
  await choose(url, 'pay');
  const { captureId } = await paypal.capture(externalId, reference);
  await told();
  const amount = { currency_code: 'USD', value: '1.00' };
  const { dispute_id: id } = await control(`/captures/${captureId}/dispute`, { reason: 'UNAUTHORISED', amount });
  const facts = { externalId: id, captureId, money: { currency: 'USD', amountMinor: 100n }, reason: 'UNAUTHORISED' };
  const said = async (kind: string, state: string): Promise<void> =>
    assert.deepEqual((await read()).map(essence), [{ kind, about: 'dispute', facts: { ...facts, state } }]);
  await said('CUSTOMER.DISPUTE.CREATED', 'open');
  await control(`/disputes/${id}`, {});
  await said('CUSTOMER.DISPUTE.UPDATED', 'open');
  for (const [outcome, state] of [
    ['RESOLVED_SELLER_FAVOUR', 'won'],
    ['CANCELED_BY_BUYER', 'won'],
    ['RESOLVED_BUYER_FAVOUR', 'lost'],
    ['ACCEPTED', 'lost'],
    ['RESOLVED_WITH_PAYOUT', 'open'],
    ['NONE', 'open'],
  ] as const) {
    await control(`/disputes/${id}`, { outcome });
    await said('CUSTOMER.DISPUTE.RESOLVED', state);
  }
});

test('what a notification says of money is not believed: it is a hint whatever it says', async () => {
  const { externalId, reference, url } = await open();
  await choose(url, 'pay');
  await told();
  await control('', { lies: ['amount', 'currency'] });
  const { captureId } = await paypal.capture(externalId, reference);
  const [heard] = await told();
  assert.match(heard?.body.toString() ?? '', /"currency_code":"EUR","value":"2\.30"/, 'the lie was told');
  const notification = await paypal.readNotification(heard?.body ?? Buffer.alloc(0), heard?.headers ?? {});
  assert.deepEqual(essence(notification), { kind: 'PAYMENT.CAPTURE.COMPLETED', about: 'hint', externalId, captureId });
  assert.deepEqual((await paypal.inspect(externalId)).money, { currency: 'USD', amountMinor: 229n });
});

test('doubled, turned round or about a stranger’s order, each is read by itself', async () => {
  await control('', { duplicate: 2, reorder: true, lies: ['order'] });
  const { externalId, reference, url } = await open();
  await choose(url, 'pay');
  await paypal.capture(externalId, reference);
  const all = await read();
  assert.equal(all.length, 6);
  assert.equal(new Set(all.map(({ eventId }) => eventId)).size, 2, 'copies have one name');
  for (const one of all) assert.ok(one.about === 'hint' && one.externalId !== externalId);
});

test('a wrong signature and a notification of days ago are refused', async () => {
  const { url } = await open();
  await control('', { wrongSignature: true });
  await choose(url, 'pay');
  const [forged] = await told();
  assert.ok(forged);
  await assert.rejects(paypal.readNotification(forged.body, forged.headers), refusedWith('webhook.signature'));
  await control('', { stale: true });
  await choose(url, 'pay');
  const [stale] = await told();
  assert.ok(stale);
  await assert.rejects(paypal.readNotification(stale.body, stale.headers), refusedWith('webhook.stale'));
});

test('a certificate at another address is not looked at, whoever signed', async (t) => {
  const trap = await startServer({
    routes: {},
    missing: () => {
      throw new Error('asked');
    },
  });
  t.after(() => trap.close());
  const { url } = await open();
  await control('', { certUrl: `${trap.url}/v1/notifications/certs/CERT-1` });
  await choose(url, 'pay');
  const [sent] = await told();
  assert.ok(sent);
  await assert.rejects(paypal.readNotification(sent.body, sent.headers), refusedWith('webhook.signature'));
});

test('when the certificate changes, the new one is fetched, and what the old one signed still holds', async () => {
  const { url } = await open();
  await choose(url, 'pay');
  const [old] = await told();
  await control('/certificates', {});
  await choose(url, 'pay');
  const [fresh] = await told();
  assert.ok(old && fresh);
  assert.notEqual(old.headers['paypal-cert-url'], fresh.headers['paypal-cert-url']);
  for (const { body, headers } of [fresh, old, fresh])
    assert.equal((await paypal.readNotification(body, headers)).about, 'hint');
});

test('a certificate that has ended, has not begun or is for something else is refused', async () => {
  const day = 24 * 3_600_000;
  const { url } = await open();
  for (const wishes of [
    { notAfter: new Date(Date.now() - 1_000) },
    { notBefore: new Date(Date.now() + day) },
    { commonName: 'www.paypal.com' },
    { commonName: 'messageverificationcerts.paypal.com.evil.example' },
  ]) {
    await control('/certificates', wishes);
    await choose(url, 'pay');
    const [sent] = await told();
    assert.ok(sent);
    await assert.rejects(paypal.readNotification(sent.body, sent.headers), refusedWith('webhook.signature'));
  }
  await control('/certificates', { commonName: 'messageverificationcerts.paypal.com' });
  await choose(url, 'pay');
  assert.equal((await read()).length, 1);
});

// A sender of our own.

type Wrongs = {
  readonly text?: string;
  readonly key?: KeyObject;
  readonly headers?: Record<string, string | undefined>;
};

const NOW = new Date('2026-11-24T12:00:00Z');
const EVENT = Buffer.from('{"id":"WH-1","event_type":"CHECKOUT.ORDER.APPROVED","resource":{"id":"ORDER1"}}');
let signer: Signer;
let certificates: Server;
/** What the certificate's address answers; as it should where nothing is said. */
let answer: (() => Answer) | undefined;
let fetched = 0;

before(async () => {
  signer = await makeSigner({
    commonName: 'messageverificationcerts.paypal.com',
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-01-01T00:00:00Z'),
  });
  certificates = await startServer({
    routes: {
      'GET /v1/notifications/certs/:id': () => {
        fetched += 1;
        return answer?.() ?? { status: 200, body: signer.certificate };
      },
    },
  });
});
afterEach(() => {
  answer = undefined;
  fetched = 0;
});
after(() => certificates.close());

/** Signs as the documentation says, in this file's own words. */
function signed(body: Buffer, { text, key, headers }: Wrongs = {}): Record<string, string | undefined> {
  const time = headers?.['paypal-transmission-time'] ?? '2026-11-24T12:00:00Z';
  const message = text ?? `69cd13f0-d67a-11e5-baa3-778b53f4ae55|${time}|WEBHOOK1|${crc32(body)}`;
  return {
    'paypal-transmission-id': '69cd13f0-d67a-11e5-baa3-778b53f4ae55',
    'paypal-transmission-time': time,
    'paypal-transmission-sig': sign(
      'RSA-SHA256',
      Buffer.from(message),
      key ?? createPrivateKey(signer.privateKey),
    ).toString('base64'),
    'paypal-cert-url': `${certificates.url}/v1/notifications/certs/CERT-1`,
    'paypal-auth-algo': 'SHA256withRSA',
    ...headers,
  };
}

const receiver = (webhookId?: string): PaymentProvider => clientOf(certificates.url, steppedClock(NOW), webhookId);

test('the signature is over id, time, webhook and the CRC-32 of the body in decimal', async () => {
  assert.equal(crc32(Buffer.from('{"id":"WH-1"}')), 838965618);
  const body = Buffer.from('{"id":"WH-1","event_type":"CHECKOUT.ORDER.APPROVED","resource":{"id":"ORDER1"}}');
  const headers = signed(body, {
    text: '69cd13f0-d67a-11e5-baa3-778b53f4ae55|2026-11-24T12:00:00Z|WEBHOOK1|1756590975',
  });
  assert.deepEqual(await receiver().readNotification(body, headers), {
    eventId: 'WH-1',
    kind: 'CHECKOUT.ORDER.APPROVED',
    about: 'hint',
    externalId: 'ORDER1',
    captureId: undefined,
  });
});

const wrongs: [
  string,
  RefusalCode,
  () => { body?: Buffer; headers: Record<string, string | undefined>; webhookId?: string },
][] = [
  ['another body', 'webhook.signature', () => ({ body: Buffer.from(`${EVENT} `), headers: signed(EVENT) })],
  ['another webhook', 'webhook.signature', () => ({ headers: signed(EVENT), webhookId: 'WEBHOOK2' })],
  ['another id', 'webhook.signature', () => ({ headers: { ...signed(EVENT), 'paypal-transmission-id': 'x' } })],
  [
    'another time',
    'webhook.signature',
    () => ({ headers: { ...signed(EVENT), 'paypal-transmission-time': '2026-11-24T12:00:01Z' } }),
  ],
  [
    'another key',
    'webhook.signature',
    () => ({ headers: signed(EVENT, { key: generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey }) }),
  ],
  [
    'no base64',
    'webhook.signature',
    () => ({ headers: signed(EVENT, { headers: { 'paypal-transmission-sig': '!' } }) }),
  ],
  [
    'an endless signature',
    'webhook.signature',
    () => ({ headers: signed(EVENT, { headers: { 'paypal-transmission-sig': 'A'.repeat(2_000) } }) }),
  ],
  [
    'another algorithm',
    'webhook.signature',
    () => ({ headers: signed(EVENT, { headers: { 'paypal-auth-algo': 'SHA1withRSA' } }) }),
  ],
  [
    'a time that is none',
    'webhook.signature',
    () => ({ headers: signed(EVENT, { headers: { 'paypal-transmission-time': 'yesterday' } }) }),
  ],
  [
    'no such day',
    'webhook.stale',
    () => ({ headers: signed(EVENT, { headers: { 'paypal-transmission-time': '2026-13-45T12:00:00Z' } }) }),
  ],
  [
    'four days ago',
    'webhook.stale',
    () => ({ headers: signed(EVENT, { headers: { 'paypal-transmission-time': '2026-11-20T12:00:00Z' } }) }),
  ],
  [
    'in ten minutes',
    'webhook.stale',
    () => ({ headers: signed(EVENT, { headers: { 'paypal-transmission-time': '2026-11-24T12:10:00Z' } }) }),
  ],
  ['no headers', 'webhook.signature', () => ({ headers: {} })],
  ...['transmission-id', 'transmission-time', 'transmission-sig', 'cert-url', 'auth-algo'].map(
    (name): (typeof wrongs)[number] => [
      `no ${name}`,
      'webhook.signature',
      () => ({ headers: { ...signed(EVENT), [`paypal-${name}`]: undefined } }),
    ],
  ),
  ['no JSON', 'webhook.invalid', () => ({ body: Buffer.from('<xml>'), headers: signed(Buffer.from('<xml>')) })],
  ['no event', 'webhook.invalid', () => ({ body: Buffer.from('[]'), headers: signed(Buffer.from('[]')) })],
  [
    'an order without an id',
    'webhook.invalid',
    () => {
      const body = Buffer.from('{"id":"WH-1","event_type":"CHECKOUT.ORDER.APPROVED","resource":{}}');
      return { body, headers: signed(body) };
    },
  ],
  [
    'a dispute in money we do not know',
    'webhook.invalid',
    () => {
      const resource = {
        dispute_id: 'PP-D-1',
        status: 'OPEN',
        dispute_amount: { currency_code: 'JPY', value: '100' },
        disputed_transactions: [{ seller_transaction_id: 'CAPTURE1' }],
      };
      const body = Buffer.from(JSON.stringify({ id: 'WH-1', event_type: 'CUSTOMER.DISPUTE.CREATED', resource }));
      return { body, headers: signed(body) };
    },
  ],
];

for (const [name, code, make] of wrongs)
  test(`refused: ${name}`, async () => {
    const { body = EVENT, headers, webhookId } = make();
    await assert.rejects(receiver(webhookId).readNotification(body, headers), refusedWith(code));
  });

test('a notification of three days ago is one that PayPal repeats', async () => {
  const headers = signed(EVENT, { headers: { 'paypal-transmission-time': '2026-11-21T12:00:00Z' } });
  assert.equal((await receiver().readNotification(EVENT, headers)).about, 'hint');
});

test('a huge body is refused before anything is done with it', async () => {
  const body = Buffer.alloc(limits.webhookBytesMax + 1, ' ');
  await assert.rejects(receiver().readNotification(body, signed(body)), refusedWith('webhook.invalid'));
  assert.equal(fetched, 0);
});

test('a kind that is none of our business says nothing', async () => {
  for (const kind of ['BILLING.SUBSCRIPTION.CREATED', 'PAYMENT.SALE.COMPLETED', 'constructor']) {
    const body = Buffer.from(JSON.stringify({ id: 'WH-1', event_type: kind, resource: { id: 'X' } }));
    const read = await receiver().readNotification(body, signed(body));
    assert.deepEqual(read, { eventId: 'WH-1', kind, about: 'nothing' });
  }
});

test('an approval that lapsed and a refund that failed are hints too', async () => {
  const kinds = {
    'CHECKOUT.PAYMENT-APPROVAL.REVERSED': { order_id: 'ORDER1' },
    'PAYMENT.CAPTURE.REVERSED': {
      id: 'REFUND1',
      links: [
        { href: 'https://api.paypal.com/v2/payments/refunds/REFUND1', rel: 'self' },
        { href: 'https://api.paypal.com/v2/payments/captures/CAPTURE1', rel: 'up' },
      ],
    },
    'PAYMENT.REFUND.FAILED': { id: 'REFUND1', supplementary_data: { related_ids: { capture_id: 'CAPTURE1' } } },
  };
  const read: Notification[] = [];
  for (const [event_type, resource] of Object.entries(kinds)) {
    const body = Buffer.from(JSON.stringify({ id: 'WH-1', event_type, resource }));
    read.push(await receiver().readNotification(body, signed(body)));
  }
  assert.deepEqual(
    read.map((one) => one.about === 'hint' && [one.externalId, one.captureId]),
    [
      ['ORDER1', undefined],
      [undefined, 'CAPTURE1'],
      [undefined, 'CAPTURE1'],
    ],
  );
});

test('the certificate is fetched once, for many at the same time as well', async () => {
  const one = receiver();
  await Promise.all([1, 2, 3, 4, 5, 6].map(() => one.readNotification(EVENT, signed(EVENT))));
  await one.readNotification(EVENT, signed(EVENT));
  assert.equal(fetched, 1);
});

test('an address that answers with no certificate is refused: a redirect, a page, a book, nothing', async () => {
  const answers: (() => Answer)[] = [
    () => ({ status: 302, headers: { location: `${certificates.url}/v1/notifications/certs/CERT-2` } }),
    () => ({ status: 200, body: '<html>' }),
    () => ({ status: 200, body: '' }),
    () => ({ status: 404 }),
  ];
  for (const one of answers) {
    answer = one;
    await assert.rejects(receiver().readNotification(EVENT, signed(EVENT)), refusedWith('webhook.signature'));
  }
  assert.equal(fetched, answers.length, 'the redirect was not followed');
});

test('a certificate that cannot be had now is silence, so that PayPal sends again; then it is had', async () => {
  const one = receiver();
  const isSilence = (error: unknown): boolean => error instanceof ProviderUnavailable;
  for (const status of [500, 503, 429]) {
    answer = () => ({ status });
    await assert.rejects(one.readNotification(EVENT, signed(EVENT)), isSilence);
  }
  answer = () => ({ status: 200, body: signer.certificate + ' '.repeat(limits.certificateBytesMax) });
  await assert.rejects(one.readNotification(EVENT, signed(EVENT)), isSilence);
  answer = undefined;
  assert.equal((await one.readNotification(EVENT, signed(EVENT))).about, 'hint');
});

test('addresses without a certificate neither push out the one we have nor are asked for by the hundred', async () => {
  const one = receiver();
  await one.readNotification(EVENT, signed(EVENT));
  answer = () => ({ status: 404 });
  const strange = (no: number): Record<string, string | undefined> =>
    signed(EVENT, { headers: { 'paypal-cert-url': `${certificates.url}/v1/notifications/certs/CERT-${no}00` } });
  const tried = await Promise.allSettled(
    Array.from({ length: 100 }, (_, no) => one.readNotification(EVENT, strange(no))),
  );
  assert.ok(tried.every(({ status }) => status === 'rejected'));
  assert.ok(fetched <= 1 + limits.certificateFetchesMax, String(fetched));
  assert.equal((await one.readNotification(EVENT, signed(EVENT))).about, 'hint');
});

test('a key that is too short, or of another kind, is none', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  answer = () => ({
    status: 200,
    body: makeCertificate(
      {
        commonName: 'messageverificationcerts.paypal.com',
        notBefore: new Date('2026-01-01T00:00:00Z'),
        notAfter: new Date('2027-01-01T00:00:00Z'),
      },
      rsa,
    ),
  });
  await assert.rejects(
    receiver().readNotification(EVENT, signed(EVENT, { key: rsa.privateKey })),
    refusedWith('webhook.signature'),
  );
});

const live = 'https://api-m.paypal.com';
const sandbox = 'https://api-m.sandbox.paypal.com';
const addresses = `
  live     https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270          yes
  live     https://api-m.paypal.com/v1/notifications/certs/CERT-360caa42                          yes
  sandbox  https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42                    yes
  live     https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42                    no
  sandbox  https://api.paypal.com/v1/notifications/certs/CERT-360caa42                            no
  live     http://api.paypal.com/v1/notifications/certs/CERT-360caa42                             no
  live     https://api.paypal.com:8443/v1/notifications/certs/CERT-360caa42                       no
  live     https://paypal.com/v1/notifications/certs/CERT-360caa42                                no
  live     https://evilpaypal.com/v1/notifications/certs/CERT-360caa42                            no
  live     https://api.paypal.com.evil.example/v1/notifications/certs/CERT-360caa42               no
  live     https://evil.example/.paypal.com/v1/notifications/certs/CERT-360caa42                  no
  live     https://api.paypal.com@evil.example/v1/notifications/certs/CERT-360caa42               no
  live     https://evil@api.paypal.com/v1/notifications/certs/CERT-360caa42                       no
  live     https://evil.example\\@api.paypal.com/v1/notifications/certs/CERT-360caa42             no
  live     https://api.paypal.com/other/CERT-360caa42                                             no
  live     https://api.paypal.com/v1/notifications/certs/../../../files/CERT                      no
  live     https://api.paypal.com/v1/notifications/certs/..%2f..%2ffiles                          no
  live     https://api.paypal.com/v1/notifications/certs/CERT-360caa42?to=//evil.example          no
  live     https://api.paypal.com/v1/notifications/certs/                                         no
  live     file:///v1/notifications/certs/CERT-360caa42                                           no
  live     CERT-360caa42                                                                          no
  127      http://127.0.0.1:4010/v1/notifications/certs/CERT-1                                    yes
  127      http://127.0.0.1:4011/v1/notifications/certs/CERT-1                                    no
  127      http://localhost:4010/v1/notifications/certs/CERT-1                                    no
  127      https://127.0.0.1:4010/v1/notifications/certs/CERT-1                                   no
  127      https://api.paypal.com/v1/notifications/certs/CERT-360caa42                            no`;

for (const row of addresses.trim().split('\n')) {
  const [where = '', address = '', trusted] = row.trim().split(/\s+/);
  test(`a certificate from ${address}, ${where}: ${trusted}`, () => {
    const simulated = { apiUrl: 'http://127.0.0.1:4010', certOrigin: 'http://127.0.0.1:4010' };
    const source = where === '127' ? simulated : { apiUrl: where === 'live' ? live : sandbox, certOrigin: undefined };
    assert.equal(certificateUrl(address, source) !== undefined, trusted === 'yes');
  });
}
