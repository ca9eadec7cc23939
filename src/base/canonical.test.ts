import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Canonical, canonicalJson } from './canonical.ts';

test('the order in which fields were written does not matter', () => {
  assert.equal(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true }), '{"a":true,"b":[1,{"c":"x","d":null}]}');
});

test('a number with a fraction is a defect', () => {
  assert.throws(() => canonicalJson(0.5), /whole/);
  assert.throws(() => canonicalJson(2 ** 53), /whole/);
});

test('it is JSON, and the same after a round through a database', () => {
  const value = fc.letrec<{ value: Canonical }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string(),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).value;
  fc.assert(
    fc.property(value, (one) => {
      const text = canonicalJson(one);
      assert.equal(canonicalJson(JSON.parse(text)), text);
    }),
  );
});
