import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  ApiError,
  CheckoutPaymentIntent,
  Client,
  Environment,
  OrdersController,
  PaymentsController,
  PaypalExperienceUserAction,
  PaypalWalletContextShippingPreference,
} from '@paypal/paypal-server-sdk';
import axios from 'axios';
import { json, startServer } from '../wire/server.ts';
import { makeSigner } from './certificate.ts';
import { type PaypalSimulator, startPaypal } from './index.ts';

// PayPal's own SDK as a client: it knows nothing of this simulator, so what it understands is PayPal's wire.

let simulator: PaypalSimulator;
before(async () => {
  simulator = await startPaypal({ clientId: 'client', clientSecret: 'secret' });
});
after(() => simulator.close());

function sdk(url: string, secret = 'secret'): { orders: OrdersController; payments: PaymentsController } {
  const client = new Client({
    clientCredentialsAuthCredentials: { oAuthClientId: 'client', oAuthClientSecret: secret },
    environment: Environment.Sandbox,
    timeout: 5_000,
    unstable_httpClientOptions: {
      adapter: (config: { url: string }) =>
        axios.getAdapter('http')({
          ...config,
          url: config.url.replace('https://api-m.sandbox.paypal.com', url),
        } as Parameters<ReturnType<typeof axios.getAdapter>>[0]),
    },
  });
  return { orders: new OrdersController(client), payments: new PaymentsController(client) };
}

const body = (invoiceId: string, value = '1.05') => ({
  intent: CheckoutPaymentIntent.Capture,
  purchaseUnits: [{ amount: { currencyCode: 'USD', value }, customId: 'our-name', invoiceId }],
  paymentSource: {
    paypal: {
      experienceContext: {
        returnUrl: 'https://shop.example/return',
        cancelUrl: 'https://shop.example/cancel',
        userAction: PaypalExperienceUserAction.PayNow,
        shippingPreference: PaypalWalletContextShippingPreference.NoShipping,
      },
    },
  },
});

async function issueOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ApiError, String(error));
  const { name, details } = JSON.parse(String(error.body)) as { name: string; details?: { issue: string }[] };
  return `${error.statusCode} ${name} ${details?.[0]?.issue}`;
}

async function choose(page: string, outcome: string): Promise<Response> {
  return fetch(page, { method: 'POST', body: new URLSearchParams({ outcome }), redirect: 'manual' });
}

async function makeOrder(invoiceId: string): Promise<{ id: string; page: string }> {
  const { result } = await sdk(simulator.url).orders.createOrder({ body: body(invoiceId), paypalRequestId: invoiceId });
  const page = result.links?.find(({ rel }) => rel === 'payer-action')?.href;
  assert.ok(result.id && page);
  return { id: result.id, page };
}

test('an order is made, approved on the page, captured, refunded in parts and read back', async () => {
  const { orders, payments } = sdk(simulator.url);
  const { id, page } = await makeOrder('inv-1');
  assert.equal((await orders.getOrder({ id })).result.status, 'PAYER_ACTION_REQUIRED');
  assert.equal(
    await issueOf(orders.captureOrder({ id, paypalRequestId: 'c-0' })),
    '422 UNPROCESSABLE_ENTITY ORDER_NOT_APPROVED',
  );

  const back = (await choose(page, 'pay')).headers.get('location');
  assert.equal(back, `https://shop.example/return?token=${id}&PayerID=SIMULATEDPAYER`);
  assert.equal((await orders.getOrder({ id })).result.status, 'APPROVED');

  const first = await orders.captureOrder({ id, paypalRequestId: 'c-1' });
  assert.equal(first.statusCode, 201);
  const capture = first.result.purchaseUnits?.[0]?.payments?.captures?.[0];
  assert.ok(capture?.id);
  assert.equal(capture.status, 'COMPLETED');
  assert.deepEqual(capture.amount, { currencyCode: 'USD', value: '1.05' });
  assert.equal(capture.customId, 'our-name');
  assert.equal(capture.sellerReceivableBreakdown?.paypalFee?.value, '0.33');

  const again = await orders.captureOrder({ id, paypalRequestId: 'c-1' });
  assert.equal(again.statusCode, 200, 'the same request is answered, not repeated');
  assert.equal(again.result.purchaseUnits?.[0]?.payments?.captures?.length, 1);
  assert.equal(
    await issueOf(orders.captureOrder({ id, paypalRequestId: 'c-2' })),
    '422 UNPROCESSABLE_ENTITY ORDER_ALREADY_CAPTURED',
  );

  const part = {
    captureId: capture.id,
    body: { amount: { currencyCode: 'USD', value: '0.40' } },
    prefer: 'return=representation',
  };
  const refund = (await payments.refundCapturedPayment({ ...part, paypalRequestId: 'r-1' })).result;
  assert.equal((await payments.refundCapturedPayment({ ...part, paypalRequestId: 'r-1' })).result.id, refund.id);
  assert.ok(refund.id);
  assert.equal((await payments.getRefund({ refundId: refund.id })).result.amount?.value, '0.40');
  assert.equal((await payments.getCapturedPayment({ captureId: capture.id })).result.status, 'PARTIALLY_REFUNDED');
  const rest = await payments.refundCapturedPayment({ captureId: capture.id, prefer: 'return=representation' });
  assert.equal(rest.result.sellerPayableBreakdown?.totalRefundedAmount?.value, '1.05');
  assert.equal((await payments.getCapturedPayment({ captureId: capture.id })).result.status, 'REFUNDED');
  assert.equal(await issueOf(payments.refundCapturedPayment(part)), '422 UNPROCESSABLE_ENTITY CAPTURE_FULLY_REFUNDED');
  assert.equal((await orders.getOrder({ id })).result.purchaseUnits?.[0]?.payments?.refunds?.length, 2);
});

