import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeGsm7, encodeGsm7, gsm7Length } from './gsm7.ts';

const extension = '\f^{}\\[~]|€';
const alphabet = [...Array(128).keys()]
  .filter((code) => code !== 0x1b)
  .map((code) => decodeGsm7(Uint8Array.of(code)))
  .concat([...extension]);

test('codes are those of TS 23.038', () => {
  const codes: [string, number][] = [
    ['@', 0x00],
    ['\n', 0x0a],
    ['Δ', 0x10],
    ['Ξ', 0x1a],
    ['Æ', 0x1c],
    [' ', 0x20],
    ['¤', 0x24],
    ['0', 0x30],
    ['¡', 0x40],
    ['A', 0x41],
    ['Z', 0x5a],
    ['§', 0x5f],
    ['¿', 0x60],
    ['z', 0x7a],
    ['à', 0x7f],
  ];
  for (const [character, code] of codes) assert.deepEqual([...(encodeGsm7(character) ?? [])], [code], character);
  assert.deepEqual([...(encodeGsm7('€[') ?? [])], [0x1b, 0x65, 0x1b, 0x3c]);
});

test('what is written is read again, and takes the places that were counted', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...alphabet)), (characters) => {
      const text = characters.join('');
      const octets = encodeGsm7(text);
      assert.ok(octets);
      assert.equal(decodeGsm7(octets), text);
      assert.equal(octets.length, gsm7Length(text));
    }),
  );
});

test('any octets are some text, and a character outside the alphabet is told', () => {
  fc.assert(fc.property(fc.uint8Array(), (octets) => typeof decodeGsm7(octets) === 'string'));
  assert.equal(decodeGsm7(Uint8Array.of(0x1b, 0x41)), 'A');
  assert.equal(decodeGsm7(Uint8Array.of(0x31, 0x1b)), '1 ');
  for (const text of ['余额', 'Баланс', 'ә', '₸', '😀']) assert.equal(encodeGsm7(text), undefined, text);
});
