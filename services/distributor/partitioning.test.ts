import assert from 'node:assert/strict';
import test from 'node:test';
import { Labels, seriesId } from '@xscaler/model';
import { groupKey, partitionOf } from './partitioning.ts';

const keyOf = (record: Record<string, string>) => {
  const labels = Labels.of(record);
  return groupKey('acme', labels, seriesId('acme', labels));
};

test('series that differ in le alone share a key with the series that has none', () => {
  const key = keyOf({ __name__: 'd_bucket', job: 'a' });
  assert.equal(keyOf({ __name__: 'd_bucket', job: 'a', le: '0.5' }), key);
  assert.equal(keyOf({ __name__: 'd_bucket', job: 'a', le: '+Inf' }), key);
  assert.notEqual(keyOf({ __name__: 'd_bucket', job: 'b', le: '+Inf' }), key);
});

test('partitions get equal shares, and the same in every version of the program', () => {
  const counts = new Array(12).fill(0);
  for (let i = 0; i < 12_000; i++) counts[partitionOf(Math.imul(i, 0x9e3779b1) >>> 0, 12)]++;
  for (const count of counts) assert.ok(count > 800 && count < 1_200, `${counts}`);
  // Other distributors, and the records already in the log, rely on these.
  assert.deepEqual(
    [0, 1, 2, 3, 0xffffffff].map((key) => partitionOf(key, 16)),
    [12, 10, 15, 3, 6],
  );
});

test('a further partition takes keys over, and moves none between the others', () => {
  for (let i = 0; i < 2_000; i++) {
    const key = Math.imul(i, 0x9e3779b1) >>> 0;
    const before = partitionOf(key, 8);
    const after = partitionOf(key, 9);
    assert.ok(after === before || after === 8);
  }
});
