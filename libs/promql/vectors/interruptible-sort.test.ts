import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitError, QueryCancelledError } from '../syntax/errors.ts';
import { Budget } from './budget.ts';
import { sortInterruptibly } from './interruptible-sort.ts';

function shuffled(count: number): Float64Array {
  let state = count;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state % 1_000_003;
  });
}

test('any number of values, in runs or not', () => {
  for (const count of [0, 1, 2, 1_000, 65_535, 65_536, 65_537, 131_072, 200_000, 400_001]) {
    const values = shuffled(count + 5);
    const expected = values.slice();
    expected.subarray(0, count).sort();
    sortInterruptibly(values, count, new Budget());
    assert.deepEqual(values, expected, String(count));
  }
});

test('memory that it takes is counted, and given back', () => {
  const budget = new Budget({ max_estimated_memory_consumption_per_query: 150_000 * 9 });
  sortInterruptibly(shuffled(140_000), 140_000, budget);
  assert.equal(budget.held, 0);
  assert.throws(() => sortInterruptibly(shuffled(160_000), 160_000, budget), LimitError);
});

test('it stops between runs', () => {
  let looks = 0;
  const cancellation = {
    throwIfCancelled: () => {
      if (++looks === 3) throw new QueryCancelledError();
    },
  };
  assert.throws(
    () => sortInterruptibly(shuffled(300_000), 300_000, new Budget({}, cancellation)),
    QueryCancelledError,
  );
});
