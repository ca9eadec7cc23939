import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openTestPlatform, type TestPlatform } from '../../test/support/platform.ts';
import { steppedClock } from '../base/clock.ts';
import { createReconciliation } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'sapar-large-report-'));
let platform: TestPlatform;

before(async () => {
  platform = await openTestPlatform();
});
after(async () => {
  await platform.close();
  rmSync(root, { recursive: true, force: true });
});

const LINES = 100_000;
const WRONG_EACH = 1_000;
const SECOND_MS = 1_000;
const begin = Date.UTC(2026, 10, 1);

const idOf = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

/** A payment every ten seconds. */
async function sell(): Promise<void> {
  await platform.sql(
    `insert into payment (order_id, no, provider, state, external_id, capture_id, currency, amount_minor, worth_minor, captured_minor, opened_at, expires_at, captured_at)
      select ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 1, 'stripe', 'captured', 'cs_' || n, 'pi_' || n, 'KZT', 50000, 50000, 50000,
        at, at + interval '1 hour', at
      from generate_series(1, $1::int) as n, lateral (select timestamptz '2026-11-01Z' + n * interval '10 s' as at) as moment`,
    [LINES],
  );
}

async function writeReport(path: string): Promise<void> {
  const file = await open(path, 'w');
  const head =
    'balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,description,customer_facing_amount,customer_facing_currency,charge_id,payment_intent_id,payment_metadata[reference]';
  await file.write(`${head}\n`);
  let text = '';
  for (let n = 1; n <= LINES; n += 1) {
    const at = new Date(begin + n * 10 * SECOND_MS).toISOString().slice(0, 19).replace('T', ' ');
    const amount = n % WRONG_EACH === 0 ? '500.01' : '500.00';
    text += `txn_${n},${at},usd,1.00,0.30,0.70,charge,ch_${n},"Mobile top-up, in words of the usual length",${amount},kzt,ch_${n},pi_${n},${idOf(n)}/1\n`;
    if (n % 10_000 === 0) {
      await file.write(text);
      text = '';
    }
  }
  await file.close();
}

test(`${LINES} lines are read in flat memory and bounded time, and each wrong one is found`, {
  timeout: 600_000,
}, async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  await sell();
  const path = join(root, 'large.csv');
  await writeReport(path);
  const clock = steppedClock(new Date(begin + LINES * 10 * SECOND_MS));
  const reconciliation = createReconciliation({ ...platform, clock });
  const heaps: number[] = [];
  const onProgress = (done: number): void => {
    if (done % 10_000 !== 0) return;
    collect();
    heaps.push(process.memoryUsage().heapUsed);
  };
  const startedAt = performance.now();
  const { differences } = await reconciliation.import({
    source: 'stripe',
    path,
    name: 'large.csv',
    actor: 'alice',
    onProgress,
  });
  const seconds = (performance.now() - startedAt) / SECOND_MS;
  const growth = Math.max(...heaps) - Math.min(...heaps);
  t.diagnostic(`${seconds.toFixed(1)} s, live memory within ${(growth / 1e6).toFixed(1)} MB`);
  assert.deepEqual(differences, { appeared: LINES / WRONG_EACH, went: 0, open: LINES / WRONG_EACH });
  assert.equal(heaps.length, LINES / 10_000);
  assert.ok(growth < 8e6, `live memory grew by ${growth} bytes`);
  assert.ok(seconds < 120, `it took ${seconds} s`);
});
