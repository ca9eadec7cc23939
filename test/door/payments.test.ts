import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import type { Uuid } from '../../src/base/ids.ts';
import { limits } from '../../src/base/limits.ts';
import { audit } from '../../src/reports/index.ts';
import { createOrders, createStaffOrders } from '../../src/topups/index.ts';
import { openShop, type Shop } from '../support/shop.ts';
import type { View } from '../support/shopper.ts';

// Money at the door: Stripe and PayPal on sockets of their own that repeat, reorder, lose and contradict, and the ledger afterwards.

let shop: Shop;
before(async () => {
  shop = await openShop();
});
after(() => shop.close());
afterEach(async () => {
  await shop.control('stripe', '', {});
  await shop.control('paypal', '', {});
  await shop.control('operators', '', { faults: [], hesitate: 0, funds: true, callbacks: {} });
  for (const { name, ok, breaches } of await audit(shop.platform.db)) assert.ok(ok, `${name}: ${breaches.join('; ')}`);
});

const providers = ['stripe', 'paypal'] as const;
type Provider = (typeof providers)[number];

const MINUTE = 60_000;
const prefixes = { hosted: '701', osmp: '705', dtone: '707' } as const;

type Wish = { provider?: Provider; route?: keyof typeof prefixes; ending?: string };

/** An order that waits for its payment, and the page it is paid at. */
async function placed({ provider = 'stripe', route = 'hosted', ending = '800' }: Wish = {}) {
  const msisdn = shop.shopper.number(prefixes[route], ending);
  // Somebody else each time, or there would soon be too many drafts from one address.
  shop.shopper.address = `10.0.0.${Number(msisdn.slice(4, 8)) % 250}`;
  return { ...(await shop.shopper.placed({ msisdn, currency: 'USD', method: provider })), msisdn };
}

async function paid(wish: Wish = {}): Promise<{ id: string; url: string; msisdn: string }> {
  const order = await placed(wish);
  await shop.shopper.atProvider(order.url, 'pay');
  await shop.settle();
  return order;
}

async function view(id: string): Promise<View> {
  return (await shop.shopper.call('GET', `/v1/orders/${id}`)).body;
}

/** Everything the ledger has posted for it, `order_payment 1` for how often. Holds count when they are captured. */
async function events(id: string): Promise<Record<string, number>> {
  const payments = await rows<{ no: number }>('select no from payment where order_id = $1 and state = $2', [
    id,
    'captured',
  ]);
  const refunds = await rows<{ no: number }>("select no from refund where order_id = $1 and state = 'done'", [id]);
  const deliveries = await rows<{ no: number }>(
    "select 1 as no from delivery where order_id = $1 and state = 'delivered'",
    [id],
  );
  return { payments: payments.length, refunds: refunds.length, deliveries: deliveries.length };
}

async function rows<Row extends Record<string, unknown>>(
  text: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  return shop.platform.sql<Row>(text, values);
}

/** In minor units, what the books say: with the provider, of customers, spent, at our expense. */
async function balances(): Promise<Record<string, bigint>> {
  const found = await rows<{ name: string; balance: bigint }>(
    `select kind || ' ' || unit.code as name, sum(credits_posted - debits_posted)::bigint as balance
     from account join unit on unit.no = unit_of_account(id) where id < 0 group by 1`,
  );
  return Object.fromEntries(found.map(({ name, balance }) => [name, balance]));
}

async function change(work: () => Promise<void>): Promise<Record<string, bigint>> {
  const earlier = await balances();
  await work();
  const later = await balances();
  return Object.fromEntries(
    Object.entries(later).flatMap(([name, balance]) => {
      const moved = balance - (earlier[name] ?? 0n);
      return moved === 0n ? [] : [[name, moved]];
    }),
  );
}

async function alarmsDuring(work: () => Promise<void>): Promise<string[]> {
  const heard = shop.alarms.length;
  await work();
  return shop.alarms.slice(heard).map(({ kind }) => kind);
}

/** How often each phone was credited for this order, here and elsewhere. */
async function credits(id: string): Promise<number> {
  const references = await rows<{ reference: string }>(
    "select reference from delivery where order_id = $1 and route <> 'hosted'",
    [id],
  );
  const names = new Set(references.map(({ reference }) => reference));
  const here = await rows("select 1 from delivery where order_id = $1 and route = 'hosted' and state = 'delivered'", [
    id,
  ]);
  return here.length + shop.operators.credits().filter(({ reference }) => names.has(reference)).length;
}

// What a provider tells, however often and in which order.

