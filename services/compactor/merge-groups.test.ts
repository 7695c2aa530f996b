import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CompactionBlock, CompactionInputs, PartitionTombstone } from '@xscaler/database';
import { groupsToMerge } from './merge-groups.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const JOB = { tenant: 't', partition: 1, dayStartMs: 10 * DAY, owner: 'o' };
const BOUNDS = { maxBlocks: 64, maxSeries: 1e6 };

function blockOf(blockId: string, changes: Partial<CompactionBlock> = {}): CompactionBlock {
  const windowStartMs = changes.windowStartMs ?? 10 * DAY;
  return {
    ...{ blockId, tenant: 't', partition: 1, level: 0, windowStartMs, windowMs: 2 * HOUR, seq: 0 },
    ...{ fromOffset: 0, toOffset: 10, minTimeMs: windowStartMs, maxTimeMs: windowStartMs + HOUR },
    ...{ seriesCount: 100, sampleCount: 100, digest: '', purgedOffset: -1 },
    ...changes,
  };
}

function tombstoneOf(changes: Partial<PartitionTombstone> = {}): PartitionTombstone {
  return {
    deletionId: 'd',
    partition: 1,
    logOffset: 50,
    startMs: 0,
    endMs: 20 * DAY,
    matcherSets: [[]],
    ...changes,
  };
}

function grouped(
  blocks: readonly CompactionBlock[],
  changes: Partial<Omit<CompactionInputs, 'commit'>> = {},
  bounds = BOUNDS,
): string[][] {
  const inputs = { blocks, tombstones: [], resumeOffset: 100, ...changes };
  return groupsToMerge(JOB, inputs, bounds).map((group) => group.map(({ blockId }) => blockId));
}

test('the blocks of a day are one group; one alone is left unchanged', () => {
  assert.deepEqual(grouped([blockOf('a'), blockOf('b', { windowStartMs: 10 * DAY + 22 * HOUR })]), [
    ['a', 'b'],
  ]);
  assert.deepEqual(grouped([blockOf('a')]), []);
  assert.deepEqual(grouped([]), []);
});

test('one block alone is written again if it holds what was deleted, and once', () => {
  const tombstones = [tombstoneOf()];
  assert.deepEqual(grouped([blockOf('a')], { tombstones }), [['a']]);
  assert.deepEqual(grouped([blockOf('a', { purgedOffset: 50 })], { tombstones }), []);
  assert.deepEqual(grouped([blockOf('a', { toOffset: 51 })], { tombstones }), [], 'from after the deletion');
  assert.deepEqual(grouped([blockOf('a')], { tombstones, resumeOffset: 50 }), [], 'an earlier head may come');
  assert.deepEqual(grouped([blockOf('a')], { tombstones: [tombstoneOf({ endMs: 10 * DAY - 1 })] }), []);
});

test('a day that shares a block with another is not merged: who comes first would change', () => {
  const straddling = blockOf('s', { windowStartMs: 10 * DAY + 20 * HOUR, windowMs: 7 * HOUR });
  const before = blockOf('y', { windowStartMs: 9 * DAY + 20 * HOUR, windowMs: 7 * HOUR });
  for (const other of [straddling, before])
    assert.deepEqual(grouped([other, blockOf('a'), blockOf('b')]), []);
  const blocks = [before, blockOf('a'), blockOf('b', { purgedOffset: 60 }), straddling];
  assert.deepEqual(
    grouped(blocks, { tombstones: [tombstoneOf()] }),
    [['a'], ['s']],
    'those that begin in the day',
  );
});

test('what is too much for one merge is left for the next, the first blocks first', () => {
  const blocks = ['a', 'b', 'c', 'd'].map((blockId, i) => blockOf(blockId, { fromOffset: i }));
  assert.deepEqual(grouped(blocks, {}, { maxBlocks: 3, maxSeries: 1e6 }), [['a', 'b', 'c']]);
  assert.deepEqual(grouped(blocks, {}, { maxBlocks: 64, maxSeries: 350 }), [['a', 'b', 'c']]);
  assert.deepEqual(grouped(blocks, {}, { maxBlocks: 1, maxSeries: 1 }), [['a', 'b']], 'a day must get on');
});
