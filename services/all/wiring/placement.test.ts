import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '@xscaler/runtime/config';
import { configSchema } from '../configuration/config.ts';
import { partitionsOf } from './placement.ts';

function partitions(ordinal: number, ingesters: number, count: number): number[] {
  const flags = {
    '--cluster.ordinal': ordinal,
    '--cluster.ingesters-per-zone': ingesters,
  };
  const argv = Object.entries(flags).map(([name, value]) => `${name}=${value}`);
  return partitionsOf(loadConfig(configSchema, { argv, env: {}, yaml: undefined }), count);
}

test('the ingesters of a zone share all partitions, each has its own', () => {
  assert.deepEqual(partitions(0, 2, 4), [0, 2]);
  assert.deepEqual(partitions(1, 2, 4), [1, 3]);
  assert.deepEqual(partitions(2, 3, 4), [2]);
  assert.deepEqual(partitions(0, 1, 3), [0, 1, 2]);
});

test('a place without a partition is an error that names the settings', () => {
  assert.throws(() => partitions(2, 2, 4), /cluster\.ordinal is 2.*cluster\.ingesters_per_zone/);
  assert.throws(() => partitions(3, 4, 2), /cluster\.ordinal is 3.*2 partitions/);
});