for (const provider of providers) {
  test(`${provider} tells everything a hundred times, backwards and before the browser is back: one credit`, async () => {
    const { id, url } = await placed({ provider });
    await shop.control(provider, '', { duplicate: 99, reorder: true });
    await shop.shopper.atProvider(url, 'pay');
    await shop.settle();
    assert.equal((await view(id)).state, 'delivered');
    assert.deepEqual(await events(id), { payments: 1, refunds: 0, deliveries: 1 });
    const told = await rows<{ event_id: string }>('select event_id from payment_event where order_id = $1', [id]);
    assert.ok(told.length > 0);
    const attempts: { status: number }[] = await shop.control(provider, '/webhooks');
    assert.ok(attempts.filter(({ status }) => status === 204).length >= 100);
  });

  test(`${provider} tells nothing at all: what was paid is found by asking, and at once when the browser comes back`, async () => {
    await shop.control(provider, '', { lose: 1 });
    const asked = await placed({ provider });
    await shop.shopper.atProvider(asked.url, 'pay');
    await shop.settle();
    assert.equal((await view(asked.id)).state, 'awaiting_payment');
    await shop.platform.sql('select 1');
    await shop.advance(limits.paymentPollsMs[0]);
    await shop.control(provider, '', { lose: 1 });
    await shop.settle();
    assert.equal((await view(asked.id)).state, 'delivered');

    const returned = await placed({ provider });
    await shop.shopper.atProvider(returned.url, 'pay');
    await shop.shopper.call('POST', `/v1/orders/${returned.id}/returned`);
    await shop.settle();
    assert.equal((await view(returned.id)).state, 'delivered');
    assert.deepEqual(await events(returned.id), { payments: 1, refunds: 0, deliveries: 1 });
  });

  test(`${provider}'s notifications with a signature that is not theirs, or old, are refused and alarmed, and move nothing`, async () => {
    for (const [how, code] of [
      ['wrongSignature', 'webhook.signature'],
      ['stale', 'webhook.stale'],
    ] as const) {
      const { id, url } = await placed({ provider });
      await shop.control(provider, '', { [how]: true });
      const before = await balances();
      const alarms = await alarmsDuring(async () => {
        await shop.shopper.atProvider(url, 'pay');
        await Promise.all([shop.stripe.quiet(), shop.paypal.quiet()]);
      });
      const attempts: { status: number }[] = await shop.control(provider, '/webhooks');
      assert.equal(attempts.at(-1)?.status, 400);
      assert.ok(alarms.length > 0 && alarms.every((kind) => kind === code), alarms.join(' '));
      const recorded = await rows('select 1 from payment_event where provider = $1 and outcome = $2', [provider, code]);
      assert.ok(recorded.length > 0);
      assert.equal((await view(id)).state, 'awaiting_payment');
      assert.deepEqual(await balances(), before);
    }
  });
}

type Told = { id: string; object: Record<string, unknown> };

function stripeEvent({ id, object }: Told, { at = Date.now(), secret = shop.stripeSecret } = {}) {
  const body = JSON.stringify({ id, object: 'event', type: 'checkout.session.completed', data: { object } });
  const seconds = Math.floor(at / 1_000);
  const signature = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return { body, headers: { 'content-type': 'application/json', 'stripe-signature': `t=${seconds},v1=${signature}` } };
}

async function tell(provider: Provider, message: { body: string; headers: Record<string, string> }) {
  const response = await fetch(`${shop.url}/callbacks/${provider}`, { method: 'POST', ...message });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    body: text === '' ? {} : JSON.parse(text),
  };
}

test('what contradicts the order it names is refused by its own code, recorded and alarmed once, and moves nothing', async () => {
  const { id, url } = await placed();
  const session = url.split('/').at(-1) ?? '';
  const { quote } = await view(id);
  const amount = Number(quote?.charge.amount.replace('.', ''));
  const good = {
    id: session,
    object: 'checkout.session',
    status: 'complete',
    payment_status: 'paid',
    client_reference_id: `${id}/1`,
    amount_total: amount,
    currency: 'usd',
    payment_intent: 'pi_1',
  };
  const before = await balances();
  const lies: [string, Record<string, unknown>][] = [
    ['another amount', { amount_total: amount - 1 }],
    ['another currency', { currency: 'eur' }],
    ['another order', { client_reference_id: `${randomUUID()}/1` }],
    ['a payment it never began', { client_reference_id: `${id}/2` }],
    ['the payment of another page', { id: 'cs_other' }],
    ['a shop that is not ours', { client_reference_id: 'shop-7/1' }],
  ];
  for (const [name, lie] of lies) {
    const message = stripeEvent({ id: `evt_${randomUUID()}`, object: { ...good, ...lie } });
    const alarms = await alarmsDuring(async () => {
      for (let times = 0; times < 3; times += 1) {
        const { status, type, body } = await tell('stripe', message);
        assert.equal(status, 422, name);
        assert.equal(body.code, 'webhook.mismatch');
        assert.match(type ?? '', /^application\/problem\+json/);
      }
    });
    assert.deepEqual(alarms, ['webhook.mismatch'], name);
    const [event] = await rows<{ outcome: string }>('select outcome from payment_event where event_id = $1', [
      JSON.parse(message.body).id,
    ]);
    assert.equal(event?.outcome, 'webhook.mismatch', name);
  }
  await shop.settle();
  assert.equal((await view(id)).state, 'awaiting_payment');
  assert.deepEqual(await balances(), before);
});

