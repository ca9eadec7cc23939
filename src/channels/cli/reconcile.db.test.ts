import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { after, before, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bookOf, newOrderId } from '../../../test/support/book.ts';
import { openTestPlatform, type TestPlatform } from '../../../test/support/platform.ts';
import { steppedClock } from '../../base/clock.ts';
import { referenceOf } from '../../base/ids.ts';
import { createReconciliation, type Reconciliation } from '../../reconciliation/index.ts';
import { buildCli, type CliApp, runCli } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'sapar-reconcile-test-'));
const samples = fileURLToPath(new URL('../../../test/reports/', import.meta.url));
const register = join(samples, 'osmp-register.csv');
let platform: TestPlatform;
let reconciliation: Reconciliation;
let book: ReturnType<typeof bookOf>;

before(async () => {
  platform = await openTestPlatform();
  const clock = steppedClock(new Date('2026-11-20T00:00:00Z'));
  reconciliation = createReconciliation({ ...platform, clock });
  book = bookOf(platform.owner);
});
beforeEach(() => book.wipe());
after(async () => {
  await platform.close();
  rmSync(root, { recursive: true, force: true });
});

async function reconcile(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = { stdin: process.stdin, stdout, stderr, env: {} };
  // Of all that commands may call, these need reconciliation alone.
  const open = async () => ({ reconciliation, close: async () => undefined }) as unknown as CliApp;
  const cli = { open, io, catalogue: () => platform.catalogue } as Parameters<typeof buildCli>[0];
  const code = await runCli(buildCli(cli), ['reconcile', ...words], io);
  stdout.end();
  stderr.end();
  return { code, out: await textOf(stdout), err: await textOf(stderr) };
}

test('a register is imported, its difference found, shown, resolved and gone from the list of a script', async () => {
  const orderId = newOrderId();
  const began = { beganAt: new Date('2026-11-01T04:10:00Z'), state: 'unknown' };
  await book.delivery({ orderId, reference: '700000000000000001', faceMinor: 1_000_00n, ...began });
  const other = { orderId: newOrderId(), reference: '700000000000000002', faceMinor: 2_500_00n };
  await book.delivery({ ...other, beganAt: new Date('2026-11-01T04:12:00Z') });
  assert.equal((await reconcile('list')).code, 0, 'nothing is open yet');
  const imported = await reconcile('import', 'osmp', register, '--as', 'alice');
  assert.equal(imported.code, 0, imported.err);
  assert.match(imported.out, /^Imported\.\n/);
  assert.match(imported.out, /lines +4\n {2}credit +4\n/);
  assert.match(imported.out, /new differences +1\n/);
  const list = await reconcile('list', '--open');
  assert.equal(list.code, 1, 'a script sees it');
  const row = /^(\d+) +osmp +open +credit +state +1000\.00 KZT +(\S+) +done 1000\.00 KZT +unknown 1000\.00 KZT/m.exec(
    list.out,
  );
  assert.equal(row?.[2], referenceOf(orderId));
  const show = await reconcile('show', row?.[1] ?? '');
  assert.equal(show.code, 0);
  assert.match(show.out, /they say +done 1000\.00 KZT/);
  assert.match(show.out, /our reference there +700000000000000001/);
  assert.match(show.out, /seen in +report \d+, osmp-register\.csv, line 2/);
  assert.match(show.out, /next +ask the operator again/);
  const resolved = await reconcile('resolve', row?.[1] ?? '', '--note', 'asked again: delivered', '--as', 'bob');
  assert.equal(resolved.code, 0, resolved.err);
  assert.match(resolved.out, /resolved +.* by bob/);
  assert.equal((await reconcile('list', '--open')).code, 0);
  assert.match((await reconcile('list')).out, /^\d+ +osmp +resolved/m);
  const again = await reconcile('resolve', row?.[1] ?? '', '--note', 'twice', '--as', 'bob');
  assert.match(again.err, /\[difference\.resolved\]/);
  const files = await reconcile('files');
  assert.match(files.out, /osmp\.register +osmp-register\.csv +4/);
});

