import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { Refusal } from '../base/refusal.ts';
import { loadCatalogue, type OperatorId } from './index.ts';
import { parsePrices, priceLookups } from './prices.ts';

const dir = fileURLToPath(new URL('../../data/kz', import.meta.url));
const yaml = readFileSync(`${dir}/prices.yaml`, 'utf8');
const file = 'kz/prices.yaml';
const operators = ['kcell', 'beeline', 'tele2'];
const catalogue = loadCatalogue(dir);

for (const [method, fee, margin, days] of [
  ['stripe', 290n, 200n, 10],
  ['paypal', 390n, 200n, 5],
  ['sandbox', 0n, 200n, 1],
] as const) {
  test(`${method} takes ${fee} and ${margin} hundredths of a percent, and gives back within ${days} working days`, () => {
    for (const { id } of catalogue.operators()) {
      const { feeFixedMinor, feeBps, marginBps } = catalogue.pricing(id, method);
      assert.deepEqual([feeFixedMinor, feeBps, marginBps], [0n, fee, margin]);
    }
    assert.equal(catalogue.refundDays(method), days);
  });
}

test('a method without a price is not sold', () => {
  for (const method of ['cash', '', '__proto__', 'stripe kcell']) {
    assert.throws(
      () => catalogue.pricing(catalogue.parseOperator('kcell'), method),
      (error) => error instanceof Refusal && error.code === 'method.unsupported',
    );
  }
});

test("an operator's own row goes before the method's", () => {
  const own = `${yaml.replace('fee_fixed: 0\n    fee_bps: 290', 'fee_fixed: 25\n    fee_bps: 290')}`.replace(
    'prices:\n',
    `prices:
  - { method: stripe, operator: tele2, fee_fixed: 0, fee_bps: 100, margin_bps: 150, source: contract, verified_at: 2026-11-24, confidence: high }
`,
  );
  const { pricing } = priceLookups(parsePrices({ yaml: own, file }, operators));
  assert.equal(pricing('tele2' as OperatorId, 'stripe').feeBps, 100n);
  assert.equal(pricing('kcell' as OperatorId, 'stripe').feeBps, 290n);
  assert.equal(pricing('kcell' as OperatorId, 'stripe').feeFixedMinor, 25_00n, 'whole tenge in the file are tiyn here');
  assert.equal(pricing('tele2' as OperatorId, 'paypal').feeBps, 390n);
});

test('every price has source, date and confidence, and none claims to be a tariff', () => {
  const sections: Record<string, Record<string, unknown>[]> = parse(yaml);
  for (const row of Object.values(sections).flat()) {
    assert.match(String(row.source), /\S/);
    assert.match(String(row.verified_at), /^\d{4}-\d{2}-\d{2}$/);
    assert.match(String(row.confidence), /^(?:high|medium|low)$/);
  }
});

/** Each defect is made by one replacement in the real file: [what, find, put, the message must contain]. */
const defects: readonly (readonly [what: string, find: string | RegExp, put: string, said: string])[] = [
  ['no source', /(prices:\n(?:.*\n){4}) {4}source: .*\n/, '$1', 'prices row 1: source is missing'],
  ['a fee in percent', 'fee_bps: 290', 'fee_bps: 2.9', 'prices row 1: fee_bps must be integer'],
  ['a fee that pays us', 'fee_bps: 290', 'fee_bps: -1', 'prices row 1: fee_bps must be >= 0'],
  ['a fee of a quarter', 'fee_bps: 290', 'fee_bps: 2500', 'prices row 1: fee_bps must be <= 2000'],
  ['a method twice', 'method: paypal', 'method: stripe', 'prices row 2: stripe is already in row 1'],
  [
    'an operator nobody knows',
    'method: paypal',
    'method: paypal\n    operator: astelit',
    'prices row 2: operator astelit is not in operators.yaml',
  ],
  [
    'a method priced for one operator alone',
    'method: paypal',
    'method: paypal\n    operator: kcell',
    'prices row 2: paypal has no row for all operators',
  ],
  [
    'a method that gives nothing back',
    /refunds:\n(?: {2}- method: stripe\n(?: {4}.*\n)+)/,
    'refunds:\n',
    'prices row 1: stripe has no row in refunds',
  ],
  [
    'a refund of a method nobody pays by',
    /prices:\n(?: {2}- method: stripe\n(?: {4}.*\n)+)/,
    'prices:\n',
    'refunds row 1: stripe has no row in prices',
  ],
  ['days upside down', 'working_days_min: 5', 'working_days_min: 11', 'refunds row 1: working_days_min is above'],
  ['a misspelt field', 'margin_bps: 200', 'margin: 200', 'prices row 1: margin is not a field of this section'],
];

for (const [what, find, put, said] of defects) {
  test(`turned away: ${what}`, () => {
    const broken = yaml.replace(find, put);
    assert.notEqual(broken, yaml, 'the defect was planted');
    assert.throws(
      () => parsePrices({ yaml: broken, file }, operators),
      (error: Error) => {
        assert.ok(error.message.includes(said), error.message);
        return true;
      },
    );
  });
}