test('an unsigned body, half a body and a huge one are refused, and nobody is told twice', async () => {
  const event = stripeEvent({ id: 'evt_1', object: {} });
  const unsigned = { body: event.body, headers: { 'content-type': 'application/json' } };
  const alarms = await alarmsDuring(async () => {
    for (let times = 0; times < 3; times += 1) {
      const { status, body } = await tell('stripe', unsigned);
      assert.deepEqual([status, body.code], [400, 'webhook.signature']);
    }
  });
  assert.deepEqual(alarms, ['webhook.signature']);
  const half = stripeEvent({ id: 'evt_2', object: {} });
  assert.equal((await tell('stripe', { ...half, body: half.body.slice(0, 40) })).body.code, 'webhook.signature');
  const huge = { ...unsigned, body: ' '.repeat(limits.webhookBytesMax + 1) };
  assert.equal((await tell('stripe', huge)).status, 413);
  assert.equal((await tell('paypal', unsigned)).body.code, 'webhook.signature');
});

test('another amount that was really taken is not delivered and not kept in silence: a case', async () => {
  for (const provider of providers) {
    const { id, url } = await placed({ provider });
    const wrong =
      provider === 'stripe'
        ? { wrongAmount: true }
        : { nextCapture: { amount: { currency_code: 'USD', value: '0.01' } } };
    await shop.control(provider, '', wrong);
    const alarms = await alarmsDuring(async () => {
      await shop.shopper.atProvider(url, 'pay');
      await shop.settle();
    });
    const { state, case: matter } = await view(id);
    assert.deepEqual([state, matter?.reason], ['case', 'payment.mismatch'], provider);
    assert.ok(alarms.includes('payment.mismatch') || alarms.includes('webhook.mismatch'), alarms.join(' '));
    assert.equal(await credits(id), 0);
  }
});

test('money taken under a name that is not ours is a case too, though nobody tells us but the provider when asked', async () => {
  const { id, url } = await placed();
  await shop.control('stripe', '', { foreignOrder: true });
  await shop.shopper.atProvider(url, 'pay');
  await shop.settle();
  await shop.advance(limits.paymentPollsMs[0]);
  await shop.settle();
  assert.deepEqual([(await view(id)).state, (await view(id)).case?.reason], ['case', 'payment.mismatch']);
});

// Operators.

for (const [route, call] of [
  ['osmp', 'GET /osmp'],
  ['dtone', 'POST /dtone/v1/async'],
] as const) {
  test(`${route} credits and does not say so: found by asking, credited once`, async () => {
    const { id, url } = await placed({ route });
    // The first call of OSMP is a check, which changes nothing.
    const at =
      route === 'osmp'
        ? [
            { kind: 'delay', at: call, ms: 0 },
            { kind: 'lose', at: call },
          ]
        : [{ kind: 'lose', at: call }];
    await shop.control('operators', '', { faults: at });
    await shop.shopper.atProvider(url, 'pay');
    await shop.settle();
    assert.equal((await view(id)).state, 'unknown');
    assert.equal(await credits(id), 1);
    await shop.advance(limits.enquiriesMs[0]);
    await shop.settle();
    assert.equal((await view(id)).state, 'delivered');
    assert.equal(await credits(id), 1);
    assert.deepEqual(await events(id), { payments: 1, refunds: 0, deliveries: 1 });
  });

  test(`${route} says no: the money goes back without a person, by a day that is named`, async () => {
    const moved = await change(async () => {
      const { id } = await paid({ route, ending: '806' });
      await shop.advance(limits.enquiriesMs[0]);
      await shop.settle();
      const { state, refunds, quote } = await view(id);
      assert.equal(state, 'refunded');
      assert.equal(refunds.length, 1);
      assert.deepEqual(refunds[0]?.amount, quote?.charge);
      assert.match(refunds[0]?.promisedBy ?? '', /^20\d\d-\d\d-\d\d$/);
      assert.equal(await credits(id), 0);
      assert.deepEqual(await events(id), { payments: 1, refunds: 1, deliveries: 0 });
    });
    assert.deepEqual(moved, {}, 'nothing is left of it anywhere');
  });
}

// Payers.

test('money that lands on an expired order goes back', async () => {
  const { id, url } = await placed();
  // Stripe does not answer when the page is to be closed, for long enough that the order is given up.
  const away = {
    faults: [
      { kind: 'status', at: 'POST /v1/checkout/sessions/', times: 99 },
      { kind: 'status', at: 'GET /v1/checkout', times: 99 },
    ],
  };
  for (let half = 0; half < 4; half += 1) {
    await shop.advance(limits.quoteMs / 2 + MINUTE);
    await shop.control('stripe', '', away);
    await shop.settle();
  }
  assert.equal((await view(id)).state, 'expired');
  await shop.control('stripe', '', {});
  const moved = await change(async () => {
    await shop.shopper.atProvider(url, 'pay');
    await shop.settle();
  });
  const { state, refunds } = await view(id);
  assert.equal(state, 'refunded');
  assert.equal(refunds[0]?.reason, 'payment.late');
  assert.deepEqual(moved, {});
});

