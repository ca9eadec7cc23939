import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { Encrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { pdfText } from '../../../test/support/pdf.ts';
import { loadCatalogue } from '../../catalogue/index.ts';
import { buildCli, type CliApp, runCli } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sapar-cards-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const catalogue = loadCatalogue(join(import.meta.dirname, '../../../data/kz'));

/** One command as typed behind `sapar vouchers cards`, on a machine that has no platform. */
async function cards(words: readonly string[], input: Readable = Readable.from([])) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const io = { stdin: input as unknown as NodeJS.ReadStream, stdout, stderr, env: {} };
  const open = async (): Promise<CliApp> => assert.fail('it needs no platform');
  const code = await runCli(buildCli({ open, catalogue: () => catalogue, io }), ['vouchers', 'cards', ...words], io);
  stdout.end();
  stderr.end();
  return { code, out: await textOf(stdout), err: await textOf(stderr) };
}

const pins = ['3720 1345 1948 9873', '0000 0000 0000 0001', '9876 5432 1098 7654'];

function printFile(operator = 'kcell'): string {
  const head = [
    '# sapar-print-file: 1',
    '# batch: 12',
    `# operator: ${operator}`,
    `# count: ${pins.length}`,
    '# value: 1000.00 KZT',
    '# first serial: 1000000001',
    `# last serial: ${1_000_000_000 + pins.length}`,
    '# redeem before: 2028-12-31T19:00:00.000Z',
    '# generated: 2026-11-23T09:52:57.204Z',
    'serial,pin,value',
  ];
  const rows = pins.map((pin, no) => `${1_000_000_001 + no},${pin},1000.00 KZT`);
  return [...head, ...rows, ''].join('\n');
}

let files = 0;

/** Names that no test has used. */
function paths(): { source: string; out: string } {
  files += 1;
  return { source: join(folder, `print-${files}.csv`), out: join(folder, `cards-${files}.pdf`) };
}

const HOST = ['--host', 'https://sapar.example'];

test('a print file becomes a PDF that its owner alone can read, without a database', async () => {
  const { source, out } = paths();
  writeFileSync(source, printFile());
  const made = await cards([source, '--out', out, ...HOST]);
  assert.equal(made.code, 0, made.err);
  assert.match(made.out, /cards +3\nsheets +1\n/);
  assert.equal(statSync(out).mode & 0o777, 0o600);
  const text = pdfText(readFileSync(out)).replace(/\s+/g, ' ');
  for (const pin of pins) assert.ok(text.includes(pin), pin);
  assert.match(text, /Kcell .*\*111#/);
});

test('it comes from standard input as well; the file is the one place where codes go', async () => {
  const { out } = paths();
  const options = ['--language', 'kk,ru', '--per-sheet', '2', '--json'];
  const made = await cards(['-', '--out', out, ...HOST, ...options], Readable.from([printFile('beeline')]));
  assert.deepEqual(JSON.parse(made.out), { file: out, batch: '12', cards: 3, sheets: 2 });
  assert.match(pdfText(readFileSync(out)), /1\s000\s₸/);
  for (const pin of pins) assert.ok(!`${made.out}${made.err}`.includes(pin.slice(0, 4)));
});

test('a file that is there is not written over', async () => {
  const { source, out } = paths();
  writeFileSync(source, printFile());
  writeFileSync(out, 'mine');
  const made = await cards([source, '--out', out, ...HOST]);
  assert.equal(made.code, 1);
  assert.match(made.err, /is there already; nothing was written over it/);
  assert.equal(readFileSync(out, 'utf8'), 'mine');
});

test('an encrypted print file is to be decrypted first, and the answer says how', async () => {
  const { source, out } = paths();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(await generateIdentity()));
  writeFileSync(source, await encrypter.encrypt(printFile()));
  const made = await cards([source, '--out', out, ...HOST]);
  assert.equal(made.code, 1);
  assert.match(made.err, /still encrypted; decrypt it first .*age --decrypt/);
  assert.ok(!existsSync(out));
});

test('of a print file that is cut short nothing is left', async () => {
  const { out } = paths();
  const text = printFile();
  const made = await cards(
    ['-', '--out', out, ...HOST],
    Readable.from([text.slice(0, text.lastIndexOf('1000000003'))]),
  );
  assert.equal(made.code, 1);
  assert.match(made.err, /it holds 2 cards and not the 3 it speaks of/);
  assert.ok(!existsSync(out));
});

test('interrupted, it leaves nothing', async () => {
  const { out } = paths();
  const text = printFile();
  // It does not wait for what never comes.
  const input = new PassThrough();
  input.write(text.slice(0, text.indexOf('1000000002')));
  const printing = cards(['-', '--out', out, ...HOST], input);
  while (!existsSync(out)) await new Promise((resolve) => setTimeout(resolve, 10));
  process.emit('SIGINT');
  const made = await printing;
  assert.equal(made.code, 130, made.err);
  assert.ok(!existsSync(out));
});

test('an operator that is not in the country pack is refused', async () => {
  const { out } = paths();
  const made = await cards(['-', '--out', out, ...HOST], Readable.from([printFile('nokia')]));
  assert.equal(made.code, 1);
  assert.match(made.err, /operator\.not_found/);
  assert.ok(!existsSync(out));
});

test('a file that is not there is an answer too', async () => {
  const { source, out } = paths();
  const made = await cards([source, '--out', out, ...HOST]);
  assert.equal(made.code, 1);
  assert.match(made.err, /ENOENT/);
});

const wrong: string[][] = [
  [],
  ['x.csv'],
  ['x.csv', '--out', 'x.pdf'],
  ['x.csv', '--out', 'x.pdf', '--host', 'http://sapar.example'],
  ['x.csv', '--out', 'x.pdf', '--host', 'https://sapar.example/shop'],
  ['x.csv', '--out', 'x.pdf', '--host', 'https://sapar.example/?a=1'],
  ['x.csv', '--out', 'x.pdf', '--host', 'https://me@sapar.example'],
  ['x.csv', '--out', 'x.pdf', '--host', 'ftp://sapar.example'],
  ['x.csv', '--out', 'x.pdf', '--host', ''],
  ['x.csv', '--out', 'x.pdf', ...HOST, '--language', 'de'],
  ['x.csv', '--out', 'x.pdf', ...HOST, '--language', 'en,en'],
  ['x.csv', '--out', 'x.pdf', ...HOST, '--per-sheet', '0'],
  ['x.csv', '--out', 'x.pdf', ...HOST, '--per-sheet', '11'],
];
for (const words of wrong) {
  test(`not understood: cards ${words.join(' ')}`, async () => {
    const { code, err } = await cards(words);
    assert.equal(code, 2);
    assert.match(err, /error: /);
  });
}
