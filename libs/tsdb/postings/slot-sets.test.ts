import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allSlots, keepSlots, sortSlots, unionSlots } from './slot-sets.ts';

const SLOTS = 300;
const ascending = fc
  .uniqueArray(fc.nat(SLOTS - 1), { maxLength: SLOTS })
  .map((slots) => Uint32Array.from(slots).sort());

test('unions, intersections and differences are those of sets', () => {
  fc.assert(
    fc.property(fc.array(ascending, { maxLength: 4 }), ascending, (lists, other) => {
      const union = unionSlots(lists, SLOTS);
      assert.deepEqual(new Set(union), new Set(lists.flatMap((list) => [...list])));
      assert.deepEqual(
        [...union],
        [...union].sort((a, b) => a - b),
      );
      const members = new Set(other);
      assert.deepEqual(
        [...keepSlots(union, other, true)],
        [...union].filter((slot) => members.has(slot)),
      );
      assert.deepEqual(
        [...keepSlots(union, other, false)],
        [...union].filter((slot) => !members.has(slot)),
      );
    }),
  );
});

test('lists in any order are sorted, sparse and dense', () => {
  const distinct = fc.uniqueArray(fc.nat(SLOTS - 1), { maxLength: SLOTS });
  fc.assert(
    fc.property(distinct, fc.constantFrom(SLOTS, 1_000_000), (slots, slotCount) => {
      const sorted = sortSlots(Uint32Array.from(slots), slotCount);
      assert.deepEqual(
        [...sorted],
        slots.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('sparse lists leap over dense ones', () => {
  const dense = allSlots(100_000);
  assert.deepEqual([...keepSlots(Uint32Array.of(0, 5, 99_999), dense, true)], [0, 5, 99_999]);
  assert.equal(keepSlots(dense, Uint32Array.of(0, 5, 99_999), false).length, 99_997);
});