test('a payment that is approved too late is not taken', async () => {
  const { id, url } = await placed({ provider: 'paypal' });
  await shop.advance(limits.quoteMs);
  await shop.settle();
  assert.equal((await view(id)).state, 'expired');
  await shop.shopper.atProvider(url, 'pay');
  await shop.settle();
  await shop.advance(limits.latePollsMs[0]);
  await shop.settle();
  assert.equal((await view(id)).state, 'expired');
  assert.deepEqual(await events(id), { payments: 0, refunds: 0, deliveries: 0 });
});

test('paid in two ways, one pays and the other goes back', async () => {
  for (const [first, second] of [
    ['stripe', 'paypal'],
    ['paypal', 'stripe'],
  ] as const) {
    const { id, url } = await placed({ provider: first });
    await shop.shopper.atProvider(url, 'late');
    await shop.settle();
    assert.equal((await view(id)).payment?.state, 'pending');
    assert.equal((await shop.shopper.call('POST', `/v1/orders/${id}/revise`)).body.state, 'draft');
    await shop.shopper.call('POST', `/v1/orders/${id}/quote`, { amount: '1000', currency: 'USD', method: second });
    const again = await shop.shopper.pay(id);
    await shop.shopper.atProvider(again.body.url ?? '', 'pay');
    await shop.settle();
    assert.equal((await view(id)).state, 'delivered');
    await shop.advance(MINUTE);
    await shop.settle();
    const { state, refunds } = await view(id);
    assert.deepEqual(
      [state, refunds.length, refunds[0]?.state, refunds[0]?.reason],
      ['delivered', 1, 'done', 'payment.duplicate'],
      first,
    );
    assert.deepEqual(await events(id), { payments: 2, refunds: 1, deliveries: 1 });
  }
});

test('slow money of a way that was given up is found and goes back, though nobody tells', async () => {
  for (const provider of providers) {
    const { id, url } = await placed({ provider });
    await shop.control(provider, '', { lose: 1 });
    // Longer than until the one look that every page given up is worth.
    await shop.shopper.atProvider(url, 'late', 10 * 60);
    await shop.shopper.call('POST', `/v1/orders/${id}/returned`);
    await shop.settle();
    assert.equal((await view(id)).payment?.state, 'pending');
    await shop.shopper.call('POST', `/v1/orders/${id}/revise`);
    await shop.shopper.call('POST', `/v1/orders/${id}/quote`, { amount: '1000', currency: 'USD', method: 'stripe' });
    await shop.shopper.pay(id);
    for (let minute = 0; minute < 14; minute += 1) {
      await shop.advance(MINUTE, { lose: 1 });
      await shop.settle();
    }
    assert.deepEqual(
      (await refundsOf(id)).map(({ reason, state }) => `${reason} ${state}`),
      ['payment.late done'],
      provider,
    );
    await shop.control(provider, '', {});
  }
});

test('another amount, slow and of a way that was given up, is known and alarmed in the end, though nobody tells', async () => {
  const { id, url } = await placed();
  await shop.control('stripe', '', { wrongAmount: true, lose: 1 });
  await shop.shopper.atProvider(url, 'late', 10 * 60);
  await shop.shopper.call('POST', `/v1/orders/${id}/returned`);
  await shop.settle();
  await shop.shopper.call('POST', `/v1/orders/${id}/revise`);
  const alarms = await alarmsDuring(async () => {
    for (let minute = 0; minute < 14; minute += 1) {
      await shop.advance(MINUTE, { lose: 1 });
      await shop.settle();
    }
  });
  assert.ok(alarms.includes('payment.mismatch'));
  const [payment] = await rows<{ state: string }>('select state from payment where order_id = $1', [id]);
  assert.equal(payment?.state, 'mismatch');
});

test('a provider that is silent whenever late money is looked for has not said that there is none', async () => {
  const { id, url } = await placed({ provider: 'paypal' });
  // Taken in the last moment, and the answer lost; then PayPal is away at each look that was planned.
  const silent = { kind: 'status', at: 'GET /v2/checkout', times: 999 };
  const faults = [
    { kind: 'delay', at: 'GET /v2/checkout', times: 2, ms: 0 },
    { kind: 'lose', at: 'POST /v2/checkout/orders/', times: 9 },
    silent,
  ];
  await shop.control('paypal', '', { lose: 1, faults });
  await shop.shopper.atProvider(url, 'pay');
  await shop.shopper.call('POST', `/v1/orders/${id}/returned`);
  await shop.settle();
  const away = { lose: 1, faults: [silent] };
  await shop.control('paypal', '', away);
  for (const ms of [limits.quoteMs, limits.quoteMs, limits.quoteMs, ...limits.latePollsMs.slice(0, 2)]) {
    await shop.advance(ms);
    await shop.control('paypal', '', away);
    await shop.settle();
  }
  assert.equal((await view(id)).state, 'expired');
  await shop.control('paypal', '', {});
  await shop.advance(limits.latePollsMs[0]);
  await shop.settle();
  assert.equal((await view(id)).state, 'refunded');
  assert.deepEqual(await events(id), { payments: 1, refunds: 1, deliveries: 0 });
});

