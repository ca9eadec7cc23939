import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Smsc, startSmsc } from '../../simulators/smsc/smsc.ts';
import { type App, startApp } from '../support/app.ts';

// The program as its user starts it, bound to an SMS centre, and a phone that writes to it.

const folder = mkdtempSync(join(tmpdir(), 'sapar-sms-'));
let smsc: Smsc;
let app: App;

before(async () => {
  smsc = await startSmsc({ systemId: 'sapar', password: 'secret', receipts: { id: 'decimal', tlvs: false } });
  const file = join(folder, 'gateways.yaml');
  const bind = `host: 127.0.0.1, port: ${smsc.port}, systemId: sapar, password: secret`;
  const row = `{ id: kcell-main, operator: kcell, ${bind}, use: [ussd, sms], codes: ['*111#'], sender: '111' }`;
  writeFileSync(file, `smpp:\n  - ${row}\n`, { mode: 0o600 });
  app = await startApp({ env: { SAPAR_GATEWAYS: file, SAPAR_DEMO_DATA: 'off' } });
});
after(async () => {
  await app.close();
  await smsc.close();
  rmSync(folder, { recursive: true, force: true });
});

type Message = { readonly from: string; readonly text: string };

async function inbox(msisdn: string): Promise<Message[]> {
  const response = await fetch(`${smsc.url}/phones/${msisdn}/inbox`);
  return (await response.json()) as Message[];
}

/** Writes until the centre has somebody to bring it to, and answers what comes back. */
async function write(msisdn: string, text: string): Promise<Message | undefined> {
  const seen = (await inbox(msisdn)).length;
  for (const end = performance.now() + 20_000; performance.now() < end; await delay(50)) {
    const response = await fetch(`${smsc.url}/phones/${msisdn}/sms`, {
      method: 'POST',
      body: JSON.stringify({ text }),
    });
    const { answers } = (await response.json()) as { answers: (number | null)[] };
    if (answers.every((status) => status === 0)) break;
  }
  for (const end = performance.now() + 20_000; performance.now() < end; await delay(50)) {
    const messages = await inbox(msisdn);
    if (messages.length > seen) return messages.at(-1);
  }
  return undefined;
}

test('a phone that writes is answered from the sender that the gateway file names', async () => {
  assert.deepEqual(
    await write('77015550001', 'баланс').then((message) => message && [message.from, message.text.slice(0, 11)]),
    ['111', 'Баланс 0 ₸.'],
  );
  assert.match((await write('77015550001', 'STOP'))?.text ?? '', /СТАРТ/);
});

test('what became of a message is in the figures, and nothing of what was said is in the log', async () => {
  let figures = '';
  for (const end = performance.now() + 20_000; performance.now() < end; await delay(100)) {
    figures = await (await fetch(`${app.url}/metrics`)).text();
    if (/sapar_sms_moves_total\{operator="kcell",state="delivered"\} 2/.test(figures)) break;
  }
  assert.match(figures, /sapar_sms_moves_total\{operator="kcell",state="delivered"\} 2/);
  assert.match(figures, /sapar_sms_commands_total\{operator="kcell",command="balance"\} 1/);
  assert.doesNotMatch(app.log(), /7015550001|баланс/i);
});
