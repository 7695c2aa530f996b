import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionsWatch } from './replay.ts';

async function reasonOf(status: Parameters<typeof partitionsWatch>[1]): Promise<string | undefined> {
  const watch = partitionsWatch([], status);
  assert.notEqual(watch.notReady?.(), undefined, 'nobody is ready before the first look');
  await watch.start(new AbortController().signal);
  await watch.stop?.();
  return watch.notReady?.();
}

test('ready means that every partition is live', async () => {
  assert.equal(await reasonOf(async () => ({ 0: { state: 'live', nextOffset: 7 } })), undefined);
});

test('an ingester that was not given its partitions yet is not ready', async () => {
  assert.equal(await reasonOf(async () => ({})), 'no partition is assigned yet');
});

test('a partition that is not live is named', async () => {
  const status = { 0: { state: 'live', nextOffset: 7 }, 2: { state: 'replaying', nextOffset: 3 } } as const;
  assert.equal(await reasonOf(async () => status), 'partition 2 is replaying');
});

test('an ingester that does not say where it stands is not ready', async () => {
  const failing = () => Promise.reject(new Error('connect ECONNREFUSED 10.1.2.3:9009'));
  assert.equal(await reasonOf(failing), 'the ingester does not answer');
});
