import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createSecretKey,
  generateKeyPairSync,
  hash,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { assert } from './assert.ts';
import { type Uuid, uuidOf } from './ids.ts';

/** A PIN key and the number stored with what it made. At most two are live, so that one can follow the other. */
export type PinKey = { readonly id: number; readonly key: KeyObject };

/**
 * The keys held outside the database (a file of mode 0600 or a KMS): whoever has the database alone learns neither PINs nor
 * numbers. Losing this file makes every unredeemed card and every number unreadable.
 */
export type Keyring = {
  /** Newest first; the first one makes new MACs. */
  readonly pinKeys: readonly PinKey[];
  readonly numberIndexKey: KeyObject;
  readonly masterKey: KeyObject;
  /** Ed25519, signs print-file manifests. */
  readonly signingKey: KeyObject;
};

const KEY_BYTES = 32;

/** The text of a new key file. */
export function generateKeyFile(): string {
  const key = (): string => randomBytes(KEY_BYTES).toString('base64');
  const { privateKey } = generateKeyPairSync('ed25519');
  return `${JSON.stringify(
    {
      pinKeys: [{ id: 1, key: key() }],
      numberIndexKey: key(),
      masterKey: key(),
      signingKey: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    },
    null,
    2,
  )}\n`;
}

/** Reads a key file; throws with the field's name, never its value. */
export function parseKeyFile(text: string): Keyring {
  const file: unknown = JSON.parse(text);
  assert(typeof file === 'object' && file !== null, 'the key file holds one JSON object');
  const field = (name: string): unknown => Reflect.get(file, name);
  const pinKeys = field('pinKeys');
  assert(Array.isArray(pinKeys) && pinKeys.length >= 1 && pinKeys.length <= 2, 'pinKeys holds one or two keys');
  return {
    pinKeys: pinKeys
      .map((entry: { id?: unknown; key?: unknown }) => {
        assert(Number.isInteger(entry.id), 'pinKeys[].id is a whole number');
        return { id: Number(entry.id), key: keyOf(entry.key, 'pinKeys[].key') };
      })
      .sort((a, b) => b.id - a.id),
    numberIndexKey: keyOf(field('numberIndexKey'), 'numberIndexKey'),
    masterKey: keyOf(field('masterKey'), 'masterKey'),
    signingKey: createPrivateKey(String(field('signingKey'))),
  };
}

/** As a key object, because handing raw bytes to each HMAC costs seven times the HMAC. */
function keyOf(value: unknown, name: string): KeyObject {
  const key = Buffer.from(typeof value === 'string' ? value : '', 'base64');
  assert(key.length === KEY_BYTES, `${name} in the key file is 32 bytes of base64`);
  return createSecretKey(key);
}

/** HMAC-SHA-256, first 128 bits, in uuid form: the widest key PostgreSQL compares as one fixed-size value. */
export function mac128(key: KeyObject, text: string): Uuid {
  return uuidOf(createHmac('sha256', key).update(text).digest('hex'));
}

const BLOCK_BYTES = 64;
const MAC_HEX_DIGITS = 32;

/**
 * The same MAC, as 32 hex digits, for millions of messages: RFC 2104 over one-shot hashes, with both pads made once, costs a third
 * of a new HMAC object for each. Messages are bytes, so that they can be wiped.
 */
export function macMaker(key: KeyObject): (message: Buffer) => string {
  const secret = key.export();
  assert(secret.length <= BLOCK_BYTES, 'a MAC key fits one block');
  const pad = (byte: number): Buffer =>
    Buffer.alloc(BLOCK_BYTES, byte).map((one, at) => one ^ (secret[at] ?? 0)) as Buffer;
  const innerPad = pad(0x36);
  const outer = Buffer.concat([pad(0x5c), Buffer.alloc(32)]);
  let inner = innerPad;
  return (message) => {
    if (inner.length !== BLOCK_BYTES + message.length) inner = Buffer.concat([innerPad, message]);
    else message.copy(inner, BLOCK_BYTES);
    outer.write(hash('sha256', inner, 'hex'), BLOCK_BYTES, 'hex');
    inner.fill(0, BLOCK_BYTES);
    return hash('sha256', outer, 'hex').slice(0, MAC_HEX_DIGITS);
  };
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM: nonce || ciphertext || tag. `context` is bound as additional data, so a sealed value cannot be moved elsewhere. */
export function seal(key: KeyObject | Buffer, plain: Buffer, context: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

export function unseal(key: KeyObject | Buffer, sealed: Buffer, context: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}
