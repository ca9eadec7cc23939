import { join } from 'node:path';
import * as audit from '../audit/index.ts';
import { assert, present } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Keyring } from '../base/keyring.ts';
import { limits } from '../base/limits.ts';
import { type DigitWriter, digitWriter } from '../base/random.ts';
import { Refusal } from '../base/refusal.ts';
import { type CopyIn, type Db, type Load, type Tx, withLoad } from '../db/index.ts';
import { type Batch, batchMoves } from './batch.ts';
import * as store from './batch_store.ts';
import { type Manifest, makeManifest } from './manifest.ts';
import { type Chunk, copyFormat, encryptTo, makeCards, printFileName, printHeader, writeManifest } from './print.ts';

export type Generation = {
  readonly batch: bigint;
  /** Folder of the print file and its manifest. */
  readonly dir: string;
  readonly actor: string;
  /** Told after each chunk. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
};

export type Generated = { readonly printFile: string; readonly manifestFile: string; readonly manifest: Manifest };

export type GenerateDeps = {
  readonly db: Db;
  readonly keyring: Keyring;
  readonly clock: Clock;
  /** Where PINs come from: the operating system, unless a test replays. */
  readonly digits?: DigitWriter;
};

/** A PIN that some card has already. Fewer than one batch in ten thousand meets it; the whole batch is then made anew. */
class DuplicatePin extends Error {}

const UNIQUE_VIOLATION = '23505';
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * Turns an approved batch into cards: MACs into the database, PINs into the encrypted print file, both streamed and in step. All or
 * nothing: cut short at any moment, the batch is still `approved`, no card of it exists, and it can be generated again.
 */
export async function generate(deps: GenerateDeps, generation: Generation): Promise<Generated> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const manifest = await withLoad(deps.db, (load) => loadBatch(deps, load, generation));
      const manifestFile = await writeManifest(manifest, generation.dir);
      return { printFile: join(generation.dir, manifest.file.name), manifestFile, manifest };
    } catch (error) {
      if (codeOf(error) === LOCK_NOT_AVAILABLE) throw new Refusal('batch.wrong_state', { state: 'generating' });
      const isDuplicate = error instanceof DuplicatePin || codeOf(error) === UNIQUE_VIOLATION;
      if (!isDuplicate || attempt >= limits.generateAttemptsMax) throw error;
    }
  }
}

async function loadBatch(deps: GenerateDeps, load: Load, generation: Generation): Promise<Manifest> {
  const { tx } = load;
  const at = deps.clock.now();
  const batch = await store.lockBatchNow(tx, generation.batch);
  if (!batch) throw new Refusal('batch.not_found');
  if (!('generate' in batchMoves[batch.state])) throw new Refusal('batch.wrong_state', { state: batch.state });
  const copy = store.copyVouchers(load);
  const encrypted = await encryptTo(printLines(deps, { batch, copy, at, generation }), {
    dir: generation.dir,
    name: printFileName(batch),
    recipients: batch.recipients,
  });
  try {
    const keyId = present(deps.keyring.pinKeys[0], 'a keyring has a PIN key').id;
    const manifest = makeManifest(batch, { file: encrypted.file, at, keyId }, deps.keyring.signingKey);
    await recordCards(tx, batch, { manifest, at, actor: generation.actor });
    // In place before the commit, so that no batch is ever generated without its file. Left over from a commit that failed,
    // the file has no manifest, and the next generation replaces it.
    await encrypted.place();
    return manifest;
  } catch (error) {
    await encrypted.discard();
    throw error;
  }
}

async function recordCards(tx: Tx, batch: Batch, made: { manifest: Manifest; at: Date; actor: string }): Promise<void> {
  const { manifest, at, actor } = made;
  const created = { first: batch.firstSerial, last: batch.lastSerial, state: 'created', issued: false } as const;
  await store.replaceStretches(tx, batch.id, {
    before: [],
    after: [{ ...created, approval: undefined, changedAt: at }],
  });
  assert(await store.finishBatch(tx, batch.id, manifest), 'a locked batch stays approved');
  const details = { count: batch.count, sha256: manifest.file.sha256 };
  audit.record(tx, { actor, action: 'batch.generate', subject: `batch:${batch.id}`, details });
}

type Printing = { batch: Batch; copy: CopyIn; at: Date; generation: Generation };

/** The text of the print file. Each chunk of it is handed out when its cards are on their way into the database. */
async function* printLines(
  deps: GenerateDeps,
  { batch, copy, at, generation }: Printing,
): AsyncGenerator<Uint8Array, void, void> {
  yield printHeader(batch, at);
  await copy.write(copyFormat.header);
  let done = 0;
  for (const chunk of makeCards(batch, deps.keyring.pinKeys, deps.digits ?? digitWriter())) {
    generation.signal?.throwIfAborted();
    await refuseDuplicates(deps.db, chunk);
    await copy.write(chunk.rows);
    try {
      yield chunk.lines;
    } finally {
      // Asked for more, so the clear PINs of this chunk are encrypted; or nobody wants them any more.
      chunk.lines.fill(0);
    }
    done += chunk.count;
    generation.onProgress?.(done, batch.count);
  }
  await copy.write(copyFormat.trailer);
  // Here and not after the file, so that a card the database does not take leaves no file.
  assert((await copy.end()) === batch.count, 'each card of the batch was loaded');
}

/** The primary key sees a PIN made twice under one key; across two live keys somebody has to look. */
async function refuseDuplicates(db: Db, chunk: Chunk): Promise<void> {
  if (chunk.otherMacs.length > 0 && (await store.hasAnyMac(db, chunk.otherMacs))) throw new DuplicatePin();
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
