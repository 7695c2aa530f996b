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

const RANGE_MS = 60_000;

/** A function's value over one window, computed alone: a grid of one step. */
function evaluate(
  name: FunctionName,
  samples: [number, number][],
  startMs: number,
  stepMs: number,
  count: number,
) {
  const series = {
    labels: Labels.EMPTY,
    read(dst: SampleColumns) {
      for (const [timestampMs, value] of samples) dst.append(timestampMs, value);
    },
  };
  const grid = { startMs, stepMs, count };
  const scalars = [new Float64Array(count).fill(0.3), new Float64Array(count).fill(0.6)];
  const fn = rangeFunction(name)?.(scalars, RANGE_MS);
  assert.ok(fn);
  const budget = new Budget();
  const time = { offsetMs: 0, atMs: undefined, rangeMs: RANGE_MS, stepMs: 0 };
  const report = new RangeReport(new Annotations(''), { start: 0, end: 0 });
  const block = slideWindows(
    new SelectorSource([series], time, false, budget),
    grid,
    fn,
    budget,
    report,
    new QueriedSamples(grid.count),
  );
  return Array.from({ length: count }, (_, k) => (block.present[k] === 1 ? block.values[k] : undefined));
}

const NAMES: FunctionName[] = [
  'rate',
  'increase',
  'delta',
  'irate',
  'idelta',
  'sum_over_time',
  'avg_over_time',
  'min_over_time',
  'max_over_time',
  'count_over_time',
  'last_over_time',
  'first_over_time',
  'present_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'quantile_over_time',
  'mad_over_time',
  'changes',
  'resets',
  'deriv',
  'predict_linear',
  'double_exponential_smoothing',
  'ts_of_max_over_time',
  'ts_of_min_over_time',
];

const value = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.double({ min: -1e6, max: 1e6 }),
  fc.constantFrom(Number.NaN, 1e16, Number.POSITIVE_INFINITY),
);
const run = fc.array(fc.tuple(fc.integer({ min: 1, max: 40_000 }), value), { maxLength: 40 });

test('sliding over many steps gives what each window gives alone', () => {
  fc.assert(
    fc.property(run, fc.integer({ min: 1000, max: 90_000 }), (gaps, stepMs) => {
      let timeMs = 0;
      const samples = gaps.map(([gapMs, one]): [number, number] => {
        timeMs += gapMs;
        return [timeMs, one];
      });
      for (const name of NAMES) {
        const slid = evaluate(name, samples, 0, stepMs, 12);
        const alone = slid.map((_, k) => evaluate(name, samples, k * stepMs, 1, 1)[0]);
        assert.deepEqual(slid, alone, name);
      }
    }),
    { numRuns: 150 },
  );
});

test('a rate is extrapolated to the ends of its window, and to no value below zero', () => {
  const samples = [0, 15, 30, 45, 60].map((seconds): [number, number] => [seconds * 1000, seconds]);
  assert.deepEqual(evaluate('increase', samples, 60_000, 1, 1), [60]);
  const late = samples.map(([timestampMs, one]): [number, number] => [timestampMs + 10_000, one]);
  const [increase] = evaluate('increase', late, 60_000, 1, 1);
  assert.ok(Math.abs((increase as number) - 50) < 1e-9);
});

test('a fall of a counter is a reset', () => {
  const samples: [number, number][] = [
    [15_000, 10],
    [30_000, 20],
    [45_000, 5],
    [60_000, 15],
  ];
  const [increase] = evaluate('increase', samples, 60_000, 1, 1);
  assert.ok(Math.abs((increase as number) - (25 * 60) / 45) < 1e-9);
  assert.deepEqual(evaluate('resets', samples, 60_000, 1, 1), [1]);
});
