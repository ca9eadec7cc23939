import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { issueVouchers, newNumber, openTestPlatform, type TestPlatform } from '../../../test/support/platform.ts';
import { parsePin } from '../../vouchers/index.ts';
import { buildCli, type CliApp, runCli } from './index.ts';

let platform: TestPlatform;

before(async () => {
  platform = await openTestPlatform();
});
after(() => platform.close());

async function sapar(words: string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = { stdin: Readable.from([input]) as unknown as NodeJS.ReadStream, stdout, stderr, env: {} };
  // Of all that commands may call, these need no more.
  const open = async () => ({ ...platform, close: async () => undefined }) as unknown as CliApp;
  const cli = { open, io, catalogue: () => platform.catalogue } as Parameters<typeof buildCli>[0];
  const code = await runCli(buildCli(cli), words, io);
  stdout.end();
  stderr.end();
  return { code, out: await textOf(stdout), err: await textOf(stderr) };
}

test('a card that staff redeem is recorded under their name, with its credit; one that its holder redeems is not', async () => {
  const { pins, firstSerial } = await issueVouchers(platform, {
    operator: 'kcell',
    values: [{ unit: 'KZT', amount: 500_00n }],
    count: 2,
  });
  const target = newNumber();
  const words = ['vouchers', 'redeem', '--number', target, '--as', 'dora'];
  const first = await sapar(words, pins[0]);
  assert.equal(first.code, 0, first.err);
  const again = await sapar([...words.slice(0, -1), 'emil'], pins[0]);
  assert.match(again.out, /already_credited/);
  const asked = { target, caller: target, channel: 'api', gateway: undefined, operator: undefined } as const;
  await platform.topups.redeem({ ...asked, pin: parsePin(pins[1] ?? ''), apiKey: undefined });
  const rows = await platform.sql(
    `select actor, subject, details ->> 'event' = event::text as is_event from audit_entry, voucher_end
     where action = 'voucher.redeem' and serial = $1`,
    [firstSerial],
  );
  assert.deepEqual(rows, [{ actor: 'dora', subject: `serial:${firstSerial}`, is_event: true }]);
});

test('a printer checks a manifest with the public key and nothing of ours', async () => {
  const { batches, approvals, clock, dataDir } = platform;
  const drafted = await batches.create({
    operator: 'kcell',
    values: [{ unit: 'KZT', amount: 500_00n, validDays: undefined }],
    count: 3,
    expiresAt: new Date(clock.now().getTime() + 86_400_000),
    recipients: [await identityToRecipient(await generateIdentity())],
    maker: 'alice',
    note: 'весна 春',
  });
  await approvals.vote({ id: drafted.approval, checker: 'bob' });
  const { manifestFile } = await batches.generate({ batch: drafted.batch.id, dir: dataDir, actor: 'alice' });
  const { out: key } = await sapar(['vouchers', 'manifest-key']);
  const { signature, ...signed } = JSON.parse(readFileSync(manifestFile, 'utf8'));
  const isTrue = (content: unknown): boolean =>
    verify(null, Buffer.from(JSON.stringify(sorted(content))), key, Buffer.from(signature, 'base64'));
  assert.ok(isTrue(signed));
  assert.ok(!isTrue({ ...signed, count: 4 }));
  assert.doesNotMatch(key, /PRIVATE/);
});

/** What `jq --sort-keys` does. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, sorted(inner)]),
  );
}