test('staff who ask out of turn leave the order its own time to be looked at', async () => {
  const staff = createStaffOrders(shop.platform.orders.context);
  const acting = { actor: 'aigul', reason: 'the payer has called' };
  const waiting = await placed();
  await staff.requery(waiting.id as Uuid, acting);
  await shop.advance(limits.quoteMs);
  await shop.settle();
  assert.equal((await view(waiting.id)).state, 'expired');
  const unsure = await paid({ route: 'dtone', ending: '900' });
  await staff.requery(unsure.id as Uuid, acting);
  const [row] = await rows<{ next_at: Date | null }>('select next_at from topup_order where id = $1', [unsure.id]);
  assert.ok(row?.next_at, 'it is asked again');
});

test('a price is good for a quarter of an hour, and eight clicks are one payment', async () => {
  const late = shop.shopper.number('701');
  const id = await shop.shopper.draft(late);
  await shop.shopper.call('POST', `/v1/orders/${id}/quote`, { amount: '1000', currency: 'USD', method: 'stripe' });
  await shop.advance(limits.quoteMs);
  const { status, body } = await shop.shopper.pay(id);
  assert.deepEqual([status, body.code], [409, 'quote.expired']);
  await shop.shopper.call('POST', `/v1/orders/${id}/quote`, { amount: '1000', currency: 'USD', method: 'stripe' });
  const clicks = await Promise.all(Array.from({ length: 8 }, () => shop.shopper.pay(id)));
  assert.deepEqual([...new Set(clicks.map((click) => click.status))], [200]);
  const urls = new Set(clicks.map((click) => click.body.url));
  assert.equal(urls.size, 1);
  const payments = await rows('select no from payment where order_id = $1', [id]);
  assert.equal(payments.length, 1);
});

test('a payment is refused, and the same page takes another card', async () => {
  const { id, url } = await placed();
  await shop.shopper.atProvider(url, 'decline');
  await shop.settle();
  assert.equal((await view(id)).state, 'awaiting_payment');
  await shop.shopper.atProvider(url, 'pay');
  await shop.settle();
  assert.equal((await view(id)).state, 'delivered');
  assert.deepEqual(await events(id), { payments: 1, refunds: 0, deliveries: 1 });
});

// Money given back at the provider itself, by the shop's own staff.

/** What the dashboard does: a refund that carries no name of ours. All that is left where no amount is said. */
async function giveBack(provider: Provider, id: string, minor?: number): Promise<void> {
  const { payment } = await view(id);
  const capture = payment?.providerReference ?? '';
  if (provider === 'paypal') {
    const amount = minor === undefined ? {} : { amount: { currency_code: 'USD', value: (minor / 100).toFixed(2) } };
    await shop.control('paypal', `/captures/${capture}/refund`, amount);
    return;
  }
  const response = await fetch(`${shop.stripe.url}/v1/refunds`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_of_this_test' },
    body: new URLSearchParams({ payment_intent: capture, ...(minor === undefined ? {} : { amount: String(minor) }) }),
  });
  assert.equal(response.status, 200, await response.text());
}

const refundsOf = (id: string) =>
  rows<{ reason: string; state: string; amount_minor: bigint }>(
    'select reason, state, amount_minor from refund where order_id = $1 order by no',
    [id],
  );

