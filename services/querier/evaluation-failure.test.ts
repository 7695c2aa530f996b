import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitError } from '@xscaler/promql';
import { evaluationFailure } from './evaluation-failure.ts';

test('a query too large for its thread is the query’s fault, a read that failed is not', () => {
  assert.equal(evaluationFailure(new RangeError('Array buffer allocation failed')).status, 422);
  assert.equal(evaluationFailure(new LimitError('max_samples_per_query', 'too many samples')).status, 422);
  assert.equal(evaluationFailure(new Error('partition 3 has no owner')).status, 503);
});
