import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ChangeVerb, changeStretches, changeVerbs, type Stretch, sizeOf } from './stretch.ts';
import type { RangeState } from './voucher.ts';

const at = new Date('2026-11-23T00:00:00Z');
const created: Stretch = { first: 1n, last: 40n, state: 'created', issued: false, approval: undefined, changedAt: at };

/** The rule for one serial, written the other way round: what each verb needs, and what it makes of it. */
const table = `
  created  activate active    active   activate -         locked  activate -
  created  lock     locked    active   lock     locked    locked  lock     -
  created  unlock   -         active   unlock   -         locked  unlock   back
  created  damage   -         active   damage   damaged   locked  damage   -
  created  steal    stolen    active   steal    stolen    locked  steal    stolen
  created  void     void      active   void     void      locked  void     void
  damaged  activate -         stolen   activate -         void    activate -
  damaged  lock     -         stolen   lock     -         void    lock     -
  damaged  unlock   back      stolen   unlock   back      void    unlock   -
  damaged  damage   -         stolen   damage   -         void    damage   -
  damaged  steal    stolen    stolen   steal    -         void    steal    -
  damaged  void     void      stolen   void     void      void    void     -`;

const rules = new Map<string, string>();
const cells = table.trim().split(/\s+/);
for (let i = 0; i < cells.length; i += 3) rules.set(`${cells[i]} ${cells[i + 1]}`, cells[i + 2] ?? '');

type Card = { state: RangeState; issued: boolean };

function naive(card: Card, verb: ChangeVerb): Card | undefined {
  const after = rules.get(`${card.state} ${verb}`);
  if (after === undefined || after === '-') return undefined;
  if (after === 'back') return { state: card.issued ? 'active' : 'created', issued: card.issued };
  return { state: after as RangeState, issued: card.issued || verb === 'activate' };
}

for (const [key, after] of rules) {
  const [state = '', verb = ''] = key.split(' ');
  test(`${state} --${verb}--> ${after}`, () => {
    for (const issued of [false, true]) {
      if ((state === 'created' && issued) || (['active', 'damaged'].includes(state) && !issued)) continue;
      const stretch = { ...created, state: state as RangeState, issued };
      const change = { verb: verb as ChangeVerb, first: 1n, last: 40n, approval: 1n, at };
      const [one] = changeStretches([stretch], change).stretches;
      const expected = naive({ state: state as RangeState, issued }, verb as ChangeVerb) ?? stretch;
      assert.deepEqual({ state: one?.state, issued: one?.issued }, { state: expected.state, issued: expected.issued });
    }
  });
}

test('any changes of ranges leave each serial as if it had been changed alone, and the stretches whole', () => {
  const change = fc.record({
    verb: fc.constantFrom(...changeVerbs),
    a: fc.bigInt(-3n, 45n),
    b: fc.bigInt(-3n, 45n),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 25 }), (changes) => {
      let stretches: readonly Stretch[] = [created];
      const cards = new Map<bigint, Card>();
      for (let serial = 1n; serial <= 40n; serial += 1n) cards.set(serial, { state: 'created', issued: false });
      changes.forEach(({ verb, a, b }, index) => {
        const [first, last] = a < b ? [a, b] : [b, a];
        const result = changeStretches(stretches, { verb, first, last, approval: BigInt(index), at });
        let moved = 0n;
        let kept = 0n;
        for (const [serial, card] of cards) {
          if (serial < first || serial > last) continue;
          const after = naive(card, verb);
          if (after) moved += 1n;
          else kept += 1n;
          cards.set(serial, after ?? card);
        }
        assert.equal(sum(result.moved), moved);
        assert.equal(sum(result.kept), kept);
        stretches = result.stretches;
      });
      let next = 1n;
      for (const stretch of stretches) {
        assert.equal(stretch.first, next, 'no gap and no overlap');
        assert.ok(stretch.last >= stretch.first);
        for (let serial = stretch.first; serial <= stretch.last; serial += 1n) {
          assert.deepEqual(cards.get(serial), { state: stretch.state, issued: stretch.issued });
        }
        assert.equal(stretch.approval === undefined, stretch.state === 'created');
        next = stretch.last + 1n;
      }
      assert.equal(next, 41n);
      for (const [index, stretch] of stretches.entries()) {
        const after = stretches[index + 1];
        if (!after) continue;
        const isAlike = ['state', 'issued', 'approval'].every(
          (name) => Reflect.get(stretch, name) === Reflect.get(after, name),
        );
        assert.ok(!isAlike, 'neighbours that are alike are one');
      }
    }),
    { numRuns: 2_000 },
  );
});

function sum(stretches: readonly Stretch[]): bigint {
  return stretches.reduce((total, stretch) => total + sizeOf(stretch), 0n);
}
