import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Currency, currencyNames } from '../base/money.ts';
import { worthOf, worthRefunded } from './order.ts';
import { feeOf, type Price, type Pricing, priceOf } from './quote.ts';

const free: Pricing = { feeFixedMinor: 0n, feeBps: 0n, marginBps: 0n };
const cards: Pricing = { feeFixedMinor: 0n, feeBps: 290n, marginBps: 200n };

/** Face in tenge, currency, rate in millionths, then what is charged, the fee and the margin, by hand. */
const examples = `
  1000  KZT  1000000    cards  1029.00  29.00  0.00    2.9 percent, in tenge
  1010  KZT  1000000    cards  1039.00  29.00  0.00    29.29 down to whole tenge
  1000  USD  519430000  free   1.93     0.00   2.49    192.52 cents, up to 193
  1000  USD  519430000  cards  2.03     29.00  25.44   104958 tiyn with the margin are 202.06 cents, up to 203
  1000  CNY  72500000   cards  14.48    29.00  20.80
  1000  UZS  38100      cards  27548.04 29.00  20.58   less than a tiyn for a unit of it
  100   EUR  600000000  free   0.17     0.00   2.00    the smallest top-up`;

for (const line of examples.trim().split('\n')) {
  const [face = '', currency = '', rate = '', which = '', charge = '', fee = '', margin = '', ...why] = line
    .trim()
    .split(/\s+/);
  test(`${face} tenge in ${currency} at ${rate}, ${which}: ${charge} of which ${fee} fee and ${margin} margin ${why.join(' ')}`, () => {
    const minor = (text: string): bigint => BigInt(text.replace('.', ''));
    const price = priceOf(BigInt(face) * 100n, {
      currency: currency as Currency,
      microTenge: BigInt(rate),
      pricing: which === 'free' ? free : cards,
    });
    assert.deepEqual(price, { amountMinor: minor(charge), feeMinor: minor(fee), marginMinor: minor(margin) });
  });
}

// The laws. Amounts up to ten times what is sold, rates from a thousandth of a tenge to ten thousand tenge.

const faces = fc.bigInt({ min: 1n, max: 500_000_00n });
const rates = fc.bigInt({ min: 1_000n, max: 10_000_000_000n });
const bps = fc.bigInt({ min: 0n, max: 2_000n });
const pricings = fc.record({ feeFixedMinor: fc.bigInt({ min: 0n, max: 1_000_00n }), feeBps: bps, marginBps: bps });
const foreign = fc.constantFrom(...currencyNames.filter((currency) => currency !== 'KZT'));

const RUNS = { numRuns: 500 };

type Case = { face: bigint; currency: Currency; microTenge: bigint; pricing: Pricing };
const cases: fc.Arbitrary<Case> = fc.record({ face: faces, currency: foreign, microTenge: rates, pricing: pricings });
const priced = ({ face, ...rest }: Case): Price => priceOf(face, rest);

/** What an amount of the charge's currency is worth, in millionths of a tiyn: no division, so no rounding. */
const worthMicro = (amountMinor: bigint, microTenge: bigint): bigint => amountMinor * microTenge;

test('a price covers what is due, margin included, and is not a minor unit more than that', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { amountMinor, feeMinor } = priced(one);
      // What is asked for, in hundredths of a percent of millionths of a tiyn.
      const due = (one.face + feeMinor) * (10_000n + one.pricing.marginBps) * 1_000_000n;
      assert.ok(worthMicro(amountMinor, one.microTenge) * 10_000n >= due, 'it covers');
      assert.ok(worthMicro(amountMinor - 1n, one.microTenge) * 10_000n < due, 'one minor unit less would not');
    }),
    RUNS,
  );
});

test('the charge is worth face, fee and margin, and of the rest less than a tiyn is nobody’s', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { amountMinor, feeMinor, marginMinor } = priced(one);
      const worth = worthOf({ faceMinor: one.face, feeMinor, marginMinor });
      const left = worthMicro(amountMinor, one.microTenge) - worth * 1_000_000n;
      assert.ok(left >= 0n && left < 1_000_000n);
    }),
    RUNS,
  );
});

test('the margin is at least what was set, and beyond it less than one minor unit of the charge and one tiyn', () => {
  fc.assert(
    fc.property(cases, (one) => {
      const { feeMinor, marginMinor } = priced(one);
      const set = ((one.face + feeMinor) * one.pricing.marginBps) / 10_000n;
      assert.ok(marginMinor >= set);
      assert.ok(marginMinor - set <= one.microTenge / 1_000_000n + 1n);
    }),
    RUNS,
  );
});

test('tenge are charged to the tiyn and bear no margin', () => {
  fc.assert(
    fc.property(faces, pricings, (face, pricing) => {
      const price = priceOf(face, { currency: 'KZT', microTenge: 1_000_000n, pricing });
      assert.deepEqual(price, { amountMinor: face + price.feeMinor, feeMinor: feeOf(face, pricing), marginMinor: 0n });
    }),
    RUNS,
  );
});

test('a fee is whole tenge, never more than its rate asks for and less than a tenge below it', () => {
  fc.assert(
    fc.property(faces, pricings, (face, pricing) => {
      const fee = feeOf(face, pricing);
      const exact = pricing.feeFixedMinor * 10_000n + face * pricing.feeBps;
      assert.equal(fee % 100n, 0n);
      assert.ok(fee * 10_000n <= exact && exact < (fee + 100n) * 10_000n);
    }),
    RUNS,
  );
});

test('more credit never costs less, nor does a higher fee or margin; a dearer currency never takes more of itself', () => {
  fc.assert(
    fc.property(cases, fc.bigInt({ min: 0n, max: 100_000_00n }), (one, more) => {
      const { amountMinor } = priced(one);
      const { pricing } = one;
      assert.ok(priced({ ...one, face: one.face + more }).amountMinor >= amountMinor);
      const dearer = [
        { ...pricing, feeFixedMinor: pricing.feeFixedMinor + more },
        { ...pricing, feeBps: pricing.feeBps + (more % 500n) },
        { ...pricing, marginBps: pricing.marginBps + (more % 500n) },
      ];
      for (const higher of dearer) assert.ok(priced({ ...one, pricing: higher }).amountMinor >= amountMinor);
      assert.ok(priced({ ...one, microTenge: one.microTenge + more }).amountMinor <= amountMinor);
    }),
    RUNS,
  );
});

test('a price of nothing, or at no rate, is a defect of the caller', () => {
  assert.throws(() => priceOf(0n, { currency: 'USD', microTenge: 1n, pricing: free }), /a price is of something/);
  assert.throws(() => priceOf(1n, { currency: 'USD', microTenge: 0n, pricing: free }), /a price is of something/);
});

test('refunds in parts give back the whole worth, each part no less than nothing', () => {
  const parts = fc.array(fc.bigInt({ min: 1n, max: 100_000n }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(parts, fc.bigInt({ min: 0n, max: 10_000_000_00n }), (amounts, worthMinor) => {
      const amountMinor = amounts.reduce((sum, amount) => sum + amount, 0n);
      let refunded = 0n;
      let given = 0n;
      for (const amount of amounts) {
        const before = worthRefunded({ worthMinor, amountMinor }, refunded);
        refunded += amount;
        const part = worthRefunded({ worthMinor, amountMinor }, refunded) - before;
        assert.ok(part >= 0n);
        given += part;
        assert.ok(given <= worthMinor, 'never more than came in');
      }
      assert.equal(given, worthMinor);
    }),
    RUNS,
  );
});
