import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter } from '@xscaler/encoding';
import { type FloatHistogram, Labels, SampleColumns, seriesId } from '@xscaler/model';
import { HeadMemory, SeriesMerger } from '@xscaler/tsdb';
import { writeLabelSet } from '@xscaler/wire/labels';
import { LogRecordReader, LogRecordWriter } from '@xscaler/wire/log-record';
import { LedgerView } from './ledger-view.ts';
import { PartitionHeads } from './partition-heads.ts';
import { noCounts, RecordApplier } from './record-applier.ts';

const TENANT = 'acme';
const WINDOW_MS = 1000;

const histogram: FloatHistogram = {
  schema: 2,
  zeroThreshold: 2 ** -128,
  zeroCount: 1,
  count: 6,
  sum: 0,
  positiveSpans: [{ offset: 1, length: 2 }],
  positiveBuckets: [2, 3],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  counterResetHint: 'unknown',
};

function addSeries(writer: LogRecordWriter, name: string): void {
  const labels = Labels.of({ __name__: name });
  const words = new Uint32Array(new Uint8Array(seriesId(TENANT, labels)).buffer);
  const source = new ByteWriter();
  writeLabelSet(labels.pairs, source);
  writer.addSeries(words[0], words[1], words[2], words[3], source.written(), 0, source.length);
}

/** Time, value, bucket counts and start of every sample of a series. */
function samplesOf(heads: PartitionHeads, name: string): unknown[] {
  const merger = new SeriesMerger();
  for (const { head } of heads.ofTenant(TENANT)) {
    using selection = head.select([], -Infinity, Infinity);
    for (const frame of selection.frames()) merger.addFrame(frame);
  }
  const columns = new SampleColumns();
  const series = merger.finish(-Infinity, Infinity).find(({ labels }) => labels.metricName === name);
  series?.read(columns);
  return Array.from({ length: columns.length }, (_, i) => [
    columns.timestamps[i],
    columns.values[i],
    columns.histograms?.[i]?.positiveBuckets,
    columns.startTimes?.[i] ?? 0,
  ]);
}

test('histograms and start timestamps reach the heads of their windows, and the first value wins', () => {
  const writer = new LogRecordWriter();
  writer.reset(TENANT, WINDOW_MS);
  addSeries(writer, 'float');
  writer.addSample(100, 0, 0x3ff00000);
  writer.addSample(1200, 0, 0x3ff00000);
  writer.setStartTime(50);
  addSeries(writer, 'latency');
  writer.addHistogram(200, 0, 0x40000000, histogram, true);
  writer.setStartTime(50);
  writer.addHistogram(1300, 0, 0x40000000, { ...histogram, positiveBuckets: [4, 5] }, true);
  writer.addHistogram(200, 0, 0x40000000, histogram, true);
  writer.addHistogram(200, 0, 0x40000000, histogram, false);
  writer.addSample(200, 0, 0x40000000);
  writer.addSample(1250, 0, 0x40000000);
  const record = new LogRecordReader();
  record.decode(writer.finish());

  const heads = new PartitionHeads(0, new HeadMemory(0));
  const counts = noCounts();
  new RecordApplier(heads, new LedgerView()).apply(record, 7, 0, counts);

  assert.deepEqual(counts, { stored: 5, repeated: 1, conflicting: 2, conflictingSeries: 1, skipped: 0 });
  assert.deepEqual(samplesOf(heads, 'float'), [
    [100, 1, undefined, 0],
    [1200, 1, undefined, 50],
  ]);
  assert.deepEqual(samplesOf(heads, 'latency'), [
    [200, 2, [2, 3], 50],
    [1250, 2, undefined, 0],
    [1300, 2, [4, 5], 0],
  ]);
});