for (const provider of providers) {
  test(`${provider}'s dashboard gives back part of a delivered order, then the rest: booked at our expense, once each`, async () => {
    const { id } = await paid({ provider });
    const charge = BigInt((await view(id)).quote?.charge.amount.replace('.', '') ?? '0');
    await shop.control(provider, '', { duplicate: 5, reorder: true });
    const moved = await change(async () => {
      const alarms = await alarmsDuring(async () => {
        await giveBack(provider, id, 50);
        await shop.settle();
      });
      assert.deepEqual(alarms, ['refund.elsewhere']);
      assert.deepEqual(
        (await refundsOf(id)).map((one) => [one.state, one.amount_minor]),
        [['done', 50n]],
      );
      await giveBack(provider, id);
      await shop.settle();
    });
    assert.equal((await view(id)).state, 'delivered');
    assert.deepEqual(
      (await refundsOf(id)).map((one) => [one.reason, one.state, one.amount_minor]),
      [
        ['refund.elsewhere', 'done', 50n],
        ['refund.elsewhere', 'done', charge - 50n],
      ],
    );
    assert.equal(moved[`${provider}_clearing USD`], charge);
    assert.ok((moved['refund_expense KZT'] ?? 0n) < 0n);
    assert.equal(moved['customer_funds KZT'], undefined);
  });

  test(`${provider}'s dashboard gives back an order that waits for its operator: it is not sent, and nothing is owed twice`, async () => {
    for (const minor of [undefined, 40]) {
      await shop.control('operators', '', { faults: [{ kind: 'drop', at: 'POST /dtone/v1/async', times: 1 }] });
      const order = await placed({ provider, route: 'dtone' });
      // The operator says that it is down, and is tried again in a while.
      await shop.control('operators', '', {
        faults: [{ kind: 'garble', at: 'POST /dtone/v1/async', times: 1, body: '{}' }],
      });
      await shop.platform.sql('select 1');
      await shop.shopper.atProvider(order.url, 'pay');
      await shop.settle();
      const waiting = await view(order.id);
      assert.equal(waiting.state, 'unknown');
      await giveBack(provider, order.id, minor);
      await shop.settle();
      assert.deepEqual(
        (await refundsOf(order.id)).map((one) => one.reason),
        ['refund.elsewhere'],
      );
      await shop.advance(limits.enquiriesMs[0]);
      await shop.settle();
      assert.equal((await view(order.id)).state, 'delivered', 'the operator had it already');
    }
  });

  test(`${provider}'s dashboard gives back a refused order that waits for its payer: the rest follows at once`, async () => {
    for (const minor of [undefined, 40]) {
      const moved = await change(async () => {
        const { id } = await paid({ provider, route: 'osmp', ending: '802' });
        assert.equal((await view(id)).state, 'refused');
        await giveBack(provider, id, minor);
        await shop.settle();
        assert.equal((await view(id)).state, 'refunded');
        const reasons = (await refundsOf(id)).map(({ reason, state }) => `${reason} ${state}`);
        assert.deepEqual(
          reasons,
          minor === undefined ? ['refund.elsewhere done'] : ['refund.elsewhere done', 'refund.elsewhere done'],
        );
      });
      assert.deepEqual(moved, {});
    }
  });

  test(`${provider}'s dashboard is faster than our own refund, and nobody has told us: what is missing follows, and it is no case`, async () => {
    for (const minor of [undefined, 40]) {
      const moved = await change(async () => {
        const { id } = await paid({ provider, route: 'osmp', ending: '802' });
        await shop.control(provider, '', { lose: 1 });
        await giveBack(provider, id, minor);
        const answer = await shop.shopper.call('POST', `/v1/orders/${id}/refund`);
        assert.equal(answer.body.state, 'refunding');
        await shop.settle();
        assert.equal((await view(id)).state, 'refunded');
        const given = (await refundsOf(id)).filter(({ state }) => state === 'done');
        assert.equal(given.length, minor === undefined ? 1 : 2);
        await shop.control(provider, '', {});
      });
      assert.deepEqual(moved, {});
    }
  });

  test(`${provider} gives back a part while the operator is silent and then says no: the rest follows, and the books know why`, async () => {
    const moved = await change(async () => {
      const order = await placed({ provider, route: 'osmp', ending: '102' });
      await shop.shopper.atProvider(order.url, 'pay');
      await shop.control('operators', '', { hesitate: 9 });
      await shop.settle();
      assert.equal((await view(order.id)).state, 'unknown');
      await giveBack(provider, order.id, 40);
      await shop.settle();
      assert.deepEqual(
        (await refundsOf(order.id)).map(({ reason }) => reason),
        ['refund.elsewhere'],
      );
      await shop.control('operators', '', { hesitate: 0 });
      await shop.advance(limits.enquiriesMs[0]);
      await shop.settle();
      assert.equal((await view(order.id)).state, 'refunded', 'a refused number is not waited for any more');
    });
    assert.deepEqual(moved, {});
  });

  test(`${provider} refuses a refund: a case, until its staff have given the money back`, async () => {
    const moved = await change(async () => {
      const { id } = await paid({ provider, route: 'osmp', ending: '802' });
      await shop.control(
        provider,
        '',
        provider === 'stripe' ? { refunds: 'failed' } : { nextRefund: { issue: 'REFUND_NOT_ALLOWED' } },
      );
      await shop.shopper.call('POST', `/v1/orders/${id}/refund`);
      const alarms = await alarmsDuring(async () => {
        await shop.settle();
        await shop.advance(limits.refundRetriesMs[0]);
        await shop.settle();
      });
      assert.deepEqual([(await view(id)).state, (await view(id)).case?.reason], ['case', 'refund.refused']);
      assert.ok(alarms.includes('refund.refused'));
      await shop.control(provider, '', {});
      await giveBack(provider, id);
      await shop.settle();
      assert.equal((await view(id)).state, 'refunded');
    });
    assert.deepEqual(moved, {});
  });

  test(`${provider}'s disputes are booked and alarmed as they open and end, however often they are told`, async () => {
    for (const outcome of ['won', 'lost'] as const) {
      const { id } = await paid({ provider });
      const charge = BigInt((await view(id)).quote?.charge.amount.replace('.', '') ?? '0');
      await shop.control(provider, '', { duplicate: 3, reorder: true });
      const capture = (await view(id)).payment?.providerReference;
      const clearing = `${provider}_clearing USD`;
      let name = '';
      const opened = await change(async () => {
        const alarms = await alarmsDuring(async () => {
          if (provider === 'stripe')
            name = (await shop.control('stripe', `/payment_intents/${capture}/dispute`, {})).id;
          else name = (await shop.control('paypal', `/captures/${capture}/dispute`, {})).dispute_id;
          await shop.settle();
        });
        assert.deepEqual([...new Set(alarms)], ['dispute.open']);
        assert.ok(alarms.length <= 2, alarms.join(' '));
      });
      assert.deepEqual(opened, { [clearing]: charge, 'dispute_loss USD': -charge });
      const ended = await change(async () => {
        const alarms = await alarmsDuring(async () => {
          const status =
            provider === 'stripe'
              ? { status: outcome }
              : { outcome: outcome === 'won' ? 'RESOLVED_SELLER_FAVOUR' : 'RESOLVED_BUYER_FAVOUR' };
          await shop.control(provider, `/disputes/${name}`, status);
          await shop.settle();
        });
        assert.deepEqual([...new Set(alarms)], [`dispute.${outcome}`]);
      });
      assert.deepEqual(ended, outcome === 'won' ? { [clearing]: -charge, 'dispute_loss USD': charge } : {});
      const [dispute] = await rows<{ state: string }>('select state from dispute where external_id = $1', [name]);
      assert.equal(dispute?.state, outcome);
      assert.equal((await view(id)).state, 'delivered');
    }
  });
}

