import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { type PaypalSimulator, startPaypal } from '../../../simulators/paypal/index.ts';
import { type Answer, type Call, json, startServer } from '../../../simulators/wire/server.ts';
import { systemClock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { Secret } from '../../base/secret.ts';
import { type OpenedPayment, type OpenPayment, type PaymentProvider, ProviderUnavailable } from '../provider.ts';
import { createPaypal } from './paypal.ts';

// Against a PayPal on a socket that does what it is asked to do, good and bad (simulators/paypal).

let simulator: PaypalSimulator;
let paypal: PaymentProvider;
before(async () => {
  simulator = await startPaypal({ clientId: 'client', clientSecret: 'secret' });
  paypal = clientOf(simulator.url);
});
afterEach(() => control('', {}));
after(() => simulator.close());

function clientOf(apiUrl: string, secret = 'secret'): PaymentProvider {
  return createPaypal({
    clientId: 'client',
    clientSecret: new Secret(secret),
    webhookId: 'WEBHOOK1',
    apiUrl,
    certOrigin: apiUrl,
    clock: systemClock,
  });
}

async function control(path: string, asked: object): Promise<unknown> {
  const response = await fetch(`${simulator.url}/_control${path}`, { method: 'POST', body: JSON.stringify(asked) });
  assert.equal(response.status, 200, path);
  return response.json();
}

let orders = 0;

function payment(changes: Partial<OpenPayment> = {}): OpenPayment {
  orders += 1;
  const id = `0192f0c4-7e5b-8a3c-9d10-${String(orders).padStart(12, '0')}`;
  return {
    reference: `${id}/1`,
    orderReference: `7KQ4-M2XD-${String(orders).padStart(4, '0')}`,
    money: { currency: 'USD', amountMinor: 229n },
    description: '1 000 ₸ → +7 701 ••• 45 67',
    language: 'en',
    returnUrl: 'https://sapar.example/orders/1?from=paypal',
    cancelUrl: 'https://sapar.example/orders/1/cancelled',
    expiresAt: new Date(Date.now() + 900_000),
    ...changes,
  };
}

async function choose({ url }: OpenedPayment, outcome: string): Promise<string | null> {
  const page = await fetch(url, { method: 'POST', body: new URLSearchParams({ outcome }), redirect: 'manual' });
  return page.headers.get('location');
}

type Paid = OpenedPayment & { readonly reference: string; readonly captureId: string };

/** An order that is paid and captured. */
async function paid(changes: Partial<OpenPayment> = {}): Promise<Paid> {
  const asked = payment(changes);
  const opened = await paypal.open(asked);
  await choose(opened, 'pay');
  const { captureId } = await paypal.capture(opened.externalId, asked.reference);
  assert.ok(captureId);
  return { ...opened, captureId, reference: asked.reference };
}

/** What PayPal itself holds. */
async function raw(path: string): Promise<Record<string, unknown>> {
  const basic = `Basic ${Buffer.from('client:secret').toString('base64')}`;
  const body = new URLSearchParams({ grant_type: 'client_credentials' });
  const granted = await fetch(`${simulator.url}/v1/oauth2/token`, {
    method: 'POST',
    headers: { authorization: basic },
    body,
  });
  const { access_token: token } = (await granted.json()) as { access_token: string };
  const response = await fetch(`${simulator.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return (await response.json()) as Record<string, unknown>;
}

const isSilence = (error: unknown): boolean => error instanceof ProviderUnavailable;
const why = (text: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ProviderUnavailable);
  assert.match(error.cause instanceof Error ? error.cause.message : String(error.cause), text);
  return true;
};

test('an order is opened with our reference, the amount to the cent and the ways back', async () => {
  const asked = payment({ language: 'zh', description: '充值'.repeat(60) });
  const opened = await paypal.open(asked);
  assert.equal(opened.url, `${simulator.url}/checkoutnow?token=${opened.externalId}`);
  assert.deepEqual(paypal.pageOrigins, [simulator.url]);
  assert.deepEqual(await paypal.inspect(opened.externalId), {
    externalId: opened.externalId,
    reference: asked.reference,
    state: 'open',
    money: asked.money,
    captureId: undefined,
    refundedMinor: 0n,
  });
  const { purchase_units: units } = await raw(`/v2/checkout/orders/${opened.externalId}`);
  const [unit] = units as Record<string, unknown>[];
  assert.deepEqual(unit?.amount, { currency_code: 'USD', value: '2.29' });
  assert.equal(unit?.invoice_id, `${asked.orderReference}-1`);
  assert.equal(unit?.description, '充值'.repeat(21), '127 bytes hold 42 Chinese characters');
  assert.match(await (await fetch(opened.url)).text(), /lang="zh"/);
  const back = new URL((await choose(opened, 'pay')) ?? '');
  assert.equal(back.searchParams.get('from'), 'paypal');
  assert.equal(back.searchParams.get('token'), opened.externalId);
});

test('each currency PayPal and we both know is charged as itself', async () => {
  assert.deepEqual(paypal.currencies, ['USD', 'EUR', 'GBP']);
  for (const currency of paypal.currencies) {
    const { externalId } = await paid({ money: { currency, amountMinor: 100_005n } });
    assert.deepEqual((await paypal.inspect(externalId)).money, { currency, amountMinor: 100_005n });
  }
  await assert.rejects(
    paypal.open(payment({ money: { currency: 'KZT', amountMinor: 1n } })),
    why(/CURRENCY_NOT_SUPPORTED/),
  );
});

test('the same reference is the same order, also when the answer was lost', async () => {
  const asked = payment();
  await control('', { faults: [{ kind: 'lose', at: 'POST /v2/checkout/orders', times: 2 }] });
  await assert.rejects(paypal.open(asked), isSilence);
  const opened = await paypal.open(asked);
  assert.deepEqual(await paypal.open(asked), opened);
  assert.notEqual(
    (await paypal.open({ ...asked, reference: asked.reference.replace(/1$/, '2') })).externalId,
    opened.externalId,
  );
});

const states = `
  -          open
  leave      open
  pay        approved
  stay       approved
  decline    approved
  void       expired
  forget     expired`;

for (const row of states.trim().split('\n')) {
  const [outcome = '', state = ''] = row.trim().split(/\s+/);
  test(`an uncaptured order, after ${outcome}: ${state}`, async () => {
    const opened = await paypal.open(payment());
    if (outcome === 'void') await control(`/orders/${opened.externalId}/void`, {});
    else if (outcome === 'forget') await control('', { advanceMs: 3 * 3_600_000 });
    else if (outcome !== '-') await choose(opened, outcome);
    assert.equal((await paypal.inspect(opened.externalId)).state, state);
    assert.equal(
      (await paypal.expire(opened.externalId)).state,
      'expired',
      'nothing was taken: it is over when we say so',
    );
  });
}

test('what was approved is captured once, however often and in how many places at once', async () => {
  const asked = payment();
  const opened = await paypal.open(asked);
  assert.equal(
    (await paypal.capture(opened.externalId, asked.reference)).state,
    'open',
    'not approved: nothing to take',
  );
  await choose(opened, 'pay');
  const many = await Promise.all([1, 2, 3].map(() => paypal.capture(opened.externalId, asked.reference)));
  const again = await paypal.capture(opened.externalId, asked.reference);
  for (const facts of many) assert.deepEqual(facts, again);
  assert.deepEqual(again, { ...(await paypal.inspect(opened.externalId)), state: 'captured', money: asked.money });
  assert.deepEqual(await paypal.expire(opened.externalId), again, 'the payer was faster');
});

test('a capture whose answer was lost is found, and not made again', async () => {
  for (const fault of [
    { kind: 'lose', times: 2 },
    { kind: 'garble' },
    { kind: 'garble', body: '<html>a proxy</html>' },
  ]) {
    const asked = payment();
    const opened = await paypal.open(asked);
    await choose(opened, 'pay');
    const at = `POST /v2/checkout/orders/${opened.externalId}/capture`;
    await control('', { faults: [{ ...fault, at }] });
    await assert.rejects(paypal.capture(opened.externalId, asked.reference), isSilence);
    // Found by looking: it is not even asked for.
    await control('', { faults: [{ kind: 'status', status: 500, at }] });
    assert.equal((await paypal.capture(opened.externalId, asked.reference)).state, 'captured');
  }
});

test('a connection that was closed is tried once more under the same name', async () => {
  const asked = payment();
  const opened = await paypal.open(asked);
  await choose(opened, 'pay');
  await control('', { faults: [{ kind: 'lose', at: `POST /v2/checkout/orders/${opened.externalId}/capture` }] });
  assert.equal((await paypal.capture(opened.externalId, asked.reference)).state, 'captured');
});

test('failures of the other side are silence, and tell nothing', async () => {
  const { externalId } = await paypal.open(payment());
  for (const status of [409, 429, 500, 502, 503]) {
    await control('', { faults: [{ kind: 'status', status, at: 'GET /v2/checkout/orders' }] });
    await assert.rejects(
      paypal.inspect(externalId),
      why(new RegExp(`GET /v2/checkout/orders/${externalId}: ${status}`)),
    );
  }
  await control('', { faults: [{ kind: 'garble', at: 'GET /v2/checkout/orders' }] });
  await assert.rejects(paypal.inspect(externalId), isSilence);
  await control('', { faults: [{ kind: 'garble', body: '{"id":"OTHER","status":"COMPLETED"}', at: 'GET /v2' }] });
  await assert.rejects(paypal.inspect(externalId), isSilence, 'an answer about another order');
  await control('', { faults: [{ kind: 'garble', body: 'null', at: 'GET /v2' }] });
  await assert.rejects(paypal.inspect(externalId), isSilence);
  assert.equal((await paypal.inspect(externalId)).state, 'open');
});

test('somebody else’s capture of the same order is found when ours comes too late', async () => {
  const asked = payment();
  const opened = await paypal.open(asked);
  await choose(opened, 'pay');
  // Our look is answered late; meanwhile a second process takes the money under a name of its own.
  await control('', { faults: [{ kind: 'delay', ms: 300, at: `GET /v2/checkout/orders/${opened.externalId}` }] });
  const late = paypal.capture(opened.externalId, asked.reference);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const early = await clientOf(simulator.url).capture(opened.externalId, 'another name');
  assert.equal(early.state, 'captured');
  assert.deepEqual(await late, early);
});

test('a declined card leaves the order payable, and the next one is taken', async () => {
  const asked = payment();
  const opened = await paypal.open(asked);
  await choose(opened, 'decline');
  assert.equal((await paypal.capture(opened.externalId, asked.reference)).state, 'open');
  assert.equal((await paypal.capture(opened.externalId, asked.reference)).state, 'open', 'asked again, the same no');
  await choose(opened, 'pay');
  assert.equal((await paypal.capture(opened.externalId, asked.reference)).state, 'captured');
});

test('what PayPal refuses for good is refused, what we do not know is not', async () => {
  for (const [issue, state] of [
    ['TRANSACTION_REFUSED', 'refused'],
    ['PAYER_CANNOT_PAY', 'refused'],
    ['DUPLICATE_INVOICE_ID', 'refused'],
    ['PAYER_ACTION_REQUIRED', 'open'],
    ['SOMETHING_NEW', undefined],
  ] as const) {
    const asked = payment();
    const opened = await paypal.open(asked);
    await choose(opened, 'pay');
    await control('', { nextCapture: { issue } });
    const taken = paypal.capture(opened.externalId, asked.reference);
    if (state === undefined) await assert.rejects(taken, why(/422 UNPROCESSABLE_ENTITY SOMETHING_NEW \w+/));
    else assert.deepEqual(await taken, { ...(await paypal.inspect(opened.externalId)), state });
  }
});

test('a capture under way is no money until it has ended', async () => {
  for (const [as, state] of [
    ['COMPLETED', 'captured'],
    ['DECLINED', 'refused'],
  ] as const) {
    const asked = payment();
    const opened = await paypal.open(asked);
    await choose(opened, as === 'COMPLETED' ? 'late' : 'late_fail');
    const taken = await paypal.capture(opened.externalId, asked.reference);
    assert.equal(taken.state, 'pending');
    assert.deepEqual(taken.money, asked.money);
    assert.equal((await paypal.expire(opened.externalId)).state, 'pending', 'the money may still come');
    await control(`/captures/${taken.captureId}/settle`, { as });
    assert.equal((await paypal.inspect(opened.externalId)).state, state);
    assert.equal((await paypal.expire(opened.externalId)).state, state);
  }
});

test('money that is not what was asked for is told as it is', async () => {
  for (const [wrong, money] of [
    [{ wrongAmount: true }, { currency: 'USD', amountMinor: 230n }],
    [{ wrongCurrency: true }, { currency: 'EUR', amountMinor: 229n }],
    [{ nextCapture: { amount: { currency_code: 'JPY', value: '229' } } }, undefined],
    [{ foreignOrder: true }, { currency: 'USD', amountMinor: 229n }],
  ] as const) {
    const asked = payment();
    const opened = await paypal.open(asked);
    await choose(opened, 'pay');
    await control('', wrong);
    const taken = await paypal.capture(opened.externalId, asked.reference);
    assert.equal(taken.state, 'captured');
    assert.deepEqual(taken.money, money);
    assert.equal(taken.reference === asked.reference, !('foreignOrder' in wrong));
  }
});

test('a refund is made once under its reference, whole or in parts, and is seen by looking', async () => {
  const { externalId, captureId, reference } = await paid();
  const part = {
    reference: `${reference}/refund/1`,
    externalId,
    captureId,
    money: { currency: 'USD', amountMinor: 100n },
  } as const;
  const first = await paypal.refund(part);
  assert.equal(first.kind, 'done');
  assert.deepEqual(await paypal.refund(part), first);
  assert.deepEqual(await paypal.inspect(externalId), {
    externalId,
    reference,
    state: 'captured',
    money: { currency: 'USD', amountMinor: 229n },
    captureId,
    refundedMinor: 100n,
  });
  const tooMuch = {
    ...part,
    reference: `${reference}/refund/2`,
    money: { currency: 'USD', amountMinor: 130n },
  } as const;
  assert.deepEqual(await paypal.refund(tooMuch), { kind: 'refused', reason: 'REFUND_AMOUNT_EXCEEDED' });
  const rest = { ...part, reference: `${reference}/refund/3`, money: { currency: 'USD', amountMinor: 129n } } as const;
  assert.equal((await paypal.refund(rest)).kind, 'done');
  const over = await paypal.inspect(externalId);
  assert.deepEqual([over.state, over.refundedMinor], ['captured', 229n]);
  assert.deepEqual(await paypal.refund({ ...part, reference: `${reference}/refund/4` }), {
    kind: 'refused',
    reason: 'CAPTURE_FULLY_REFUNDED',
  });
  const euro = { ...part, reference: `${reference}/refund/5`, money: { currency: 'EUR', amountMinor: 1n } } as const;
  assert.equal((await paypal.refund(euro)).kind, 'refused');
});

test('a refund whose answer was lost is unknown, and is the same refund when asked again', async () => {
  for (const fault of [
    { kind: 'lose', times: 2 },
    { kind: 'garble' },
    { kind: 'drop', times: 2 },
    { kind: 'status', status: 500 },
  ]) {
    const { externalId, captureId, reference, ...rest } = await paid();
    const asked = {
      reference: `${reference}/refund/1`,
      externalId,
      captureId,
      money: { currency: 'USD', amountMinor: 229n },
    } as const;
    await control('', { faults: [{ ...fault, at: 'POST /v2/payments/captures' }] });
    assert.equal((await paypal.refund(asked)).kind, 'unknown', JSON.stringify(rest));
    assert.equal((await paypal.refund(asked)).kind, 'done');
    assert.equal((await paypal.inspect(externalId)).refundedMinor, 229n);
  }
});

test('our own refund is known again when PayPal has forgotten the request, and nobody else’s is taken for it', async () => {
  const ours = await paid();
  const money = { currency: 'USD', amountMinor: 229n } as const;
  const asked = { ...ours, reference: `${ours.reference}/refund/1`, money };
  const first = await paypal.refund(asked);
  await control('/requests/forget', {});
  assert.deepEqual(await paypal.refund(asked), first);

  const theirs = await paid();
  await control(`/captures/${theirs.captureId}/refund`, {});
  assert.equal((await paypal.inspect(theirs.externalId)).refundedMinor, 229n, 'given back past us');
  assert.deepEqual(await paypal.refund({ ...theirs, reference: `${theirs.reference}/refund/1`, money }), {
    kind: 'refused',
    reason: 'CAPTURE_FULLY_REFUNDED',
  });
});

test('a refund may take its time, come to nothing, or be asked for again', async () => {
  const money = { currency: 'USD', amountMinor: 229n } as const;
  const slow = await paid();
  const asked = { ...slow, reference: `${slow.reference}/refund/1`, money };
  await control('', { refunds: 'PENDING' });
  const pending = await paypal.refund(asked);
  assert.equal(pending.kind, 'pending');
  assert.equal((await paypal.inspect(slow.externalId)).refundedMinor, 229n, 'what is under way counts');
  await control(`/refunds/${'externalId' in pending ? pending.externalId : ''}/settle`, { as: 'COMPLETED' });
  assert.equal((await paypal.refund(asked)).kind, 'done');

  const failed = await paid();
  await control('', { refunds: 'FAILED' });
  assert.deepEqual(await paypal.refund({ ...failed, reference: `${failed.reference}/refund/1`, money }), {
    kind: 'refused',
    reason: 'FAILED',
  });
  assert.equal((await paypal.inspect(failed.externalId)).refundedMinor, 0n);

  for (const [issue, kind] of [
    ['REFUND_TIME_LIMIT_EXCEEDED', 'refused'],
    ['TRANSACTION_DISPUTED', 'refused'],
    ['REFUND_FAILED_INSUFFICIENT_FUNDS', 'unknown'],
    ['SOMETHING_NEW', 'unknown'],
  ]) {
    await control('', { nextRefund: { issue } });
    const outcome = await paypal.refund({ ...failed, reference: `${failed.reference}/refund/${issue}`, money });
    assert.equal(outcome.kind, kind, issue);
  }
  assert.equal((await paypal.refund({ ...failed, captureId: 'NOSUCHCAPTURE', reference: 'x', money })).kind, 'unknown');
});

test('a token that ends early is replaced once, and a wrong secret is silence', async () => {
  const { externalId } = await paypal.open(payment());
  await control('/tokens/revoke', {});
  assert.equal((await paypal.inspect(externalId)).state, 'open');
  await control('', { faults: [{ kind: 'status', status: 401, at: 'GET /v2', times: 3 }] });
  await assert.rejects(paypal.inspect(externalId), why(/401 AUTHENTICATION_FAILURE/));
  assert.equal(((await control('', {})) as { faults: unknown[] }).faults.length, 0);
  const wrong = clientOf(simulator.url, 'wrong');
  await assert.rejects(wrong.inspect(externalId), (error) => {
    assert.ok(error instanceof ProviderUnavailable);
    assert.doesNotMatch(JSON.stringify(error.cause) + String(error.cause), /wrong|secret/);
    return why(/\/v1\/oauth2\/token: 401/)(error);
  });
});

/** Something at PayPal's address that is not PayPal as we know it. */
async function withOther(
  routes: Record<string, (call: Call) => Answer>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const server = await startServer({
    routes: { 'POST /v1/oauth2/token': () => json(200, { access_token: 'token', expires_in: 100_000 }), ...routes },
  });
  await work(server.url).finally(() => server.close());
}

test('callers who find no token share one request for it, and it is kept until it ends', async () => {
  let asked = 0;
  let life = 100_000;
  const token = (): Answer => {
    asked += 1;
    return json(200, { access_token: 'token', expires_in: life });
  };
  const order = (): Answer => json(200, { id: 'ORDER', status: 'CREATED' });
  await withOther({ 'POST /v1/oauth2/token': token, 'GET /v2/checkout/orders/ORDER': order }, async (url) => {
    const client = clientOf(url);
    await Promise.all([1, 2, 3, 4, 5].map(() => client.inspect('ORDER')));
    await client.inspect('ORDER');
    assert.equal(asked, 1);
    life = 30;
    const shortLived = clientOf(url);
    await shortLived.inspect('ORDER');
    await shortLived.inspect('ORDER');
    assert.equal(asked, 3, 'less than a minute left is none');
  });
});

test('no token follows a redirect, and no answer without end is read', async (t) => {
  const heard: unknown[] = [];
  const trap = await startServer({
    routes: {},
    missing: ({ headers }) => {
      heard.push(headers.authorization);
      return json(200, {});
    },
  });
  t.after(() => trap.close());
  await withOther(
    {
      'GET /v2/checkout/orders/AWAY': () => ({ status: 302, headers: { location: `${trap.url}/trap` } }),
      'GET /v2/checkout/orders/HUGE': () =>
        json(200, { id: 'HUGE', status: 'CREATED', more: 'x'.repeat(limits.paymentAnswerBytesMax) }),
    },
    async (url) => {
      await assert.rejects(clientOf(url).inspect('AWAY'), isSilence);
      await assert.rejects(clientOf(url).inspect('HUGE'), isSilence);
    },
  );
  assert.deepEqual(heard, []);
});

test('the payer is sent nowhere but to PayPal', async () => {
  const links = (href: string): Answer =>
    json(200, { id: 'ORDER', status: 'PAYER_ACTION_REQUIRED', links: [{ href, rel: 'payer-action' }] });
  for (const href of ['https://paypal.example/checkoutnow?token=ORDER', 'javascript:alert(1)', 'not an address'])
    await withOther({ 'POST /v2/checkout/orders': () => links(href) }, async (url) => {
      await assert.rejects(clientOf(url).open(payment()), isSilence);
    });
});

test('words PayPal does not use today are something under way, and an order without a capture is not money', async () => {
  const unit = (...captures: object[]): object => ({ purchase_units: [{ payments: { captures } }] });
  const capture = (status: string): object => ({ id: status, status, amount: { currency_code: 'USD', value: '1.00' } });
  for (const [order, state, captureId] of [
    [{ status: 'constructor' }, 'pending', undefined],
    [{ status: 'COMPLETED' }, 'pending', undefined],
    [{ status: 'SAVED' }, 'open', undefined],
    [{ status: 'COMPLETED', ...unit(capture('NEW_WORD')) }, 'pending', 'NEW_WORD'],
    [{ status: 'COMPLETED', ...unit(capture('DECLINED'), capture('COMPLETED')) }, 'captured', 'COMPLETED'],
    [{ status: 'APPROVED', ...unit(capture('PENDING')) }, 'pending', 'PENDING'],
    [{ status: 'COMPLETED', ...unit(capture('FAILED')) }, 'refused', 'FAILED'],
    [{ status: 'COMPLETED', ...unit(capture('PARTIALLY_REFUNDED')) }, 'captured', 'PARTIALLY_REFUNDED'],
  ] as const)
    await withOther({ 'GET /v2/checkout/orders/ORDER': () => json(200, { id: 'ORDER', ...order }) }, async (url) => {
      const facts = await clientOf(url).inspect('ORDER');
      assert.deepEqual([facts.state, facts.captureId], [state, captureId]);
    });
});

test('a page that is missing is not an order that is gone', async () => {
  await withOther({}, async (url) => {
    await assert.rejects(clientOf(url).inspect('ORDER'), isSilence);
  });
});

test('PayPal’s own pages are on other hosts than its API', () => {
  const origins = (apiUrl?: string): readonly string[] =>
    createPaypal({
      clientId: 'client',
      clientSecret: new Secret('secret'),
      webhookId: 'WEBHOOK1',
      clock: systemClock,
      ...(apiUrl !== undefined && { apiUrl }),
    }).pageOrigins;
  assert.deepEqual(origins(), ['https://www.paypal.com']);
  assert.deepEqual(origins('https://api-m.sandbox.paypal.com/'), ['https://www.sandbox.paypal.com']);
});

test('whoever does not answer is given up within the bound', async () => {
  const { externalId } = await paypal.open(payment());
  await control('', { faults: [{ kind: 'delay', ms: limits.paymentCallMs + 1_000, at: 'GET /v2/checkout/orders' }] });
  const began = performance.now();
  await assert.rejects(paypal.inspect(externalId), isSilence);
  assert.ok(performance.now() - began < limits.paymentCallMs + 500);
});