test('a request of one name makes one order', async () => {
  const { orders } = sdk(simulator.url);
  const ask = { body: body('inv-2'), paypalRequestId: 'one-name' };
  const [first, second] = await Promise.all([orders.createOrder(ask), orders.createOrder(ask)]);
  assert.equal(first.result.id, second.result.id);
});

test('what is wrong is refused in PayPal’s words', async () => {
  const { orders, payments } = sdk(simulator.url);
  const make = (value: string, currencyCode = 'USD'): Promise<unknown> => {
    const wrong = body('inv-3', value);
    for (const unit of wrong.purchaseUnits) unit.amount.currencyCode = currencyCode;
    return orders.createOrder({ body: wrong, paypalRequestId: `wrong ${value} ${currencyCode}` });
  };
  assert.equal(await issueOf(make('1000.00', 'KZT')), '422 UNPROCESSABLE_ENTITY CURRENCY_NOT_SUPPORTED');
  assert.equal(await issueOf(make('1.055')), '422 UNPROCESSABLE_ENTITY DECIMAL_PRECISION');
  assert.equal(await issueOf(make('100.00', 'JPY')), '422 UNPROCESSABLE_ENTITY DECIMALS_NOT_SUPPORTED');
  assert.equal(await issueOf(make('0.00')), '422 UNPROCESSABLE_ENTITY CANNOT_BE_ZERO_OR_NEGATIVE');
  assert.equal(await issueOf(make('-1')), '400 INVALID_REQUEST INVALID_PARAMETER_SYNTAX');
  assert.equal(
    await issueOf(orders.createOrder({ body: body('x') })),
    '400 INVALID_REQUEST PAYPAL_REQUEST_ID_REQUIRED',
  );
  assert.equal(
    await issueOf(orders.createOrder({ body: body('x'), paypalRequestId: 'x'.repeat(109) })),
    '400 INVALID_REQUEST INVALID_STRING_LENGTH',
  );
  assert.equal(await issueOf(orders.getOrder({ id: 'NOSUCHORDER' })), '404 RESOURCE_NOT_FOUND INVALID_RESOURCE_ID');
  assert.equal(
    await issueOf(payments.getCapturedPayment({ captureId: 'NOSUCHCAPTURE' })),
    '404 RESOURCE_NOT_FOUND INVALID_RESOURCE_ID',
  );
  await assert.rejects(sdk(simulator.url, 'wrong').orders.getOrder({ id: 'X' }), {
    statusCode: 401,
    body: JSON.stringify({ error: 'invalid_client', error_description: 'Client Authentication failed' }),
  });
});

test('a number of an invoice is taken once', async () => {
  const { orders } = sdk(simulator.url);
  const [first, second] = [await makeOrder('inv-4'), await makeOrder('inv-4 again')];
  await fetch(`${simulator.url}/_control/orders/${first.id}/approve`, { method: 'POST' });
  await orders.captureOrder({ id: first.id, paypalRequestId: 'c-4' });
  const twin = (await orders.createOrder({ body: body('inv-4'), paypalRequestId: 'inv-4 twin' })).result.id;
  assert.ok(twin);
  assert.notEqual(twin, second.id);
  await fetch(`${simulator.url}/_control/orders/${twin}/approve`, { method: 'POST' });
  assert.equal(
    await issueOf(orders.captureOrder({ id: twin, paypalRequestId: 'c-5' })),
    '422 UNPROCESSABLE_ENTITY DUPLICATE_INVOICE_ID',
  );
});

test('the page says in each language that it is a simulator, runs nothing, and escapes what a shop says', async () => {
  const { orders } = sdk(simulator.url);
  for (const [locale, notice] of [
    ['en-US', 'No money moves'],
    ['zh-CN', '模拟'],
    ['ru-RU', 'имитация'],
    ['kk-KZ', 'имитациясы'],
  ] as const) {
    const order = body(`page ${locale}`);
    const [unit] = order.purchaseUnits;
    const { result } = await orders.createOrder({
      body: {
        ...order,
        purchaseUnits: [
          { ...unit, amount: { currencyCode: 'USD', value: '1.05' }, description: '<script>alert(1)</script>' },
        ],
        paymentSource: { paypal: { experienceContext: { ...order.paymentSource.paypal.experienceContext, locale } } },
      },
      paypalRequestId: `page ${locale}`,
    });
    const page = await fetch(result.links?.find(({ rel }) => rel === 'payer-action')?.href ?? '');
    const text = await page.text();
    assert.ok(text.includes(notice), locale);
    assert.doesNotMatch(text, /<script/);
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  }
});

