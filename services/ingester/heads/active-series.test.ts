import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels, seriesId } from '@xscaler/model';
import { type Head, HeadMemory } from '@xscaler/tsdb';
import { activeIdsOf, activeSeriesOf } from './active-series.ts';
import { PartitionHeads } from './partition-heads.ts';

const HOUR_MS = 3_600_000;
const NOW_MS = 100 * HOUR_MS;

const words = (i: number) =>
  new Int32Array(new Uint8Array(seriesId('t', Labels.of({ i: String(i) }))).buffer) as unknown as readonly [
    number,
    number,
    number,
    number,
  ];

function add(head: Head, from: number, to: number): void {
  for (let i = from; i < to; i++) head.create(...words(i), Labels.of({ i: String(i) }));
}

const countsOf = (heads: PartitionHeads) => Object.fromEntries(activeSeriesOf(3, heads, NOW_MS).byTenant);

test('a series in several heads counts once, and only while it is active', () => {
  const heads = new PartitionHeads(3, new HeadMemory(0));
  add(heads.mustOpen('t', NOW_MS - HOUR_MS, 2 * HOUR_MS, 0, 0).head, 0, 100);
  add(heads.mustOpen('t', NOW_MS - 1.5 * HOUR_MS, HOUR_MS, 1, 0).head, 90, 120);
  add(heads.mustOpen('t', NOW_MS - 3 * HOUR_MS, HOUR_MS, 2, 0).head, 110, 125);
  add(heads.mustOpen('t', NOW_MS - 2.5 * HOUR_MS, HOUR_MS, 4, 0).head, 100, 130);
  add(heads.mustOpen('u', NOW_MS - HOUR_MS, 2 * HOUR_MS, 3, 0).head, 0, 7);
  assert.equal(activeSeriesOf(3, heads, NOW_MS).partition, 3);
  assert.deepEqual(countsOf(heads), { t: 120, u: 7 });
});

test('the count across large heads is a close estimate', () => {
  const heads = new PartitionHeads(3, new HeadMemory(0));
  add(heads.mustOpen('t', NOW_MS - HOUR_MS, HOUR_MS, 0, 0).head, 0, 40_000);
  add(heads.mustOpen('t', NOW_MS, HOUR_MS, 1, 0).head, 10_000, 60_000);
  const { t } = countsOf(heads);
  assert.ok(Math.abs(t - 60_000) < 1_000, `${t}`);
});

test('the ids are those of one tenant’s series', () => {
  const heads = new PartitionHeads(3, new HeadMemory(0));
  add(heads.mustOpen('t', NOW_MS - HOUR_MS, 2 * HOUR_MS, 0, 0).head, 0, 3);
  add(heads.mustOpen('t', NOW_MS - 1.5 * HOUR_MS, HOUR_MS, 1, 0).head, 3, 5);
  add(heads.mustOpen('t', NOW_MS - 9 * HOUR_MS, HOUR_MS, 2, 0).head, 5, 6);
  add(heads.mustOpen('u', NOW_MS - HOUR_MS, 2 * HOUR_MS, 3, 0).head, 6, 7);
  const bytes = activeIdsOf(heads, 't', NOW_MS);
  const ids = Array.from({ length: bytes.length / 16 }, (_, i) =>
    Buffer.from(bytes.subarray(16 * i, 16 * i + 16)).toString('hex'),
  );
  const expected = [0, 1, 2, 3, 4].map((i) =>
    Buffer.from(seriesId('t', Labels.of({ i: `${i}` }))).toString('hex'),
  );
  assert.deepEqual(ids.sort(), expected.sort());
  assert.equal(activeIdsOf(heads, 'nobody', NOW_MS).length, 0);
});
