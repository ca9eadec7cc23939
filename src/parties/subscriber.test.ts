import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { generateKeyFile, parseKeyFile } from '../base/keyring.ts';
import { parseMsisdn } from '../base/msisdn.ts';
import { Secret } from '../base/secret.ts';
import { numberIndex, sealNumber, unsealNumber } from './subscriber.ts';

const keyring = parseKeyFile(generateKeyFile());
const msisdn = parseMsisdn('77011234567');

test('a sealed number comes back under its own index alone', () => {
  const index = numberIndex(keyring, msisdn);
  const sealed = sealNumber(keyring, msisdn, index);
  assert.equal(unsealNumber(keyring, sealed, index), msisdn);
  const other = numberIndex(keyring, parseMsisdn('77011234568'));
  assert.throws(() => unsealNumber(keyring, sealed, other), 'a row cannot be moved to another number');
  assert.ok(!sealed.number.includes(Buffer.from(msisdn)));
});

test('the index is the same for a number, another under another key, and no hash of the number alone', () => {
  assert.equal(numberIndex(keyring, msisdn), numberIndex(keyring, msisdn));
  assert.notEqual(numberIndex(parseKeyFile(generateKeyFile()), msisdn), numberIndex(keyring, msisdn));
});

test('a key file that is damaged is named by field, never by value', () => {
  const file = JSON.parse(generateKeyFile());
  assert.throws(
    () => parseKeyFile(JSON.stringify({ ...file, masterKey: 'c2hvcnQ=' })),
    /masterKey in the key file is 32 bytes/,
  );
  assert.throws(() => parseKeyFile(JSON.stringify({ ...file, pinKeys: [] })), /one or two keys/);
});

test('a secret prints as nothing', () => {
  const secret = new Secret('1234567890123456');
  for (const text of [String(secret), JSON.stringify({ secret }), inspect(secret), inspect({ secret }), `${secret}`])
    assert.doesNotMatch(text, /1234/);
});
