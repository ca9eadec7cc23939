import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { openTestPlatform, type TestPlatform } from '../../../test/support/platform.ts';
import { parseMsisdn } from '../../base/msisdn.ts';
import { buildCli, type CliApp, runCli } from './index.ts';

const number = '+7 701 555 4488';
const msisdn = parseMsisdn(number);
let platform: TestPlatform;

before(async () => {
  platform = await openTestPlatform();
});
after(() => platform.close());

async function sapar(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = { stdin: process.stdin, stdout, stderr, env: {} };
  // Of all that commands may call, these need the text messages alone.
  const open = async () => ({ sms: platform.sms, close: async () => undefined }) as unknown as CliApp;
  const code = await runCli(
    buildCli({ open, io, catalogue: () => platform.catalogue } as Parameters<typeof buildCli>[0]),
    ['sms', ...words],
    io,
  );
  stdout.end();
  stderr.end();
  return { code, out: await textOf(stdout), err: await textOf(stderr) };
}

test('what waits is told by operator and state', async () => {
  assert.equal((await sapar()).out, 'none\n');
  await platform.sms.answer({ to: msisdn, operator: 'kcell', text: 'Balance KZT 0' });
  assert.match((await sapar('waiting')).out, /kcell +owed +1 /);
});

test("a number's messages are shown without their words and without the number", async () => {
  const { out } = await sapar('show', number);
  assert.match(out, /notices +wanted/);
  assert.match(out, /answer +owed +0/);
  const { out: json } = await sapar('show', number, '--json');
  for (const shown of [out, json]) assert.doesNotMatch(shown, /555|Balance/);
});

test('staff stop and start notices for a number, with a reason and a name', async () => {
  const by = ['--reason', 'asked at the counter', '--as', 'dana'];
  assert.equal((await sapar('stop', number, '--reason', 'x')).code, 2);
  assert.match((await sapar('stop', number, ...by)).out, /gets no notices\.$/m);
  assert.match((await sapar('stop', number, ...by)).out, /as it was before/);
  assert.match((await sapar('show', number)).out, /notices +stopped since/);
  assert.match((await sapar('start', number, ...by)).out, /gets notices\.$/m);
});

test('a notice that did not arrive is owed again; an answer is not', async () => {
  const by = ['--reason', 'centre was misconfigured', '--as', 'dana'];
  const [answer] = await platform.sql<{ id: bigint }>(
    `update sms set state = 'failed', next_at = null, text = null, number_sealed = null returning id`,
  );
  const { code, err } = await sapar('retry', String(answer?.id), ...by);
  assert.equal(code, 1);
  assert.match(err, /\[sms\.not_found\]/);
  await platform.sql(`update sms set kind = 'topup_credited', subscriber = 1, event = gen_random_uuid()`);
  assert.equal((await sapar('retry', String(answer?.id), ...by)).code, 0);
  assert.match((await sapar('waiting')).out, /kcell +owed +1 /);
  const trail = await platform.sql<{ action: string; actor: string }>(
    `select action, actor from audit_entry where action = 'sms.retry'`,
  );
  assert.deepEqual(trail, [{ action: 'sms.retry', actor: 'dana' }]);
});
