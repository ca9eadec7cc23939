import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { eventId, idsOfReference, parseUuid, referenceOf } from './ids.ts';

test('an event id is the same for the same parts, and another for any other split of them', () => {
  assert.equal(eventId('topup', '1', 'k'), eventId('topup', '1', 'k'));
  assert.notEqual(eventId('topup', '11', 'k'), eventId('topup', '1', '1k'));
  assert.notEqual(eventId('a:b'), eventId('a', 'b'));
});

test('an event id is a UUID of version 8', () => {
  assert.match(eventId('x'), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('a reference finds its id again, however it was written down', () => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      const id = eventId(key);
      const reference = referenceOf(id);
      assert.match(reference, /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/);
      for (const spoken of [
        reference,
        reference.toLowerCase(),
        reference.replaceAll('-', ' '),
        reference.replaceAll('0', 'O').replaceAll('1', 'l'),
      ]) {
        const range = idsOfReference(spoken);
        assert.ok(range && range.from <= id && id <= range.to, spoken);
      }
    }),
  );
});

test('what is no reference or no id is told apart', () => {
  for (const text of ['', 'ABCD', 'ABCD-EFGH-IJKU', 'ABCD-EFGH-1234-5'])
    assert.equal(idsOfReference(text), undefined, text);
  assert.equal(parseUuid('not-an-id'), undefined);
  assert.equal(parseUuid('0EAF5894-D58D-893E-9531-364BE36AB8F5'), '0eaf5894-d58d-893e-9531-364be36ab8f5');
});