test('a refund that was made and comes back weeks later is out of the books again, and a case until it is made anew', async () => {
  const moved = await change(async () => {
    const { id } = await paid({ route: 'osmp', ending: '802' });
    await shop.shopper.call('POST', `/v1/orders/${id}/refund`);
    await shop.settle();
    assert.equal((await view(id)).state, 'refunded');
    const [refund] = await rows<{ external_id: string }>('select external_id from refund where order_id = $1', [id]);
    const alarms = await alarmsDuring(async () => {
      await shop.control('stripe', '', { duplicate: 3, reorder: true });
      await shop.control('stripe', `/refunds/${refund?.external_id}`, { status: 'failed' });
      await shop.settle();
    });
    assert.deepEqual(alarms, ['refund.returned']);
    assert.deepEqual([(await view(id)).state, (await view(id)).case?.reason], ['case', 'refund.refused']);
    const staff = createStaffOrders(shop.platform.orders.context);
    await staff.refund(id as Uuid, { actor: 'aigul', reason: 'the payer has named another account' });
    await shop.settle();
    assert.equal((await view(id)).state, 'refunded');
    assert.deepEqual(
      (await refundsOf(id)).map(({ state }) => state),
      ['failed', 'done'],
    );
  });
  assert.deepEqual(moved, {});
});

test('refunds in odd parts, one of which comes back, are worth what was paid, to the tiyn', async () => {
  const moved = await change(async () => {
    const { id } = await paid({ route: 'osmp', ending: '802' });
    await giveBack('stripe', id, 1);
    await shop.settle();
    assert.equal((await view(id)).state, 'refunded');
    const [, own] = await rows<{ external_id: string }>(
      'select external_id from refund where order_id = $1 order by no',
      [id],
    );
    await shop.control('stripe', `/refunds/${own?.external_id}`, { status: 'failed' });
    await shop.settle();
    await giveBack('stripe', id, 77);
    await giveBack('stripe', id);
    await shop.settle();
    assert.equal((await view(id)).state, 'refunded');
  });
  assert.deepEqual(moved, {});
});

test('paid in two ways and refused by the operator, with one refund refused long before the other is made: a case, not for ever under way', async () => {
  const { id, url } = await placed({ route: 'osmp', ending: '802' });
  await shop.shopper.atProvider(url, 'late');
  await shop.settle();
  await shop.shopper.call('POST', `/v1/orders/${id}/revise`);
  await shop.shopper.call('POST', `/v1/orders/${id}/quote`, { amount: '1000', currency: 'USD', method: 'paypal' });
  await shop.shopper.atProvider((await shop.shopper.pay(id)).body.url ?? '', 'pay');
  await shop.settle();
  assert.equal((await view(id)).state, 'refused');
  await shop.control('stripe', '', { refunds: 'failed', advanceMs: MINUTE });
  const alarms = await alarmsDuring(async () => {
    await shop.settle();
    await shop.advance(limits.refundRetriesMs[0]);
    await shop.settle();
  });
  assert.ok(alarms.includes('refund.refused'));
  assert.equal((await view(id)).state, 'refused', 'the operator is what it waits for');
  await shop.shopper.call('POST', `/v1/orders/${id}/refund`);
  await shop.settle();
  assert.deepEqual([(await view(id)).state, (await view(id)).case?.reason], ['case', 'refund.refused']);
});

test('a dispute whose amount is changed on the way stays in the books as it came in', async () => {
  const { id } = await paid({ provider: 'paypal' });
  const capture = (await view(id)).payment?.providerReference;
  const amount = { currency_code: 'USD', value: '1.00' };
  const { dispute_id: name } = await shop.control('paypal', `/captures/${capture}/dispute`, { amount });
  await shop.settle();
  await shop.control('paypal', '', { lies: ['amount'] });
  await shop.control('paypal', `/disputes/${name}`, { outcome: 'RESOLVED_SELLER_FAVOUR' });
  await shop.settle();
  const [dispute] = await rows<{ state: string; amount_minor: bigint }>(
    'select state, amount_minor from dispute where external_id = $1',
    [name],
  );
  assert.deepEqual([dispute?.state, dispute?.amount_minor], ['won', 100n]);
});

