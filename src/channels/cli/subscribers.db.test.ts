import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { newPartner, openTestPlatform, type TestPlatform } from '../../../test/support/platform.ts';
import { parseMsisdn } from '../../base/msisdn.ts';
import { Refusal } from '../../base/refusal.ts';
import { buildCli, type CliApp, runCli } from './index.ts';

const number = '+7 701 555 4477';
const msisdn = parseMsisdn(number);
let platform: TestPlatform;
let partner: bigint;
let credits = 0;

before(async () => {
  platform = await openTestPlatform();
  partner = (await newPartner(platform, { float: 10_000_00n })).id;
});
after(() => platform.close());

async function sapar(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = { stdin: process.stdin, stdout, stderr, env: {} };
  // Of all that commands may call, these need the subscribers alone.
  const open = async () => ({ subscribers: platform.subscribers, close: async () => undefined }) as unknown as CliApp;
  const code = await runCli(
    buildCli({ open, io, catalogue: () => platform.catalogue } as Parameters<typeof buildCli>[0]),
    ['subscribers', ...words],
    io,
  );
  stdout.end();
  stderr.end();
  return { code, out: await textOf(stdout), err: await textOf(stderr) };
}

const credit = () => {
  credits += 1;
  const key = `credit-${credits}`;
  return platform.topups.credit({ partner, key, msisdn, amountMinor: 500_00n, operator: 'kcell' });
};

test('a number that was never credited is said to be nobody', async () => {
  const { code, err } = await sapar('show', number);
  assert.equal(code, 1);
  assert.match(err, /\[subscriber\.not_found\]/);
});

test('show tells state, balance and movements, and never the whole number', async () => {
  const { reference } = await credit();
  const { code, out } = await sapar('show', number);
  assert.equal(code, 0);
  assert.match(out, /state +active/);
  assert.match(out, /500\.00 +KZT +keeps/);
  assert.match(out, new RegExp(`topup +500\\.00 +KZT +${reference}`));
  assert.doesNotMatch(out, /555/);
  const { out: json } = await sapar('show', number, '--json');
  const { status, buckets, movements, operator } = JSON.parse(json);
  assert.deepEqual([status, operator, movements.length], ['active', 'kcell', 1]);
  assert.deepEqual(buckets, [{ unit: 'KZT', amount: '500.00', expiresAt: null }]);
});

test('a closed number takes no credit until it is reopened; what it has stays; who did it and why is recorded once', async () => {
  assert.equal((await sapar('close', number, '--reason', 'asked for by its owner', '--as', 'alice')).code, 0);
  await assert.rejects(credit(), (error: unknown) => error instanceof Refusal && error.code === 'subscriber.closed');
  assert.match((await sapar('show', number)).out, /state +closed[\s\S]*500\.00/);
  assert.match((await sapar('close', number, '--reason', 'again', '--as', 'bob')).out, /as it was before/);
  assert.equal((await sapar('reopen', number, '--reason', 'changed mind', '--as', 'bob')).code, 0);
  await credit();
  const rows = await platform.sql(
    "select actor, action, details ->> 'reason' as reason from audit_entry where action like 'subscriber.%' order by id",
  );
  assert.deepEqual(rows, [
    { actor: 'alice', action: 'subscriber.closed', reason: 'asked for by its owner' },
    { actor: 'bob', action: 'subscriber.active', reason: 'changed mind' },
  ]);
});

for (const [what, words, code, message] of [
  ['nobody', ['close', number, '--reason', 'x'], 2, /say who you are/],
  ['no reason', ['close', number, '--as', 'alice'], 2, /--reason/],
  ['an empty reason', ['close', number, '--reason', ' ', '--as', 'alice'], 2, /Say why/],
  ['a number in the reason', ['close', number, '--reason', 'for 7701 555 4477', '--as', 'alice'], 1, /field: reason/],
  ['a number that is none', ['close', '12', '--reason', 'x', '--as', 'alice'], 2, /does not look like a phone number/],
  ['a Russian number', ['show', '+7 912 345 67 89'], 2, /Russian number/],
] as const)
  test(`${what} closes nothing`, async () => {
    const { code: ended, err } = await sapar(...words);
    assert.equal(ended, code);
    assert.match(err, message);
    assert.match((await sapar('show', number)).out, /state +active/);
  });
