import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { maskAddress, sendStep } from './gateway.server.ts';

test('a shown address keeps the door and hides the key', () => {
  const masked = maskAddress('https://u:p@gw.example/ussd/at/kcell/s3cr3t-s3cr3t?token=s3cr3t');
  assert.equal(masked, 'https://gw.example/ussd/at/kcell/••••••••?••••••••');
  assert.ok(!maskAddress('http://gw.example/long-secret-in-the-middle/end').includes('secret'));
});

const step = { session: 'demo-1', serviceCode: '*111#', msisdn: '77011234567', text: '1*2' };

test('a step is posted as an aggregator posts it', async (t) => {
  let body = '';
  const server = createServer(async (request, response) => {
    for await (const part of request) body += part;
    response.end('CON Hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const exchange = await sendStep({ ...step, gateway: `http://127.0.0.1:${port}/ussd/at/kcell/secret` });
  assert.deepEqual(Object.fromEntries(new URLSearchParams(body)), {
    sessionId: 'demo-1',
    serviceCode: '*111#',
    phoneNumber: '+77011234567',
    networkCode: '99999',
    text: '1*2',
  });
  assert.equal(exchange.form, body);
  assert.ok(exchange.reply.kind === 'answered' && exchange.reply.body === 'CON Hello');
});

test('a gateway that cannot be reached is silent, not failed', async () => {
  const exchange = await sendStep({ ...step, gateway: 'http://127.0.0.1:9/ussd/at/kcell/secret' });
  assert.equal(exchange.reply.kind, 'silent');
});
