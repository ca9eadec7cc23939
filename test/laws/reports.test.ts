import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { seal } from '../../src/audit/index.ts';
import { closeDb, type Db, openDb } from '../../src/db/index.ts';
import { createReconciliation } from '../../src/reconciliation/index.ts';
import { audit } from '../../src/reports/index.ts';
import { breachesOf } from '../support/planting.ts';
import { openTestPlatform, type TestPlatform } from '../support/platform.ts';

// The audit of what was imported finds what is there: a few reports, a resolved difference, and then defects planted in them.

const samples = fileURLToPath(new URL('../reports/', import.meta.url));
let platform: TestPlatform;
let owner: Db;

before(async () => {
  platform = await openTestPlatform();
  owner = openDb(platform.ownerUrl, 1);
  const reconciliation = createReconciliation(platform);
  for (const [source, name] of [
    ['osmp', 'osmp-register'],
    ['stripe', 'stripe-activity'],
    ['paypal', 'paypal-settlement'],
  ] as const)
    await reconciliation.import({ source, path: `${samples}${name}.csv`, name: `${name}.csv`, actor: 'alice' });
  const { differences } = await reconciliation.list();
  for (const { id } of differences.slice(0, 2))
    await reconciliation.resolve({ id, note: `looked at ${id}`, actor: 'bob' });
  await seal(platform.db);
});
after(async () => {
  await closeDb(owner);
  await platform.close();
});

const file = '(select min(id) from recon_file)';
const resolved = '(select min(id) from recon_difference where resolved_at is not null)';
const openOne = '(select min(id) from recon_difference where resolved_at is null)';

const defects: string[] = [
  `delete from recon_line where (file, line) = (select file, max(line) from recon_line where file = ${file} group by file)`,
  `delete from recon_line where file = ${file}`,
  `insert into recon_line (file, line, source, entry, kind, state, names, currency, gross_minor, fee_minor, net_minor, amount_currency, amount_minor, at)
    select file, 9999, source, 'made up', kind, state, names, currency, gross_minor, fee_minor, net_minor, amount_currency, amount_minor, at
    from recon_line where file = ${file} limit 1`,
  `update recon_line set source = 'dtone' where (file, line) = (select file, min(line) from recon_line group by file limit 1)`,
  `update recon_line set file = (select max(id) from recon_file), line = 9999 where (file, line) = (select file, max(line) from recon_line where file = ${file} group by file)`,
  `update recon_file set rows = rows + 1 where id = ${file}`,
  `update recon_file set imported_by = 'mallory' where id = ${file}`,
  `update recon_file set sha256 = sha256('another file') where id = ${file}`,
  `with lines as (delete from recon_line where file = ${file}) delete from recon_file where id = ${file}`,
  `insert into recon_file (source, layout, sha256, name, bytes, rows, period, is_complete, imported_at, imported_by)
    select source, layout, sha256('made up'), name, bytes, 0, period, is_complete, now(), 'mallory' from recon_file limit 1`,
  `update recon_difference set note = 'nothing to see' where id = ${resolved}`,
  `update recon_difference set resolved_by = 'mallory' where id = ${resolved}`,
  `update recon_difference set note = null, resolved_at = null, resolved_by = null where id = ${resolved}`,
  `update recon_difference set note = 'fine', resolved_at = now(), resolved_by = 'mallory' where id = ${openOne}`,
  `delete from recon_difference where id = ${resolved}`,
];

const alarms = async (): Promise<string[]> =>
  (await audit(platform.db)).filter(({ ok }) => !ok).map(({ name, breaches }) => `${name}: ${breaches[0]}`);

test('what was imported and resolved leaves the audit clean', async () => {
  assert.deepEqual(await alarms(), []);
});

test(`each of ${defects.length} defects planted among reports is found`, async () => {
  const missed: string[] = [];
  for (const defect of defects) if ((await breachesOf(owner, defect)).length === 0) missed.push(defect);
  assert.deepEqual(missed, []);
  assert.deepEqual(await alarms(), []);
});
