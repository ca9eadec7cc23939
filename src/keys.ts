import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generateKeyFile, type Keyring, parseKeyFile } from './base/keyring.ts';
import type { Config } from './config.ts';
import type { Db } from './db/index.ts';
import { areNumbersOf } from './parties/index.ts';
import { areCardsOf, missingPinKeys } from './vouchers/index.ts';

/** The keys, from the file; made on first use, readable by its owner alone. Several processes that make it at once all read the same. */
export function readKeyring(config: Pick<Config, 'keyFile'>): Keyring {
  try {
    return parseKeyFile(readFileSync(config.keyFile, 'utf8'));
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  makeKeyFile(config.keyFile);
  return parseKeyFile(readFileSync(config.keyFile, 'utf8'));
}

/** Appears whole or not at all, and is never replaced: what was sealed under the keys of the first would be lost with the second. */
function makeKeyFile(keyFile: string): void {
  mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
  const draft = `${keyFile}.${randomUUID()}`;
  writeFileSync(draft, generateKeyFile(), { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(draft, keyFile);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  // Its name is durable once its folder is: before anything is sealed under it.
  const folder = openSync(dirname(keyFile), 'r');
  fsyncSync(folder);
  closeSync(folder);
}

/**
 * Refuses to work on a database with keys that are not its own: numbers would be opened a second time and cards refused, and nothing would
 * say why.
 */
export async function assertKeysFit(db: Db, keyring: Keyring, keyFile: string): Promise<void> {
  const isOurs = (await areNumbersOf(db, keyring)) ?? (await areCardsOf(db, keyring)) ?? true;
  if (!isOurs)
    throw new Error(
      `${keyFile} is not the key file of this database, which cannot be read with it: put the right one back, or name it in SAPAR_KEY_FILE`,
    );
  const [missing] = await missingPinKeys(db, keyring);
  if (missing)
    throw new Error(
      `${keyFile} has no PIN key ${missing.id}, which cards of batch ${missing.batch} need: put it back until that batch is closed`,
    );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
