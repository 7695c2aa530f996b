import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '@xscaler/runtime/config';
import { configSchema } from '../configuration/config.ts';
import { PartitionGrowth } from './partition-growth.ts';

const never = new AbortController().signal;

function growthOf(ordinal: number, count: () => Promise<number>) {
  const argv = [`--cluster.ordinal=${ordinal}`, '--cluster.ingesters-per-zone=2'];
  const { cluster } = loadConfig(configSchema, { argv, env: {}, yaml: undefined });
  const owned: (readonly number[])[] = [];
  const faults: unknown[] = [];
  const growth = new PartitionGrowth({
    cluster,
    known: async () => 4,
    count,
    own: async (partitions) => {
      owned.push(partitions);
    },
    onFault: (error) => faults.push(error),
  });
  return { growth, owned, faults };
}

test('what the database knows is taken first, then what the log has beyond', async () => {
  const { growth, owned } = growthOf(1, async () => 7);
  await growth.start(never);
  await growth.stop();
  assert.deepEqual(owned, [
    [1, 3],
    [1, 3, 5],
  ]);
});

test('a log with fewer partitions, or one that is not open yet, takes none away', async () => {
  for (const count of [0, 3, 4]) {
    const { growth, owned } = growthOf(0, async () => count);
    await growth.start(never);
    await growth.stop();
    assert.deepEqual(owned, [[0, 2]]);
  }
});

test('a log that fails is told of and looked at again', async () => {
  const { growth, owned, faults } = growthOf(0, () => Promise.reject(new Error('no broker')));
  await growth.start(never);
  await growth.stop();
  assert.deepEqual(owned, [[0, 2]]);
  assert.match(String(faults[0]), /no broker/);
});

test('a place without a partition is an error', async () => {
  const { growth } = growthOf(5, async () => 4);
  await assert.rejects(growth.start(never), /cluster\.ordinal is 5/);
});
