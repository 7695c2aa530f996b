import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels } from '@xscaler/model';
import type { QueryResult } from '@xscaler/promql';
import { limited } from './result-limit.ts';

const matrix: QueryResult = {
  type: 'matrix',
  grid: { startMs: 0, stepMs: 1, count: 2 },
  block: {
    labels: [Labels.of({ a: '1' }), Labels.of({ a: '2' })],
    steps: 2,
    values: Float64Array.of(1, 2, 3, 4),
    present: Uint8Array.of(1, 1, 1, 1),
    histograms: undefined,
  },
  warnings: [],
  infos: [],
  stats: {
    samplesRead: 0,
    peakSamples: 0,
    queriedPerStep: new Float64Array(2),
    stagesMs: { preparation: 0, evaluation: 0, sort: 0 },
  },
};

test('a limit keeps the first series and reports the cut', () => {
  const { result, truncated } = limited(matrix, 1);
  assert.ok(truncated && result.type === 'matrix');
  assert.deepEqual([...result.block.values], [1, 2]);
  assert.equal(result.block.labels.length, 1);
});

test('no limit, or a large one, leaves the result unchanged', () => {
  for (const limit of [0, 2, 3])
    assert.deepEqual(limited(matrix, limit), { result: matrix, truncated: false });
});
