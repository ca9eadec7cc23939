import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text as textOf } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type App, startApp } from '../support/app.ts';

// A kiosk and a bank as a newcomer tries them: programs of their own against the platform as `npm start` runs it.

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const kiosk = fileURLToPath(new URL('../../simulators/agents/kiosk.ts', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'sapar-agents-door-'));
let app: App;

before(async () => {
  app = await startApp({ env: { LOG_LEVEL: 'info' } });
});
after(async () => {
  await app.close();
  rmSync(root, { recursive: true, force: true });
});

function sapar(...args: string[]): Promise<{ code: number; out: string }> {
  const env = { ...process.env, SAPAR_DATA_DIR: app.dataDir, SAPAR_AS: 'alice', LOG_LEVEL: 'error' };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), out: `${stdout}${stderr}` }),
    );
  });
}

const simulate = (program: 'kiosk' | 'kaspi', ...args: string[]) =>
  sapar('simulate', program, ...args, '--url', `${app.url}/${program === 'kiosk' ? 'osmp' : 'kaspi'}/demo-${program}`);

async function balance(number: string): Promise<string> {
  const response = await fetch(`${app.url}/v1/subscribers/${number}/balance`, {
    headers: { authorization: `Bearer ${app.partner.key}` },
  });
  const { buckets } = (await response.json()) as { buckets: { amount: string }[] };
  return buckets[0]?.amount ?? '';
}

test('a kiosk checks, takes the money and pays; its line may break, and it is still one credit', async () => {
  const register = join(root, 'register.csv');
  const paid = await simulate('kiosk', '7011234567', '500', '--hang-ups', '2', '--copies', '5', '--register', register);
  assert.equal(paid.code, 0, paid.out);
  assert.match(paid.out, /check 7011234567 500: 0 \(OK\)\n {2}Абонент: 701\*\*\*4567\n/);
  assert.match(
    paid.out,
    /hung up before the answer\n.*hung up before the answer\n.*: 0, their number \d+ \(OK\)\nPaid, after 3 requests\.\n$/,
  );
  assert.equal(await balance('77011234567'), '500.00');
  const form = await simulate('kiosk', '77011234567', '250.50', '--post', '--no-check', '--register', register);
  assert.equal(form.code, 0, form.out);
  assert.equal(await balance('77011234567'), '750.50');
  const imported = await sapar('reconcile', 'import', 'agent:demo-kiosk', register);
  assert.match(imported.out, /lines +2\n[\s\S]*open +0\n/, readFileSync(register, 'utf8'));
});

test("a bank's app pays over the other protocol", async () => {
  const paid = await simulate('kaspi', '7059876543', '1000');
  assert.equal(paid.code, 0, paid.out);
  assert.match(paid.out, /Абонент: 705\*\*\*6543\n.*: 0, their number \d+ \(OK\)\nPaid, after 1 request\.\n$/);
  assert.equal(await balance('77059876543'), '1000.00');
});

test('who is turned away keeps the money, who is refused gets it back, and the exit code says so', async () => {
  const away = await simulate('kiosk', '9161234567', '500');
  assert.deepEqual([away.code, away.out.split('\n').at(-2)], [1, 'Turned away; the payer keeps the money.']);
  const refused = await simulate('kaspi', '7011234567', '1', '--no-check');
  assert.deepEqual(
    [refused.code, refused.out.split('\n').at(-2)],
    [1, 'Refused for good; the payer gets the money back.'],
  );
});

test('a kiosk that stays pays what it is asked for at its control address, and misbehaves on request', async () => {
  const args = [kiosk, '--control', '0', '--url', `${app.url}/osmp/demo-kiosk`];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  try {
    const [first] = await once(lines, 'line');
    const { url } = JSON.parse(String(first));
    const post = async (path: string, body: object): Promise<{ status: number; said: Record<string, unknown> }> => {
      const response = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
      return { status: response.status, said: (await response.json()) as Record<string, unknown> };
    };
    assert.equal((await post('/_control', { hangUps: 'often' })).status, 400);
    assert.equal((await post('/_control', { hangUps: 1, copies: 3 })).status, 200);
    const paid = await post('/_control/payments', { account: '7073334455', sum: '300', txnId: '555' });
    assert.deepEqual([paid.said.asked, paid.said.txnId], [2, '555']);
    const again = await post('/_control/payments', { account: '7073334455', sum: '300', txnId: '555' });
    assert.deepEqual(again.said.told, paid.said.told, 'under the same name it is the same payment');
    assert.equal(((await (await fetch(`${url}/_control/payments`)).json()) as unknown[]).length, 2);
    assert.equal(await balance('77073334455'), '300.00');
  } finally {
    child.kill('SIGTERM');
  }
});

test('somebody at the machine is asked for number and sum', async () => {
  const child = spawn(process.execPath, [kiosk, '--url', `${app.url}/osmp/demo-kiosk`], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end('7074445566\n150\n');
  const out = await textOf(child.stdout);
  assert.match(out, /Paid, after 1 request\.\n$/);
  assert.equal(await balance('77074445566'), '150.00');
});

test('no log holds a number or a sum that was paid', () => {
  const log = app.log();
  for (const secret of ['7011234567', '701***4567', '705987', '250.50']) assert.ok(!log.includes(secret), secret);
});
