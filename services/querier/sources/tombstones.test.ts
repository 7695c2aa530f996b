import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockMeta, BlockStore, PartitionTombstone } from '@xscaler/database';
import { Labels, Matcher } from '@xscaler/model';
import { Head, writeBlock } from '@xscaler/tsdb';
import { BlockReaders } from './block-readers.ts';
import { FanOut } from './fan-out.ts';
import { LookupBudget } from './lookup-budget.ts';

const TENANT = 'demo';
const { signal } = new AbortController();
const UNLIMITED = new LookupBudget({
  max_fetched_series_per_query: 0,
  max_estimated_memory_consumption_per_query: 0,
});

/** A block store with one block of each partition given; block p ends at offset 10 of partition p. */
function storeOf(partitions: readonly number[], tombstones: readonly PartitionTombstone[]): BlockStore {
  const head = new Head({
    tenant: TENANT,
    partition: 0,
    windowStartMs: 0,
    windowMs: 1_000,
    seq: 0,
    fromOffset: 0,
  });
  for (let i = 0; i < 3; i++)
    head.append(head.create(i, 1, 2, 3, Labels.of({ __name__: 'up', pod: `pod-${i}` })), 100, 0, 0);
  const parts = [...writeBlock(head)].filter((part) => part !== undefined);
  const metas = partitions.map((partition) => ({
    ...{ blockId: `b-${partition}`, tenant: TENANT, partition, level: 0, seq: 0, digest: '' },
    ...{ windowStartMs: 0, windowMs: 1_000, fromOffset: 0, toOffset: 10 },
    ...{ minTimeMs: 100, maxTimeMs: 100, seriesCount: 3, sampleCount: 3 },
  }));
  const store: Pick<BlockStore, 'lastCommits' | 'list' | 'tombstones' | 'readPart'> = {
    lastCommits: async () => new Map(),
    list: async (): Promise<BlockMeta[]> => metas,
    tombstones: async () => [...tombstones],
    readPart: async (_blockId, kind, number, offset, length) => {
      const part = parts.find((one) => one.kind === kind && one.number === number);
      assert.ok(part !== undefined);
      return offset === undefined ? part.bytes : part.bytes.slice(offset, offset + (length ?? 0));
    },
  };
  return store as BlockStore;
}

function tombstoneOf(changes: Partial<PartitionTombstone>): PartitionTombstone {
  const matcherSets = [[new Matcher('=', 'pod', 'pod-1')]];
  return { deletionId: 'd', partition: 0, logOffset: 10, startMs: 0, endMs: 999, matcherSets, ...changes };
}

async function podsOf(partitions: readonly number[], tombstones: readonly PartitionTombstone[]) {
  const store = storeOf(partitions, tombstones);
  const fanOut = new FanOut([], store, new BlockReaders(store, 1_000_000, 1_000_000));
  const scope = {
    tenant: TENANT,
    startMs: 0,
    endMs: 999,
    minOffsets: undefined,
    commits: new Map(),
    requestId: 'a',
  };
  const series = await fanOut.series(scope, [], UNLIMITED, signal);
  const values = await fanOut.labelValues(scope, 'pod', [], UNLIMITED, signal);
  assert.deepEqual(
    series.map((labels) => labels.get('pod')),
    values,
  );
  return values;
}

test('deleted samples are hidden in blocks from before the deletion, not in later ones', async () => {
  const all = ['pod-0', 'pod-1', 'pod-2'];
  assert.deepEqual(await podsOf([0], []), all);
  assert.deepEqual(await podsOf([0], [tombstoneOf({})]), ['pod-0', 'pod-2']);
  assert.deepEqual(await podsOf([0], [tombstoneOf({ logOffset: 9 })]), all, 'written after the deletion');
  assert.deepEqual(await podsOf([0, 1], [tombstoneOf({})]), all, 'another partition has it still');
  assert.deepEqual(await podsOf([0, 1], [tombstoneOf({}), tombstoneOf({ partition: 1 })]), [
    'pod-0',
    'pod-2',
  ]);
  assert.deepEqual(await podsOf([0], [tombstoneOf({ startMs: 101 })]), all);
});
