import { createHash, type Hash } from 'node:crypto';
import { chmod, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ReadableStream } from 'node:stream/web';
import { Encrypter } from 'age-encryption';
import { assert } from '../base/assert.ts';
import { macMaker, type PinKey } from '../base/keyring.ts';
import { limits } from '../base/limits.ts';
import type { DigitWriter } from '../base/random.ts';
import { type Batch, valueText } from './batch.ts';
import type { Manifest, PrintedFile } from './manifest.ts';

/**
 * Cards of one chunk: `rows` for the database (MACs and serials), `lines` for the print file (PINs in clear, to be wiped once
 * encrypted), `otherMacs` the same PINs under the key that is being retired.
 */
export type Chunk = {
  readonly count: number;
  readonly rows: Buffer;
  readonly lines: Buffer;
  readonly otherMacs: string[];
};

/** PostgreSQL's binary COPY format: signature, flags, length of the header extension; and the end. */
const COPY_HEADER = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
const COPY_TRAILER = Buffer.from('ffff', 'hex');
const MAC_BYTES = 16;
/** Field count, then length and bytes of mac, batch and serial. */
const ROW_BYTES = 2 + 4 + MAC_BYTES + 4 + 8 + 4 + 8;
const GROUP = 4;
const SPACE = 32;

export const copyFormat = { header: COPY_HEADER, trailer: COPY_TRAILER } as const;

/** Makes the cards of a batch chunk by chunk, first serial to last. PINs are independent of serials and of each other. */
export function* makeCards(
  batch: Batch,
  pinKeys: readonly PinKey[],
  writeDigits: DigitWriter,
): Generator<Chunk, void, void> {
  const tail = Buffer.from(`,${valueText(batch.values)}\n`);
  const groups = Math.ceil(batch.digits / GROUP);
  const pinBytes = batch.digits + groups - 1;
  const [macOf, ...otherMacsOf] = pinKeys.map(({ key }) => macMaker(key));
  assert(macOf !== undefined, 'a keyring has a PIN key');
  const pin = Buffer.alloc(batch.digits);
  const serialBytes = String(batch.lastSerial).length;
  const lineBytes = serialBytes + 1 + pinBytes + tail.length;
  try {
    for (let made = 0; made < batch.count; made += limits.generateChunkCards) {
      const count = Math.min(limits.generateChunkCards, batch.count - made);
      const rows = Buffer.alloc(count * ROW_BYTES);
      const lines = Buffer.alloc(count * lineBytes);
      const otherMacs: string[] = [];
      let end = 0;
      for (let i = 0; i < count; i += 1) {
        const serial = batch.firstSerial + BigInt(made + i);
        writeDigits(pin, 0, batch.digits);
        writeRow(rows, i * ROW_BYTES, { mac: macOf(pin), batch: batch.id, serial });
        for (const otherMacOf of otherMacsOf) otherMacs.push(otherMacOf(pin));
        end += lines.write(String(serial), end, 'latin1');
        end = writePin(lines, end, pin);
        end += tail.copy(lines, end);
      }
      yield { count, rows, lines: lines.subarray(0, end), otherMacs };
    }
  } finally {
    pin.fill(0);
  }
}

function writeRow(rows: Buffer, from: number, row: { mac: string; batch: bigint; serial: bigint }): void {
  let at = rows.writeInt16BE(3, from);
  at = rows.writeInt32BE(MAC_BYTES, at);
  at += rows.write(row.mac, at, 'hex');
  at = rows.writeInt32BE(8, at);
  at = rows.writeBigInt64BE(row.batch, at);
  at = rows.writeInt32BE(8, at);
  rows.writeBigInt64BE(row.serial, at);
}

const COMMA = 44;

/** In groups of four, as printed: a spreadsheet keeps that as text, where 16 bare digits lose the last one. */
function writePin(lines: Buffer, from: number, pin: Buffer): number {
  let at = lines.writeUInt8(COMMA, from);
  for (let i = 0; i < pin.length; i += 1) {
    if (i > 0 && i % GROUP === 0) at = lines.writeUInt8(SPACE, at);
    at = lines.writeUInt8(pin[i] ?? SPACE, at);
  }
  return at;
}

/** What the printer reads before the cards, see docs/vouchers.md. */
export function printHeader(batch: Batch, at: Date): Buffer {
  const facts = [
    'sapar-print-file: 1',
    `batch: ${batch.id}`,
    `operator: ${batch.operator}`,
    `count: ${batch.count}`,
    `value: ${valueText(batch.values)}`,
    `first serial: ${batch.firstSerial}`,
    `last serial: ${batch.lastSerial}`,
    `redeem before: ${batch.expiresAt.toISOString()}`,
    `generated: ${at.toISOString()}`,
  ];
  return Buffer.from(`${facts.map((fact) => `# ${fact}\n`).join('')}serial,pin,value\n`);
}

export function printFileName(batch: Batch): string {
  return `batch-${batch.id}.csv.age`;
}

/** A print file that is complete and on disk, under a name beside its own until it is put in place. */
export type Encrypted = { readonly file: PrintedFile; place(): Promise<void>; discard(): Promise<void> };

/** Encrypts what it is given to the recipients, into a file of mode 0600. Asks for more only when the disk has taken what came before. */
export async function encryptTo(
  lines: AsyncIterable<Uint8Array>,
  to: { readonly dir: string; readonly name: string; readonly recipients: readonly string[] },
): Promise<Encrypted> {
  await mkdir(to.dir, { recursive: true, mode: 0o700 });
  const path = join(to.dir, to.name);
  const part = `${path}.part`;
  const discard = (): Promise<void> => rm(part, { force: true });
  try {
    const written = await writePart(lines, part, to.recipients);
    const place = async (): Promise<void> => {
      await rename(part, path);
      await syncDir(to.dir);
    };
    return { file: { name: to.name, ...written }, place, discard };
  } catch (error) {
    await discard();
    throw error;
  }
}

async function writePart(
  lines: AsyncIterable<Uint8Array>,
  part: string,
  recipients: readonly string[],
): Promise<{ bytes: number; sha256: string }> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  const hash: Hash = createHash('sha256');
  let bytes = 0;
  const file = await open(part, 'w', 0o600);
  try {
    // The mode above is that of a new file only.
    await chmod(part, 0o600);
    // The same class at run time; its types come from two places.
    const plain = ReadableStream.from(lines) as unknown as globalThis.ReadableStream<Uint8Array>;
    for await (const chunk of await encrypter.encrypt(plain)) {
      hash.update(chunk);
      bytes += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Beside the print file, once the cards are in the database: a print file without it is not to be printed. */
export async function writeManifest(manifest: Manifest, dir: string): Promise<string> {
  const path = join(dir, `batch-${manifest.batch}.manifest.json`);
  const file = await open(`${path}.part`, 'w', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
  await syncDir(dirname(path));
  return path;
}

/** A rename is durable once its folder is. */
async function syncDir(dir: string): Promise<void> {
  const folder = await open(dir, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
