import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { newNumber, newPartner, openTestPlatform } from '../test/support/platform.ts';
import { generateKeyFile } from './base/keyring.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sapar-keys-'));
  folders.push(folder);
  return folder;
}

const STARTERS = 4;
const ROUNDS = 20;

/** In each round waits until all are there, so that all look for the file while it is not. */
const starter = `
  const { workerData, parentPort } = require('node:worker_threads');
  import(workerData.module).then(({ readKeyring }) => {
    const gate = new Int32Array(workerData.gate);
    const keys = workerData.keyFiles.map((keyFile, round) => {
      Atomics.add(gate, round, 1);
      while (Atomics.load(gate, round) < ${STARTERS});
      return readKeyring({ keyFile }).numberIndexKey.export().toString('hex');
    });
    parentPort.postMessage(keys);
  });
`;

test('processes that start at once on no key file all work with the same keys', async () => {
  const folder = newFolder();
  const keyFiles = Array.from({ length: ROUNDS }, (_, round) => join(folder, String(round), 'keys.json'));
  const gate = new SharedArrayBuffer(4 * ROUNDS);
  const workerData = { module: new URL('keys.ts', import.meta.url).href, gate, keyFiles };
  const start = (): Promise<string[]> =>
    new Promise((resolve, reject) => {
      new Worker(starter, { eval: true, workerData }).once('message', resolve).once('error', reject);
    });
  const [first, ...others] = await Promise.all(Array.from({ length: STARTERS }, start));
  for (const keys of others) assert.deepEqual(keys, first);
  for (const keyFile of keyFiles) assert.equal(statSync(keyFile).mode & 0o777, 0o600);
});

test('a database with a number in it is not opened with other keys, and is again with its own', async () => {
  const dataDir = newFolder();
  const keyFile = join(dataDir, 'keys.json');
  const platform = await openTestPlatform({ dataDir });
  const { id } = await newPartner(platform, { float: 1_000_00n });
  await platform.topups.credit({
    partner: id,
    key: 'one',
    msisdn: newNumber(),
    amountMinor: 100_00n,
    operator: undefined,
  });
  await platform.close();
  const own = readFileSync(keyFile, 'utf8');
  rmSync(keyFile);
  await assert.rejects(openTestPlatform({ dataDir }), /keys\.json is not the key file of this database/);
  writeFileSync(keyFile, own);
  await (await openTestPlatform({ dataDir })).close();
});

test('cards that nobody has used yet are enough to tell, and their PIN key is not missed in silence', async () => {
  const dataDir = newFolder();
  const keyFile = join(dataDir, 'keys.json');
  const platform = await openTestPlatform({ dataDir });
  const { batches, approvals, clock } = platform;
  const drafted = await batches.create({
    operator: 'kcell',
    values: [{ unit: 'KZT', amount: 500_00n, validDays: undefined }],
    count: 5,
    expiresAt: new Date(clock.now().getTime() + 86_400_000),
    recipients: [await identityToRecipient(await generateIdentity())],
    maker: 'alice',
  });
  await approvals.vote({ id: drafted.approval, checker: 'bob' });
  await batches.generate({ batch: drafted.batch.id, dir: dataDir, actor: 'alice' });
  await platform.close();
  const own = readFileSync(keyFile, 'utf8');
  writeFileSync(keyFile, generateKeyFile());
  await assert.rejects(openTestPlatform({ dataDir }), /is not the key file of this database/);
  const [pinKey] = JSON.parse(own).pinKeys;
  writeFileSync(keyFile, JSON.stringify({ ...JSON.parse(own), pinKeys: [{ ...pinKey, id: 2 }] }));
  await assert.rejects(openTestPlatform({ dataDir }), /has no PIN key 1, which cards of batch 1 need/);
  writeFileSync(keyFile, own);
  await (await openTestPlatform({ dataDir })).close();
});