test('the payer may leave, close the page, or use what is declined and then something else', async () => {
  const { orders } = sdk(simulator.url);
  const { id, page } = await makeOrder('inv-6');
  assert.equal((await choose(page, 'leave')).headers.get('location'), `https://shop.example/cancel?token=${id}`);
  assert.equal((await choose(page, 'decline')).status, 303);
  const declined = orders.captureOrder({ id, paypalRequestId: 'c-6' });
  assert.equal(await issueOf(declined), '422 UNPROCESSABLE_ENTITY INSTRUMENT_DECLINED');
  assert.match(await (await fetch(page)).text(), /role="alert"/);
  assert.equal((await choose(page, 'stay')).status, 200);
  assert.equal(
    await issueOf(orders.captureOrder({ id, paypalRequestId: 'c-6' })),
    '422 UNPROCESSABLE_ENTITY INSTRUMENT_DECLINED',
    'a repeat of the refused request is the refused request',
  );
  assert.equal((await orders.captureOrder({ id, paypalRequestId: 'c-7' })).result.status, 'COMPLETED');
  assert.match(await (await choose(page, 'pay')).text(), /role="status"/);
});

test('what comes late comes by itself, and what fails late never comes', async () => {
  const { orders, payments } = sdk(simulator.url);
  for (const [outcome, status] of [
    ['late', 'COMPLETED'],
    ['late_fail', 'DECLINED'],
  ] as const) {
    const { id, page } = await makeOrder(`inv-8 ${outcome}`);
    await fetch(page, { method: 'POST', body: new URLSearchParams({ outcome, seconds: '3600' }), redirect: 'manual' });
    const { result } = await orders.captureOrder({ id, paypalRequestId: `c-8 ${outcome}` });
    const capture = result.purchaseUnits?.[0]?.payments?.captures?.[0];
    assert.ok(capture?.id);
    assert.equal(capture.status, 'PENDING');
    await fetch(`${simulator.url}/_control`, { method: 'POST', body: JSON.stringify({ advanceMs: 3_600_000 }) });
    assert.equal((await payments.getCapturedPayment({ captureId: capture.id })).result.status, status);
  }
});

test('the certificate is X.509 that others read, signed by its own key, for the time it was asked for', async () => {
  const wishes = {
    commonName: 'name.example',
    notBefore: new Date('2026-01-02T03:04:05Z'),
    notAfter: new Date('2051-06-07T08:09:10Z'),
  };
  const { certificate } = await makeSigner(wishes);
  const read = new X509Certificate(certificate);
  assert.ok(read.verify(read.publicKey));
  assert.ok(read.checkIssued(read));
  assert.match(read.subject, /^CN=name\.example$/m);
  assert.deepEqual([read.validFromDate, read.validToDate], [wishes.notBefore, wishes.notAfter]);
  assert.equal(read.publicKey.asymmetricKeyDetails?.modulusLength, 2_048);
});

test('orders, captures, tokens, the key and webhooks that are owed survive a restart', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sapar-paypal-'));
  const heard: { body: string; cert: string | undefined }[] = [];
  const shop = await startServer({
    routes: {
      'POST /hook': ({ body: sent, headers }) => {
        heard.push({ body: sent.toString(), cert: String(headers['paypal-cert-url']) });
        return json(200, {});
      },
    },
  });
  const settings = {
    journal: join(folder, 'paypal.jsonl'),
    clientId: 'client',
    clientSecret: 'secret',
    publicUrl: 'http://paypal.example',
    webhook: { url: `${shop.url}/hook`, id: 'WEBHOOK1' },
  };
  const first = await startPaypal(settings);
  await fetch(`${first.url}/_control`, { method: 'POST', body: JSON.stringify({ delayMs: 60_000 }) });
  const { orders } = sdk(first.url);
  const id = (await orders.createOrder({ body: body('inv-7'), paypalRequestId: 'o-7' })).result.id ?? '';
  await fetch(`${first.url}/_control/orders/${id}/approve`, { method: 'POST' });
  await orders.captureOrder({ id, paypalRequestId: 'c-7' });
  await first.close();
  assert.equal(heard.length, 0);

  const second = await startPaypal(settings);
  await second.quiet();
  assert.deepEqual(heard.map(({ body: sent }) => JSON.parse(sent).event_type).sort(), [
    'CHECKOUT.ORDER.APPROVED',
    'PAYMENT.CAPTURE.COMPLETED',
  ]);
  const later = sdk(second.url);
  assert.equal((await later.orders.getOrder({ id })).result.status, 'COMPLETED');
  assert.equal((await later.orders.captureOrder({ id, paypalRequestId: 'c-7' })).statusCode, 200);
  const path = new URL(heard[0]?.cert ?? '').pathname;
  assert.ok(new X509Certificate(await (await fetch(`${second.url}${path}`)).text()));
  await second.close();
  await shop.close();
  rmSync(folder, { recursive: true });
});
