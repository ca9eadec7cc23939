import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { present } from '../../src/base/assert.ts';
import { root } from '../../src/config.ts';
import { type App, startApp } from '../support/app.ts';

const secret = 'an-aggregators-secret-0123456789';
const folder = mkdtempSync(join(tmpdir(), 'sapar-ussd-http-'));
let app: App;

before(async () => {
  const path = join(folder, 'gateways.yaml');
  writeFileSync(
    path,
    "http:\n  - { id: hubtel-kcell, operator: kcell, language: en, protocol: hubtel, secrets: ['env:HUBTEL_SECRET'] }\n",
  );
  app = await startApp({ env: { SAPAR_GATEWAYS: path, HUBTEL_SECRET: secret } });
});

after(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

async function step(type: string, text: string, sequence: number): Promise<{ Message: string; Type: string }> {
  const message = { SessionId: 'h-1', Mobile: '77017654321', ServiceCode: '111', Type: type, Message: text };
  const reply = await fetch(`${app.url}/ussd/hubtel/kcell/${secret}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...message, Sequence: sequence }),
  });
  assert.equal(reply.status, 200);
  return (await reply.json()) as { Message: string; Type: string };
}

test('an aggregator named in the gateway file redeems a card, and is shown to staff', async () => {
  const card = present(
    app.vouchers.find(({ operator, amount }) => operator === 'kcell' && amount === '1000.00'),
    'the demo has cards',
  );
  assert.match((await step('Initiation', '*111#', 1)).Message, /^Enter the card code/);
  assert.match((await step('Response', card.pin, 2)).Message, /Top up this number\?/);
  const last = await step('Response', '1', 3);
  assert.equal(last.Type, 'Release');
  assert.match(last.Message, /^Credited KZT 1,000/);

  const list = ['src/main.ts', 'gateways', 'list', '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, list, {
    cwd: root,
    env: { ...process.env, SAPAR_DATA_DIR: app.dataDir },
  });
  const [shown] = JSON.parse(stdout);
  assert.deepEqual(
    [shown.id, shown.protocol, shown.operator, shown.state],
    ['hubtel-kcell', 'http', 'kcell', 'bound'],
    stdout,
  );
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  assert.match(metrics, /sapar_gateway_messages_total\{[^}]*gateway="hubtel-kcell"[^}]*\} /);
  for (const told of [app.log(), metrics, stdout])
    for (const hidden of [secret, card.pin, '77017654321']) assert.ok(!told.includes(hidden), 'nothing is told of it');
});
