import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileSource } from './file.ts';

const folder = mkdtempSync(join(tmpdir(), 'sapar-rates-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'rates.json');
const source = fileSource({ path });

const good = {
  day: '2026-11-23',
  source: 'National Bank of Kazakhstan, copied by hand',
  rates: [
    { currency: 'USD', rate: '519.43', quant: 1 },
    { currency: 'UZS', rate: '3.81', quant: 100 },
  ],
};
const write = (content: unknown): void => writeFileSync(path, JSON.stringify(content));

test('a file’s rates keep its own day and source, whatever day they are asked for', async () => {
  write(good);
  assert.deepEqual(await source.read('2026-11-24'), [
    { currency: 'USD', microTenge: 519_430_000n, day: good.day, source: good.source },
    { currency: 'UZS', microTenge: 38_100n, day: good.day, source: good.source },
  ]);
});

test('it is read anew each time', async () => {
  write({ ...good, day: '2026-11-24' });
  assert.equal((await source.read('2026-11-24'))[0]?.day, '2026-11-24');
});

for (const [what, content] of [
  ['no day', { ...good, day: undefined }],
  ['a day that is none', { ...good, day: '2026-02-30' }],
  ['a day still to come', { ...good, day: '2026-11-25' }],
  ['no source', { ...good, source: ' ' }],
  ['no rates', { ...good, rates: [] }],
  ['a currency nobody knows', { ...good, rates: [{ currency: 'XXX', rate: '1', quant: 1 }] }],
  ['a rate of tenge', { ...good, rates: [{ currency: 'KZT', rate: '1', quant: 1 }] }],
  ['a currency twice', { ...good, rates: [good.rates[0], good.rates[0]] }],
  ['a rate as a number', { ...good, rates: [{ currency: 'USD', rate: 519.43, quant: 1 }] }],
  ['a rate that is none', { ...good, rates: [{ currency: 'USD', rate: '-1', quant: 1 }] }],
  ['a misspelt field', { ...good, rates: [{ currency: 'USD', rate: '519.43', quantity: 1 }] }],
] as const) {
  test(`turned away: ${what}`, async () => {
    write(content);
    await assert.rejects(source.read('2026-11-24'));
  });
}

test('a file that is not there, or is none, is a failure that names it', async () => {
  await assert.rejects(fileSource({ path: join(folder, 'none.json') }).read('2026-11-24'), /none\.json/);
  writeFileSync(path, '{');
  await assert.rejects(source.read('2026-11-24'));
});
