import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels } from '@xscaler/model';
import { HeadMemory } from '@xscaler/tsdb';
import { headsToCut } from './cut-policy.ts';
import { PartitionHeads } from './partition-heads.ts';

const SETTINGS = { graceMs: 10, lateHeadAgeMs: 50, lateHeadBytes: 1 << 30, maxHeadBytes: 1 << 30 };

function cutWindows(heads: PartitionHeads, nowMs: number, settings = SETTINGS): number[] {
  return headsToCut(heads, settings, nowMs).map(({ head }) => head.windowStartMs);
}

test('a head that was opened on time is cut when its window has been over for the grace period', () => {
  const heads = new PartitionHeads(0, new HeadMemory(0));
  heads.mustOpen('t', 0, 1_000, 0, 500);
  assert.deepEqual(cutWindows(heads, 1_009), []);
  assert.deepEqual(cutWindows(heads, 1_010), [0]);
});

test('a head that late samples opened is cut at the maximum age', () => {
  const heads = new PartitionHeads(0, new HeadMemory(0));
  heads.mustOpen('t', 0, 1_000, 0, 5_000);
  assert.deepEqual(cutWindows(heads, 5_049), []);
  assert.deepEqual(cutWindows(heads, 5_050), [0]);
});

test('a late head is cut at the maximum size', () => {
  const heads = new PartitionHeads(0, new HeadMemory(0));
  const { head } = heads.mustOpen('t', 0, 1_000, 0, 5_000);
  head.append(head.create(1, 2, 3, 4, Labels.of({ a: 'b' })), 1, 0, 0);
  assert.deepEqual(cutWindows(heads, 5_001, { ...SETTINGS, lateHeadBytes: 1 }), [0]);
});

test('at the memory bound the largest head is cut, whatever its window', () => {
  const heads = new PartitionHeads(0, new HeadMemory(0));
  heads.mustOpen('t', 0, 1_000, 0, 100);
  const { head } = heads.mustOpen('t', 1_000, 1_000, 0, 100);
  for (let i = 0; i < 2_000; i++)
    head.append(head.create(i, 2, 3, 4, Labels.of({ a: `b${i}` })), 1_001, 0, 0);
  assert.deepEqual(cutWindows(heads, 200), []);
  assert.deepEqual(cutWindows(heads, 200, { ...SETTINGS, maxHeadBytes: 1 }), [1_000]);
});

test('a requested cut is not requested again at once', () => {
  const heads = new PartitionHeads(0, new HeadMemory(0));
  heads.mustOpen('t', 0, 1_000, 0, 500);
  assert.deepEqual(cutWindows(heads, 100_000), [0]);
  assert.deepEqual(cutWindows(heads, 100_001), []);
  assert.deepEqual(cutWindows(heads, 111_000), [0]);
});
