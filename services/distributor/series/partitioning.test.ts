import assert from 'node:assert/strict';
import test from 'node:test';
import { Labels, seriesId } from '@xscaler/model';
import { groupKey } from './partitioning.ts';

const keyOf = (record: Record<string, string>) => {
  const labels = Labels.of(record);
  return groupKey('acme', labels, seriesId('acme', labels));
};

test('series that differ only in le share a key with the series without it', () => {
  const key = keyOf({ __name__: 'd_bucket', job: 'a' });
  assert.equal(keyOf({ __name__: 'd_bucket', job: 'a', le: '0.5' }), key);
  assert.equal(keyOf({ __name__: 'd_bucket', job: 'a', le: '+Inf' }), key);
  assert.notEqual(keyOf({ __name__: 'd_bucket', job: 'b', le: '+Inf' }), key);
});
