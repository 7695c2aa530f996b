import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels, type SampleColumns } from '@xscaler/model';
import fc from 'fast-check';
import type { FunctionName } from '../syntax/signatures.ts';
import { Annotations } from '../vectors/annotations.ts';
import { Budget } from '../vectors/budget.ts';
import { QueriedSamples } from '../vectors/queried-samples.ts';
import { rangeFunction } from './range-functions.ts';
import { RangeReport } from './range-report.ts';
import { SelectorSource } from './range-source.ts';
import { slideWindows } from './slide.ts';
import type { WindowFunction } from './window.ts';

const NAMES: FunctionName[] = [
  ...(['rate', 'increase', 'delta', 'irate', 'idelta', 'changes', 'resets'] as const),
  ...(['sum_over_time', 'avg_over_time', 'min_over_time', 'max_over_time', 'count_over_time'] as const),
  ...(['last_over_time', 'first_over_time', 'present_over_time', 'quantile_over_time'] as const),
  ...(['stddev_over_time', 'stdvar_over_time', 'mad_over_time'] as const),
  ...(['ts_of_max_over_time', 'ts_of_min_over_time', 'ts_of_first_over_time'] as const),
];

const RANGE_MS = 60_000;
const STEPS = 30;

const value = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.integer({ min: 0, max: 9_000 }).map((thousandths) => thousandths / 1_000),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }),
  fc.constantFrom(Number.NaN, 1e16, -1e16, 1e308, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
);
const values = fc.oneof(fc.array(value, { maxLength: 60 }), fc.array(fc.nat(1_000), { maxLength: 60 }));

interface Sampled {
  readonly samples: readonly number[];
  readonly gapMs: number;
}

function slide(fn: WindowFunction, sampled: readonly Sampled[], stepMs: number) {
  const series = sampled.map(({ samples, gapMs }, number) => ({
    labels: Labels.of({ number: String(number) }),
    read: (dst: SampleColumns) => samples.forEach((one, i) => void dst.append(1 + i * gapMs, one)),
  }));
  const budget = new Budget();
  const time = { offsetMs: 0, atMs: undefined, rangeMs: RANGE_MS, stepMs: 0 };
  const report = new RangeReport(new Annotations(''), { start: 0, end: 0 });
  const queried = new QueriedSamples(STEPS);
  const source = new SelectorSource(series, time, false, budget);
  const block = slideWindows(source, { startMs: 0, stepMs, count: STEPS }, fn, budget, report, queried);
  const cells = Array.from({ length: STEPS * block.rows }, (_, k) =>
    block.present[k] === 1 ? block.values[k] : undefined,
  );
  return {
    numbers: block.labels.map((labels) => labels.get('number')),
    cells,
    queried: [...queried.perStep],
  };
}

test('a function that takes all windows at once gives what it gives window by window', () => {
  const scalars = [Float64Array.from({ length: STEPS }, (_, k) => (k % 13) / 10 - 0.1)];
  // Of few targets, so that several series have the times of one.
  const targets = fc.constantFrom(0, 1);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(values, targets), { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 500, max: 40_000 }), { minLength: 2, maxLength: 2 }),
      fc.integer({ min: 500, max: 90_000 }),
      (series, gaps, step) => {
        const sampled = series.map(([samples, target]) => ({ samples, gapMs: gaps[target] }));
        for (const name of NAMES) {
          const atOnce = rangeFunction(name)?.(scalars, RANGE_MS);
          const single = rangeFunction(name)?.(scalars, RANGE_MS);
          assert.ok(atOnce?.applyAll && single, name);
          const oneByOne: WindowFunction = {
            begin: (loaded, budget) => single.begin(loaded, budget),
            apply: (window) => single.apply(window),
          };
          assert.deepEqual(slide(atOnce, sampled, step), slide(oneByOne, sampled, step), name);
        }
      },
    ),
    { numRuns: 300 },
  );
});
