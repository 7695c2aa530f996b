import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { firstAfter, firstSoonAfter } from './first-after.ts';

test('the first time that is greater is found from near and from far', () => {
  const times = fc
    .array(fc.integer({ min: 0, max: 60 }), { maxLength: 40 })
    .map((some) => some.sort((a, b) => a - b));
  fc.assert(
    fc.property(times, fc.nat(40), fc.nat(40), fc.integer({ min: -1, max: 61 }), (all, a, b, timeMs) => {
      const from = Math.min(a, b, all.length);
      const to = Math.min(Math.max(a, b), all.length);
      const within = all.slice(from, to).findIndex((time) => time > timeMs);
      const expected = within < 0 ? to : from + within;
      assert.equal(firstAfter(all, from, to, timeMs), expected);
      assert.equal(firstSoonAfter(all, from, to, timeMs), expected);
    }),
  );
});