test('programs read the same as JSON, amounts as whole numbers in text', async () => {
  const first = JSON.parse((await reconcile('import', 'osmp', register, '--as', 'alice', '--json')).out);
  assert.equal(first.isNew, true);
  assert.equal(first.differences.open, 2);
  const again = JSON.parse((await reconcile('import', 'osmp', register, '--as', 'bob', '--json')).out);
  assert.equal(again.isNew, false);
  assert.equal(again.file.importedBy, 'alice');
  const { code, out } = await reconcile('list', '--source', 'osmp', '--json');
  assert.equal(code, 1);
  const { open, differences } = JSON.parse(out);
  assert.equal(open, 2);
  assert.deepEqual(differences[1].stake, { currency: 'KZT', minor: '100000' });
  assert.equal((await reconcile('list', '--source', 'stripe', '--json')).code, 0);
});

test('a file that is not that report is refused with its line and column, and nothing of it is kept', async () => {
  const path = join(root, 'cut.csv');
  writeFileSync(path, 'txn_id;date;account;sum;prv_txn;status\n1;2026-11-01;7011234567;ten;5;0\n');
  const { code, err, out } = await reconcile('import', 'osmp', path, '--as', 'alice');
  assert.equal(code, 1);
  assert.match(err, /\[report\.invalid\] \(line: 2, column: sum, reason: not an amount\)/);
  assert.doesNotMatch(err + out, /7011234567/);
  const asJson = await reconcile('import', 'osmp', path, '--as', 'alice', '--json');
  assert.equal(JSON.parse(asJson.out).refused, 'report.invalid');
  assert.equal((await reconcile('files')).out, 'none\n');
  assert.equal((await reconcile('import', 'osmp', join(root, 'nowhere.csv'), '--as', 'alice')).code, 1);
});

test('a partner’s own layout, its clock and the days asked for come with the command', async () => {
  const layout = join(root, 'layout.json');
  const columns = { reference: 1, date: 2, amount: 4, account: 3 };
  writeFileSync(layout, JSON.stringify({ columns, header: false, delimiter: '|', total: 'ИТОГО' }));
  const path = join(root, 'partner.txt');
  writeFileSync(path, '42|01.11.2026 00:30:00|77011234567|500,00\nИТОГО 1 500.00\n');
  const days = ['--from', '2026-11-01', '--to', '2026-11-01', '--zone', '+05:00'];
  const { code, err, out } = await reconcile(
    'import',
    'osmp',
    path,
    '--layout',
    layout,
    ...days,
    '--as',
    'alice',
    '--json',
  );
  assert.equal(code, 0, err);
  const { file } = JSON.parse(out);
  assert.equal(file.layout, 'osmp.described');
  assert.deepEqual(file.period, { from: '2026-10-31T19:00:00.000Z', to: '2026-11-01T19:00:00.000Z' });
  const [line] = await platform.sql<{ at: Date }>('select at from recon_line');
  assert.equal(line?.at.toISOString(), '2026-10-31T19:30:00.000Z');
});

test('what cannot be understood ends with 2', async () => {
  for (const words of [
    ['import', 'osmp', register],
    ['import', 'bank', register, '--as', 'alice'],
    ['import', 'osmp', register, '--from', '2026-11-01', '--as', 'alice'],
    ['import', 'osmp', register, '--zone', 'Almaty', '--as', 'alice'],
    ['import', 'osmp', register, '--dates', 'ymd', '--as', 'alice'],
    ['import', 'osmp', register, '--from', '2026-11-31', '--to', '2026-12-01', '--as', 'alice'],
    ['import', 'osmp', register, '--from', '2026-11-02', '--to', '2026-11-01', '--as', 'alice'],
    ['list', '--source', 'bank'],
    ['show', 'one'],
    ['resolve', '1', '--as', 'alice'],
    ['resolve', '1', '--note', 'x'],
  ]) {
    const { code, err } = await reconcile(...words);
    assert.equal(code, 2, words.join(' '));
    assert.match(err, /error: /, words.join(' '));
  }
});

test('there is no difference of that number', async () => {
  const { code, err } = await reconcile('show', '99');
  assert.equal(code, 1);
  assert.match(err, /\[difference\.not_found\]/);
});
