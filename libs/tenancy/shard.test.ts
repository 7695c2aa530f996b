import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { partitionOf, type Shard, shardOf, shardSizeFor } from './shard.ts';

const all = (count: number): Shard => ({ partitions: shardOf('anybody', 0, count) });
const key = fc.integer({ min: 0, max: 0xffffffff });
const count = fc.integer({ min: 1, max: 64 });

test('partitions get equal shares, and the same in every version of the program', () => {
  const counts = new Array(12).fill(0);
  for (let i = 0; i < 12_000; i++) counts[partitionOf(Math.imul(i, 0x9e3779b1) >>> 0, all(12))]++;
  for (const each of counts) assert.ok(each > 800 && each < 1_200, `${counts}`);
  // Other distributors, and the records already in the log, rely on these.
  assert.deepEqual(
    [0, 1, 2, 3, 0xffffffff].map((each) => partitionOf(each, all(16))),
    [12, 10, 15, 3, 6],
  );
  assert.deepEqual(shardOf('acme', 3, 16), shardOf('acme', 3, 16));
});

test('growth moves only the keys that the new partitions win', () => {
  fc.assert(
    fc.property(key, count, count, (each, before, more) => {
      const was = partitionOf(each, all(before));
      const is = partitionOf(each, all(before + more));
      assert.ok(is === was || is >= before, `${was} to ${is}`);
    }),
  );
});

test('a shard has as many partitions as it should, of those there are', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(80), count, (tenant, size, partitions) => {
      const shard = shardOf(tenant, size, partitions);
      assert.equal(shard.length, size === 0 ? partitions : Math.min(size, partitions));
      assert.deepEqual(
        [...new Set(shard)].sort((a, b) => a - b),
        shard,
      );
      assert.ok(shard.every((partition) => partition >= 0 && partition < partitions));
    }),
  );
});

test('a larger shard keeps the partitions of a smaller one, and keys move to the new ones alone', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 20 }), count, key, (tenant, size, more, each) => {
      const small = shardOf(tenant, size, 64);
      const large = shardOf(tenant, size + more, 64);
      assert.ok(small.every((partition) => large.includes(partition)));
      const is = partitionOf(each, { partitions: large });
      assert.ok(is === partitionOf(each, { partitions: small }) || !small.includes(is));
    }),
  );
});

test('one partition more takes one place of a shard at most', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 20 }), count, (tenant, size, partitions) => {
      const before = new Set(shardOf(tenant, size, partitions));
      const added = shardOf(tenant, size, partitions + 1).filter((partition) => !before.has(partition));
      assert.ok(added.length === 0 || (added.length === 1 && added[0] === partitions), `${added}`);
    }),
  );
});

test('tenants are spread evenly', () => {
  const counts = new Array(8).fill(0);
  for (let i = 0; i < 4_000; i++) for (const partition of shardOf(`tenant-${i}`, 2, 8)) counts[partition]++;
  for (const each of counts) assert.ok(each > 800 && each < 1_200, `${counts}`);
});

test('a partition for each 100,000 series, all of them without a limit', () => {
  assert.deepEqual([0, 1, 10_000, 100_000, 100_001, 750_000].map(shardSizeFor), [0, 1, 1, 1, 2, 8]);
});
