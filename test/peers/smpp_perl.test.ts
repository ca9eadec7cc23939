import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { present } from '../../src/base/assert.ts';
import { decodeGsm7, encodeGsm7 } from '../../src/base/gsm7.ts';
import { audit } from '../../src/reports/index.ts';
import { type Capture, startCapture } from '../support/capture.ts';
import { openTestGateways, type TestGateways, until } from '../support/gateways.ts';
import { newNumber, openTestPlatform, type TestPlatform } from '../support/platform.ts';
import { issueVouchers } from '../support/vouchers.ts';

// Debian's Net::SMPP as the operator's gateway: another reading of the same standard, in another language.

let platform: TestPlatform;
let gateways: TestGateways;
let perl: ChildProcess;
let port: number;
let capture: Capture;
const lines: string[] = [];

before(async () => {
  platform = await openTestPlatform();
  port = await freePort();
  capture = await startCapture(`tcp port ${port}`);
  perl = spawn('perl', [fileURLToPath(new URL('smpp_gateway.pl', import.meta.url)), String(port)]);
  createInterface({ input: present(perl.stdout, 'it is piped') }).on('line', (line) => lines.push(line));
  perl.stderr?.on('data', (chunk) => lines.push(`stderr ${chunk}`));
  await next(/^listening/);
  gateways = await openTestGateways(platform, {
    smpp: [
      {
        ...{ id: 'perl', operator: 'kcell', language: 'en', host: '127.0.0.1', port },
        ...{ systemId: 'sapar', password: 'secret', systemType: 'USSD', codes: ['*111#'] },
      },
    ],
  });
  await next(/^bound USSD/);
});

after(async () => {
  await gateways.close();
  await next(/^unbound/);
  perl.stdin?.end('\n');
  capture.close();
  assert.deepEqual(gateways.errors, []);
  const broken = (await audit(platform.db)).filter(({ ok }) => !ok);
  await platform.close();
  assert.deepEqual(broken, []);
});

async function next(pattern: RegExp): Promise<string> {
  let found: string | undefined;
  await until(`Net::SMPP says ${pattern}: ${lines.slice(-3).join(' | ')}`, () => {
    const at = lines.findIndex((line) => pattern.test(line));
    if (at >= 0) [found] = lines.splice(at, 1);
    return at >= 0;
  });
  return present(found, 'it was found');
}

type Said = { readonly number: string; readonly operation: number; readonly session: string; readonly text: string };

/** Sends one step and answers the screen that comes: its operation, session and text as Net::SMPP has read them. */
async function step({ number, operation, session, text }: Said) {
  const hex = Buffer.from(present(encodeGsm7(text), 'it is plain')).toString('hex');
  perl.stdin?.write(`deliver ${number} ${operation} ${session} ${hex}\n`);
  const answer = await next(/^answer 80000005/);
  assert.match(answer, / 0$/, 'what is delivered is taken');
  const [, , op, its, coding, octets = ''] = (await next(new RegExp(`^screen ${number}`))).split(' ');
  const body = Buffer.from(octets, 'hex');
  const shown = coding === '8' ? body.swap16().toString('utf16le') : decodeGsm7(body);
  return { operation: Number(op), session: its, text: shown };
}

test('a whole redemption through Net::SMPP, with the operations and sessions of the standard', async () => {
  const number = newNumber();
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: 500_00n }], count: 1 });
  const menu = await step({ number, operation: 1, session: '2a00', text: '*111#' });
  assert.deepEqual([menu.operation, menu.session], [2, '2a00']);
  const asked = await step({ number, operation: 18, session: '2a02', text: String(pins[0]) });
  assert.deepEqual([asked.operation, asked.session], [2, '2a02']);
  const done = await step({ number, operation: 18, session: '2a04', text: '1' });
  assert.deepEqual([done.operation, done.session], [17, '2a05'], 'the last screen carries the end bit');
  assert.match(done.text, /500/);
  assert.equal((await platform.subscribers.balances(number))[0]?.amount, '500.00');
});

test('a redemption in Cyrillic is UCS-2 on the wire', async () => {
  const number = newNumber();
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: 1_000_00n }], count: 1 });
  await step({ number, operation: 1, session: '2b00', text: '*111#' });
  await step({ number, operation: 18, session: '2b02', text: '9' });
  const russian = await step({ number, operation: 18, session: '2b04', text: '3' });
  assert.match(russian.text, /[А-я]{4}/);
  await step({ number, operation: 18, session: '2b06', text: String(pins[0]) });
  const done = await step({ number, operation: 18, session: '2b08', text: '1' });
  assert.match(done.text, /1.?000/);
  assert.match(done.text, /[А-я]{4}/);
  assert.equal((await platform.subscribers.balances(number))[0]?.amount, '1000.00');
});

test('each asks whether the other is there, and is answered', async () => {
  await next(/^enquired/);
  perl.stdin?.write('enquire\n');
  await next(/^answer 80000015 \d+ 0/);
});

test('a connection that the gateway closes is made anew, and a dialogue goes on over it', async () => {
  const number = newNumber();
  const { pins } = await issueVouchers(platform, { values: [{ unit: 'KZT', amount: 500_00n }], count: 1 });
  await step({ number, operation: 1, session: '2c00', text: '*111#' });
  await step({ number, operation: 18, session: '2c02', text: String(pins[0]) });
  perl.stdin?.write('drop\n');
  await next(/^bound/);
  const done = await step({ number, operation: 18, session: '2c04', text: '1' });
  assert.equal(done.operation, 17);
  assert.equal((await platform.subscribers.balances(number))[0]?.amount, '500.00');
});

test('Wireshark reads all of it as SMPP, and finds nothing malformed', async (context) => {
  if (capture.refused !== undefined) {
    context.skip(`nothing could be captured: ${capture.refused}`);
    return;
  }
  await capture.stop();
  const decoded = ['-d', `tcp.port==${port},smpp`];
  assert.equal(await capture.dissect([...decoded, '-Y', '_ws.malformed || _ws.expert.severity == error']), '');
  const fields = ['-T', 'fields', '-e', 'smpp.command_id', '-e', 'smpp.ussd_service_op'];
  const read = await capture.dissect([...decoded, '-Y', 'smpp', ...fields]);
  for (const command of ['0x00000009', '0x00000004', '0x80000005', '0x80000015'])
    assert.match(read, new RegExp(command));
  assert.match(read, /0x00000004\t(2|0x02)/);
  assert.match(read, /0x00000004\t(17|0x11)/);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