test('a dispute over other money than was taken is refused, and in no book', async () => {
  const { id } = await paid({ provider: 'paypal' });
  const capture = (await view(id)).payment?.providerReference;
  for (const lies of [['amount'], ['currency']]) {
    await shop.control('paypal', '', { lies });
    const moved = await change(async () => {
      const alarms = await alarmsDuring(async () => {
        await shop.control('paypal', `/captures/${capture}/dispute`, {});
        await shop.settle();
      });
      assert.deepEqual(alarms, ['webhook.mismatch']);
    });
    assert.deepEqual(moved, {});
  }
  assert.equal((await rows('select 1 from dispute where order_id = $1', [id])).length, 0);
});

// A worker that was held up, and another that took its order over.

/** The same orders in another process, whose operators answer it when `release` is called. */
function heldUp() {
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { context } = shop.platform.orders;
  const { delivery } = context;
  const orders = createOrders({
    ...context,
    delivery: {
      ...delivery,
      async deliver(route, request) {
        const outcome = await delivery.deliver(route, request);
        await gate;
        return outcome;
      },
      async enquire(route, request) {
        const outcome = await delivery.enquire(route, request);
        await gate;
        return outcome;
      },
    },
  });
  return { orders, release };
}

test('an answer that comes when another worker has taken the order over does not refuse what that one has asked for', async () => {
  const { id, url } = await placed({ route: 'osmp' });
  await shop.shopper.atProvider(url, 'pay');
  await shop.stripe.quiet();
  // Its check is lost, so it says that nothing was sent; before it can, the other has asked, and the number is credited.
  await shop.control('operators', '', { faults: [{ kind: 'drop', at: 'GET /osmp', times: 1 }] });
  const slow = heldUp();
  const working = slow.orders.workOnce();
  while ((await view(id)).state !== 'sending') await new Promise((resolve) => setTimeout(resolve, 10));
  await shop.advance(limits.claimMs);
  const other = heldUp();
  const takingOver = other.orders.workOnce();
  while ((await credits(id)) === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  slow.release();
  await working;
  assert.equal((await view(id)).state, 'sending');
  other.release();
  await takingOver;
  assert.equal((await view(id)).state, 'delivered');
  assert.deepEqual(await events(id), { payments: 1, refunds: 0, deliveries: 1 });
});

test('an answer to an earlier attempt says nothing of the later one', async () => {
  const { id, url } = await placed({ route: 'osmp', ending: '104' });
  await shop.shopper.atProvider(url, 'pay');
  await shop.stripe.quiet();
  const slow = heldUp();
  const working = slow.orders.workOnce();
  while ((await view(id)).state !== 'sending') await new Promise((resolve) => setTimeout(resolve, 10));
  await shop.advance(limits.claimMs);
  // Down, says the operator to the one who has taken it over, and so it is tried once more.
  await shop.platform.orders.workOnce();
  assert.equal((await view(id)).state, 'paid');
  await shop.advance(limits.unsentRetryMs);
  const again = heldUp();
  const workingAgain = again.orders.workOnce();
  while ((await view(id)).state !== 'sending') await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal((await view(id)).delivery?.attempt, 2);
  slow.release();
  await working;
  assert.equal((await view(id)).state, 'sending', 'that the first was under way says nothing of the second');
  again.release();
  await workingAgain;
  assert.equal((await view(id)).state, 'unknown');
  assert.deepEqual((await view(id)).refunds, []);
});

test('an operator that takes its time keeps nobody else waiting', async () => {
  const slow = heldUp();
  const stuck = await placed({ route: 'osmp' });
  await shop.shopper.atProvider(stuck.url, 'pay');
  await shop.stripe.quiet();
  slow.orders.startWorking();
  await shop.shopper.until(stuck.id, ({ state }) => state === 'sending');
  const other = await placed();
  await shop.shopper.atProvider(other.url, 'pay');
  await shop.shopper.until(other.id, ({ state }) => state === 'delivered');
  assert.equal((await view(stuck.id)).state, 'sending');
  slow.release();
  await slow.orders.close();
  assert.equal((await view(stuck.id)).state, 'delivered');
});

// Days.

test('an order of PayPal that nobody paid and PayPal has forgotten is expired without an alarm', async () => {
  const { id } = await placed({ provider: 'paypal' });
  const alarms = await alarmsDuring(async () => {
    await shop.advance(4 * 60 * MINUTE);
    await shop.settle();
    for (const wait of limits.latePollsMs) {
      await shop.advance(wait);
      await shop.settle();
    }
  });
  assert.equal((await view(id)).state, 'expired');
  assert.deepEqual(alarms, []);
});

for (const route of ['osmp', 'dtone'] as const) {
  test(`${route} never comes to an end: a day later it is a case, and still not given back`, async () => {
    const { id } = await paid({ route, ending: '900' });
    assert.equal((await view(id)).state, 'unknown');
    await shop.advance(limits.unknownCaseMs - MINUTE);
    await shop.settle();
    assert.equal((await view(id)).state, 'unknown');
    await shop.advance(2 * 60 * MINUTE);
    await shop.settle();
    const { state, case: matter, refunds } = await view(id);
    assert.deepEqual([state, matter?.reason, refunds.length], ['case', 'delivery.unknown', 0]);
    await shop.platform.rates.refresh();
  });
}
