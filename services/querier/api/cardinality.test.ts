import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SeriesCounts } from '@xscaler/tsdb';
import fc from 'fast-check';
import { Cardinality, type Counted, largest } from './cardinality.ts';

const { signal } = new AbortController();

function counts(seriesCount: number, byName: Record<string, Record<string, number>>): SeriesCounts {
  const labels = Object.entries(byName).map(([name, values]) => ({
    name,
    values: Object.keys(values),
    seriesCounts: Object.values(values),
  }));
  return { seriesCount, labels };
}

function heads(partition: number, counted: SeriesCounts) {
  return { partition, chunkCount: 1, minTimeMs: 0, maxTimeMs: 0, ...counted };
}

test('partitions add up; within one, the largest count of any source wins, value by value', async () => {
  const sources = {
    heads: [
      heads(0, counts(5, { job: { a: 3, b: 2 } })),
      heads(1, counts(2, { job: { a: 2 }, host: { x: 1 } })),
    ],
    blocks: [
      { partition: 0, counts: counts(6, { job: { a: 4, c: 2 } }) },
      { partition: 0, counts: counts(1, { job: { b: 1 } }) },
      { partition: 7, counts: counts(1, { host: { x: 1 } }) },
    ],
  };
  const cardinality = await Cardinality.of(sources, signal);
  assert.equal(cardinality.seriesCount, 6 + 2 + 1);
  assert.equal(cardinality.valueCount, 4);
  assert.deepEqual(
    [...cardinality.valuesOf('job')],
    [
      ['a', 4 + 2],
      ['b', 2],
      ['c', 2],
    ],
  );
  assert.deepEqual([...cardinality.valuesOf('host')], [['x', 2]]);
  assert.equal(cardinality.valuesOf('nothing').size, 0);
});

test('a count without sources is empty, and a cancelled one ends', async () => {
  const empty = await Cardinality.of({ heads: [], blocks: [] }, signal);
  assert.equal(empty.seriesCount, 0);
  assert.equal(empty.labels.size, 0);
  const many = Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`v${i}`, 1]));
  const sources = { heads: [heads(0, counts(1, { id: many }))], blocks: [] };
  await assert.rejects(Cardinality.of(sources, AbortSignal.abort(new Error('enough'))), /enough/);
});

test('the largest counts equal those from sorting, for any limit', () => {
  const counted: fc.Arbitrary<Counted[]> = fc
    .uniqueArray(fc.string(), { maxLength: 300 })
    .chain((names) => fc.tuple(...names.map((name) => fc.nat(5).map((count) => ({ name, count })))));
  fc.assert(
    fc.property(counted, fc.nat(20), (entries, limit) => {
      const bytes = ({ name }: Counted) => Buffer.from(name, 'utf8');
      const sorted = entries.toSorted((a, b) => b.count - a.count || Buffer.compare(bytes(a), bytes(b)));
      assert.deepEqual(largest(entries, limit), sorted.slice(0, limit));
    }),
  );
});
