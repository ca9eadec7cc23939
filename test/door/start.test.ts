import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { root } from '../../src/config.ts';
import { type App, startApp } from '../support/app.ts';

// The program as a newcomer meets it: started, dialled, killed, started again.

let app: App;
const NUMBER = '+77011234567';
const msisdn = NUMBER.slice(1);

before(async () => {
  app = await startApp({ env: { LOG_LEVEL: 'trace' } });
});
after(async () => {
  await app.close();
});

async function dial(step: { session: string; text: string; operator?: string; number?: string }): Promise<string> {
  const { session, text, operator = 'kcell', number = NUMBER } = step;
  const form = new URLSearchParams({
    sessionId: session,
    serviceCode: '*111#',
    phoneNumber: number,
    networkCode: '40102',
    text,
  });
  const response = await fetch(String(app.ussd[operator]), { method: 'POST', body: form });
  assert.equal(response.status, 200);
  return response.text();
}

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${app.url}${path}`, { headers: { authorization: `Bearer ${app.partner.key}` } });
  return { status: response.status, text: await response.text() };
}

async function balance(): Promise<string> {
  const { text } = await get(`/v1/subscribers/${msisdn}/balance`);
  return JSON.parse(text).buckets?.[0]?.amount ?? 'none';
}

const pinsOf = (operator: string): string[] =>
  app.vouchers.filter((card) => card.operator === operator).map((card) => card.pin);

test('one JSON line tells a script all it needs: addresses with their secrets, twenty live cards an operator, a key', () => {
  assert.equal(app.ready, true);
  for (const operator of ['kcell', 'beeline', 'tele2']) {
    assert.match(String(app.ussd[operator]), new RegExp(`^${app.url}/ussd/at/${operator}/[\\w-]{24,}$`));
    assert.ok(pinsOf(operator).length >= 20);
    for (const pin of pinsOf(operator)) assert.match(pin, /^\d{16}$/);
  }
  assert.match(app.partner.key, /^sapar_/);
});

test('a card is redeemed by dialling, once, however often and in parallel the steps are repeated', async () => {
  const [pin = ''] = pinsOf('kcell');
  const card = app.vouchers.find((one) => one.pin === pin);
  assert.match(await dial({ session: 'a', text: '' }), /^CON /);
  assert.match(await dial({ session: 'a', text: pin }), /^CON /);
  const answers = await Promise.all(Array.from({ length: 20 }, () => dial({ session: 'a', text: `${pin}*1` })));
  for (const answer of answers) assert.match(answer, /^END /);
  assert.equal(await balance(), card?.amount);
  await Promise.all(Array.from({ length: 20 }, (_, index) => dial({ session: `b${index}`, text: pin })));
  assert.equal(await balance(), card?.amount);
});

test("a phone in the terminal, behind the demo's SMS centre, redeems a card over SMPP", async () => {
  const settings = JSON.parse(readFileSync(join(app.dataDir, 'simulators', 'settings.json'), 'utf8'));
  const pin = String(pinsOf('kcell').at(-1));
  const where = ['simulate', 'phone', '--at', settings.SAPAR_PHONES_URL, '--number', '77011234568'];
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['src/main.ts', ...where, '*111#', pin, '1'], { cwd: root });
  assert.match(stdout, /Зачислено/);
  const figures = await get('/metrics');
  assert.match(figures.text, /sapar_gateway_up\{gateway="kcell-demo",protocol="smpp"\} 1/);
});

test('killed with -9, all of it, it is back within five seconds and has lost and doubled nothing', async () => {
  const [pin = '', second = ''] = pinsOf('kcell');
  const before = await balance();
  const postmaster = Number(readFileSync(join(app.dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(app.pid, 'SIGKILL');
  process.kill(postmaster, 'SIGKILL');
  const { dataDir } = app;
  app = await startApp({ dataDir, env: { LOG_LEVEL: 'trace' } });
  assert.ok(app.readyAfterMs < 5_000, `ready after ${Math.round(app.readyAfterMs)} ms`);
  assert.equal(await balance(), before);
  assert.ok(!pinsOf('kcell').includes(pin), 'a used card is not offered again');
  await dial({ session: 'c', text: pin });
  assert.equal(await balance(), before, 'the same card again moves nothing');
  assert.ok(pinsOf('kcell').includes(second));
  assert.match(await dial({ session: 'd', text: second }), /^END /);
  assert.notEqual(await balance(), before);
});

test('two platforms with different folders and ports live side by side', async () => {
  const other = await startApp();
  try {
    assert.notEqual(other.url, app.url);
    const response = await fetch(`${other.url}/v1/subscribers/${msisdn}/balance`, {
      headers: { authorization: `Bearer ${other.partner.key}` },
    });
    assert.equal(response.status, 404, 'the other one knows nothing of this number');
  } finally {
    await other.close();
  }
});

test('health, metrics and the description are there; a wrong gateway secret is a plain 404', async () => {
  assert.equal((await get('/health')).status, 200);
  const metrics = await get('/metrics');
  assert.match(metrics.text, /sapar_http_requests_total/);
  assert.doesNotMatch(metrics.text, /7701|sapar_[0-9a-f]{16}_/);
  assert.equal((await get('/openapi.json')).status, 200);
  const wrong = await fetch(`${app.url}/ussd/at/kcell/wrong-secret-wrong-secret`, {
    method: 'POST',
    body: new URLSearchParams({ text: '' }),
  });
  assert.equal(wrong.status, 404);
});

test('whatever went through, the log at its most talkative holds no PIN, number, key or gateway secret', async () => {
  const [canary = ''] = pinsOf('tele2');
  await dial({ session: 'canary', text: canary, operator: 'tele2', number: '+77079998877' });
  await fetch(`${app.url}/v1/vouchers/redemptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${app.partner.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ msisdn: '+77079998877', pin: '9876543210987654' }),
  });
  await get('/v1/subscribers/77079998877/balance');
  await get('/v1/subscribers/77079998877/nothing?pin=9876543210987654');
  await delay(200);
  for (const line of app.log().trim().split('\n')) assert.ok(JSON.parse(line).time, line);
  const log = app.log() + readFileSync(join(app.dataDir, 'postgres.log'), 'utf8');
  const secrets = [
    canary,
    '9876543210987654',
    '77079998877',
    '79998877',
    msisdn,
    app.partner.key.slice(-20),
    ...Object.values(app.ussd).map((url) => url.split('/').at(-1) ?? ''),
  ];
  for (const secret of secrets)
    assert.ok(
      !log.includes(secret),
      `the log holds ${secret.slice(0, 4)}…: ${log.slice(Math.max(0, log.indexOf(secret) - 200), log.indexOf(secret) + 40)}`,
    );
});

test('a database that is away is said plainly, and the platform heals by itself', async () => {
  const postmaster = Number(readFileSync(join(app.dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  process.kill(postmaster, 'SIGKILL');
  const key = `after-${process.pid}`;
  const credit = () =>
    fetch(`${app.url}/v1/topups`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${app.partner.key}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify({ msisdn: '77051112233', amount: '100.00', currency: 'KZT' }),
    });
  let response = await credit();
  for (let tries = 0; response.status === 503 && tries < 100; tries += 1) {
    assert.match(response.headers.get('content-type') ?? '', /problem\+json/);
    assert.ok(response.headers.get('retry-after'));
    await delay(100);
    response = await credit();
  }
  assert.equal(response.status, 201);
  const again = await credit();
  assert.equal(again.headers.get('idempotent-replayed'), 'true');
});

test('a port that is taken is said in one sentence', async () => {
  const { port } = new URL(app.url);
  await assert.rejects(startApp({ env: { PORT: port }, port }), /port \d+ is taken: choose another/);
});

after(() => rmSync(join(app.dataDir), { recursive: true, force: true }));
