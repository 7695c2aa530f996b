import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Budget } from './budget.ts';
import { LatestSamples } from './latest-samples.ts';

const STEPS = 40;
const LOOKBACK_MS = 30;
const times = fc.uniqueArray(fc.nat(400), { maxLength: 60 }).map((all) => all.sort((a, b) => a - b));

test('of each step the latest sample within the lookback is found, also for series scraped at the same times', () => {
  fc.assert(
    fc.property(
      fc.array(times, { minLength: 1, maxLength: 3 }),
      fc.array(fc.nat(2), { maxLength: 12 }),
      fc.integer({ min: 1, max: 20 }),
      fc.option(fc.nat(400), { nil: undefined }),
      fc.integer({ min: -50, max: 50 }),
      (targets, order, stepMs, atMs, offsetMs) => {
        const time = { atMs, offsetMs, rangeMs: 0, stepMs: 0 };
        const grid = { startMs: 0, stepMs, count: STEPS };
        const queried = new Float64Array(STEPS);
        const counted = new Float64Array(STEPS);
        const latest = new LatestSamples(time, grid, LOOKBACK_MS, new Budget(), queried);
        for (const one of order) {
          const timestamps = targets[one % targets.length];
          const found = latest.of(Float64Array.from(timestamps), timestamps.length);
          const { at } = found;
          const there = [...at.keys()].filter((step) => at[step] >= 0);
          const [first = 0] = there;
          const isRun = there.every((step, i) => step === first + i);
          const run = isRun && there.length > 0 ? [first, first + there.length] : [0, 0];
          assert.deepEqual([found.from, found.to], run);
          found.uncounted++;
          for (let step = 0; step < STEPS; step++) {
            const refMs = (atMs ?? step * stepMs) - offsetMs;
            const wanted = timestamps.findLastIndex((ms) => ms <= refMs && ms > refMs - LOOKBACK_MS);
            assert.equal(at[step], wanted);
            if (wanted >= 0) counted[step]++;
          }
        }
        latest.countQueried();
        assert.deepEqual(queried, counted);
      },
    ),
  );
});
