import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { dumpSchema } from '../src/db/index.ts';
import { openTestPlatform, type TestPlatform } from './support/platform.ts';

let platform: TestPlatform;
before(async () => {
  platform = await openTestPlatform();
});
after(() => platform.close());

test('schema.sql is what the migrations add up to', async () => {
  const written = readFileSync(new URL('../schema.sql', import.meta.url), 'utf8');
  assert.equal(await dumpSchema(platform.db), written, 'run: npm run -s sapar -- schema > schema.sql');
});

test('the application cannot change or delete transfers, terminal facts, approvals or audit', async () => {
  for (const table of [
    'transfer',
    'voucher_end',
    'audit_entry',
    'audit_seal',
    'approval',
    'approval_vote',
    'approval_use',
    'recon_file',
    'recon_line',
    'agent_payment',
  ]) {
    for (const command of [`delete from ${table}`, `truncate ${table}`]) {
      await assert.rejects(platform.db.pool.query(command), { code: '42501' }, `${command} as the application`);
    }
    const [column] = await platform.sql<{ name: string }>(
      `select column_name as name from information_schema.columns where table_name = $1 and is_generated = 'NEVER' and is_identity = 'NO' order by ordinal_position limit 1`,
      [table],
    );
    await assert.rejects(platform.db.pool.query(`update ${table} set ${column?.name} = ${column?.name}`), {
      code: '42501',
    });
    // The owner has the right and is still stopped by the trigger.
    await assert.rejects(platform.sql(`delete from ${table}`), { code: 'SP001' });
    await assert.rejects(platform.sql(`update ${table} set ${column?.name} = ${column?.name}`), { code: 'SP001' });
  }
});

test('every unique key contains the column its table would be distributed by', async () => {
  const distribution: Record<string, string> = {
    account: 'id',
    bucket: 'account',
    transfer: 'event',
    subject: 'number_index',
    voucher: 'mac',
    voucher_end: 'mac',
  };
  for (const [table, column] of Object.entries(distribution)) {
    const keys = await platform.sql<{ columns: string[] }>(
      `select array_agg(attname::text) as columns from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)
        where indrelid = $1::regclass and indisunique group by indexrelid`,
      [table],
    );
    for (const { columns } of keys) assert.ok(columns.includes(column), `a unique key of ${table} lacks ${column}`);
  }
});
