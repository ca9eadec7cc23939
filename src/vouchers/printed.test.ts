import assert from 'node:assert/strict';
import { createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { digitWriter } from '../base/random.ts';
import type { Batch } from './batch.ts';
import { makeCards, printHeader } from './print.ts';
import { type PrintedCard, type PrintFile, readPrintFile } from './printed.ts';
import type { Value } from './voucher.ts';

const batch: Batch = {
  id: 12n,
  operator: 'kcell',
  note: '',
  count: 5,
  digits: 16,
  state: 'approved',
  firstSerial: 1_000_000_001n,
  lastSerial: 1_000_000_005n,
  expiresAt: new Date('2028-12-31T19:00:00.000Z'),
  recipients: [],
  values: [
    { unit: 'KZT', amount: 1_000_00n, validDays: undefined },
    { unit: 'MB', amount: 500_000n, validDays: 30 },
  ],
  keyId: 1,
  manifest: undefined,
  maker: 'alice',
  createdAt: new Date('2026-11-23T09:52:57.204Z'),
  approval: 1n,
};

const pinKeys = [{ id: 1, key: createSecretKey(randomBytes(32)) }];

/** The decrypted print file of a batch, as `vouchers generate` writes it. */
function printed(of: Batch): string {
  let text = printHeader(of, of.createdAt).toString();
  for (const { lines } of makeCards(of, pinKeys, digitWriter())) text += lines.toString();
  return text;
}

async function* inChunks(text: string, size = 7): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function cardsOf({ cards }: PrintFile): Promise<PrintedCard[]> {
  const all: PrintedCard[] = [];
  for await (const card of cards) all.push(card);
  return all;
}

const read = async (text: string): Promise<PrintedCard[]> => cardsOf(await readPrintFile(inChunks(text)));

test('what a batch wrote is what its printer reads, whatever the batch and however the bytes come', async () => {
  const parts = fc.tuple(
    fc.constantFrom('KZT', 'KZT_BONUS', 'MB', 'SECOND', 'SMS'),
    fc.bigInt(1n, 10_000_000_000n),
    fc.option(fc.integer({ min: 1, max: 3_650 }), { nil: undefined }),
  );
  const value = parts.map(([unit, amount, validDays]): Value => ({ unit, amount, validDays }));
  const anything = fc.record({
    values: fc.array(value, { minLength: 1, maxLength: 8 }),
    count: fc.integer({ min: 1, max: 40 }),
    digits: fc.integer({ min: 12, max: 20 }),
    size: fc.integer({ min: 1, max: 300 }),
  });
  await fc.assert(
    fc.asyncProperty(anything, async ({ values, count, digits, size }) => {
      const lastSerial = batch.firstSerial + BigInt(count) - 1n;
      const text = printed({ ...batch, values, count, digits, lastSerial });
      const file = await readPrintFile(inChunks(text, size));
      const { firstSerial, expiresAt, operator } = batch;
      assert.deepEqual(file.header, { batch: batch.id, operator, count, values, firstSerial, expiresAt });
      const rows = text.split('\n').filter((line) => /^\d/.test(line));
      const found = (await cardsOf(file)).map(({ serial, pin }) => `${serial},${pin.reveal()},`);
      assert.deepEqual(
        found,
        rows.map((row) => row.replaceAll(' ', '').replace(/[^,]*$/, '')),
      );
    }),
    { numRuns: 60 },
  );
});

test('line ends of another system change nothing', async () => {
  const text = printed(batch);
  assert.equal((await read(text.replaceAll('\n', '\r\n'))).length, 5);
  assert.equal((await read(text.trimEnd())).length, 5);
});

test('an encrypted file is named as one, with the way to decrypt it', async () => {
  for (const start of ['age-encryption.org/v1\n-> X25519 abc\n', '-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n'])
    await assert.rejects(readPrintFile(inChunks(start)), /still encrypted; decrypt it first.*age --decrypt/);
});

test('a file that is cut short, added to or changed is not printed, and no error tells a code', async () => {
  const text = printed(batch);
  const rows = text.split('\n').filter((line) => /^\d/.test(line));
  const [first = '', second = '', third = ''] = rows;
  const defects: [string, RegExp][] = [
    [text.slice(0, text.indexOf(rows[4] ?? '')), /holds 4 cards and not the 5/],
    [`${text}${first.replace('1000000001', '1000000006')}\n`, /holds 6 cards and not the 5/],
    [text.replace(`${second}\n`, ''), /serial 1000000002 is not where it should be/],
    [text.replace(`${second}\n${third}`, `${third}\n${second}`), /serial 1000000002 is not where it should be/],
    [text.replace(second, second.replace('1000.00', '9000.00')), /serial 1000000002 .* is not what the file says/],
    [text.replace(second, second.slice(0, 18)), /serial 1000000002/],
    [text.replace(/# count: .*\n/, ''), /does not say its count/],
    [text.replace(/# value: .*\n/, '# value: 5 GOLD\n'), /does not say its value/],
    [text.replace(/# redeem before: .*\n/, '# redeem before: soon\n'), /does not say its redeem before/],
    [text.replace('# sapar-print-file: 1', '# sapar-print-file: 2'), /does not begin with/],
    [text.replace('serial,pin,value\n', ''), /the line before its cards is missing/],
    ['', /does not begin with/],
    ['x'.repeat(5_000), /a line of it never ends/],
  ];
  for (const [file, reason] of defects) {
    await assert.rejects(read(file), (error: Error) => {
      assert.match(error.message, reason);
      assert.doesNotMatch(error.message, /\d{4} \d{4}|\d{12}/);
      return true;
    });
  }
});
