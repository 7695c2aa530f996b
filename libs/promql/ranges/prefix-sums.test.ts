import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KahanSum } from '../numbers/kahan.ts';
import { Budget } from '../vectors/budget.ts';
import { PrefixSums } from './prefix-sums.ts';

const decimals = fc.array(
  fc.integer({ min: -2_000_000, max: 2_000_000 }).map((thousandths) => thousandths / 1_000),
  { minLength: 1, maxLength: 200 },
);
const near = fc.array(fc.double({ min: 0.5, max: 1_000, noNaN: true }), { minLength: 1, maxLength: 200 });
const any = fc.array(fc.double(), { minLength: 1, maxLength: 20 });

test('what prefix sums tell of a window is what a compensated sum of it comes to, to the last bit', () => {
  const known = { decimals: 0, near: 0, any: 0 };
  const check = (kind: keyof typeof known) => (values: readonly number[]) => {
    const sums = new PrefixSums();
    const column = Float64Array.from(values);
    sums.begin(column, values.length, new Budget());
    if (!sums.isWhole && !sums.beginRounded(column, values.length, new Budget())) return;
    known[kind]++;
    for (let from = 0; from < values.length; from += 7) {
      const kahan = new KahanSum();
      for (let to = from + 1; to <= values.length; to++) {
        kahan.add(values[to - 1]);
        assert.equal(sums.total(from, to), kahan.total);
        assert.equal(sums.lostFrom(kahan.sum, from, to), kahan.compensation);
      }
    }
  };
  fc.assert(fc.property(decimals, check('decimals')));
  fc.assert(fc.property(near, check('near')), { numRuns: 300 });
  fc.assert(fc.property(any, check('any')), { numRuns: 300 });
  // Values of one size are nearly always known, values of any size hardly ever.
  assert.ok(known.decimals > 90 && known.near > 290, JSON.stringify(known));
});

test('values too far apart, infinite or no numbers have no prefix sums', () => {
  for (const values of [
    [1e-300, 1e300],
    [0.5, Number.NaN],
    [0.5, Number.POSITIVE_INFINITY],
    [1e308, 1e308],
  ]) {
    const sums = new PrefixSums();
    const column = Float64Array.from(values);
    sums.begin(column, values.length, new Budget());
    assert.equal(sums.isWhole, false);
    assert.equal(sums.beginRounded(column, values.length, new Budget()), false);
  }
});
