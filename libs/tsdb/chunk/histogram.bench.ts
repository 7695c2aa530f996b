/*
 * Native histograms: bytes and ns each, in a head and in a block's chunks.
 * Run: node libs/tsdb/chunk/histogram.bench.ts [series] [samples]
 */
import type { HistogramFields } from '@xscaler/encoding';
import { ByteWriter } from '@xscaler/encoding';
import { Labels, SampleColumns } from '@xscaler/model';
import { Head } from '../head/head.ts';
import { histogramBytes } from '../testing/histogram-arbitraries.ts';
import { newChunkView } from './chunk.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { ChunkEncoder } from './chunk-encoder.ts';

const seriesCount = Number(process.argv[2] ?? 200);
const samplesEach = Number(process.argv[3] ?? 480);
const windowStartMs = 1_700_006_400_000;
const BUCKETS = 20;

function cpuNs(): number {
  return process.cpuUsage().user * 1000;
}

let state = 1;
function random(): number {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return state / 2 ** 32;
}

/** A counter of latencies: about a hundred observations each step, most of them in the middle. */
function* growing(isInteger: boolean): Generator<HistogramFields, void, void> {
  const buckets = new Array<number>(BUCKETS).fill(0);
  let sum = 0;
  for (;;) {
    for (let i = 0; i < 100; i++) {
      const bucket = Math.floor(((random() + random() + random()) / 3) * BUCKETS);
      buckets[bucket] += isInteger ? 1 : random();
      sum += 0.001 * 1.2 ** bucket;
    }
    yield {
      isInteger,
      schema: 3,
      zeroThreshold: 2 ** -128,
      zeroCount: 0,
      count: buckets.reduce((all, one) => all + one, 0),
      sum,
      positiveSpans: [{ offset: -4, length: BUCKETS }],
      positiveBuckets: [...buckets],
      negativeSpans: [],
      negativeBuckets: [],
      customValues: [],
      counterResetHint: 'unknown',
    };
  }
}

for (const isInteger of [true, false]) {
  const head = new Head({
    tenant: 'b',
    partition: 0,
    windowStartMs,
    windowMs: 7_200_000,
    seq: 0,
    fromOffset: 0,
  });
  let appendNs = 0;
  let blockBytes = 0;
  let encodeNs = 0;
  let decodeNs = 0;
  const encoder = new ChunkEncoder();
  const decoder = new ChunkDecoder();
  const columns = new SampleColumns();
  const decoded = new SampleColumns();
  const sum = new Float64Array(1);
  const sumWords = new Int32Array(sum.buffer);
  for (let series = 0; series < seriesCount; series++) {
    const slot = head.create(series, series, series, 7, Labels.of({ __name__: 'latency', pod: `${series}` }));
    const source = growing(isInteger);
    const histograms = Array.from({ length: samplesEach }, () => source.next().value as HistogramFields);
    const bytes = histograms.map(histogramBytes);
    columns.reset();
    const appendedAt = cpuNs();
    for (let i = 0; i < samplesEach; i++) {
      sum[0] = histograms[i].sum;
      head.appendNoted(slot, windowStartMs + i * 15_000, sumWords[0], sumWords[1], 0, bytes[i]);
    }
    appendNs += cpuNs() - appendedAt;
    for (let i = 0; i < samplesEach; i++) columns.appendHistogram(windowStartMs + i * 15_000, histograms[i]);
    const writer = new ByteWriter(65_536);
    const view = newChunkView();
    for (let from = 0; from < columns.length; ) {
      const start = writer.length;
      const encodedAt = cpuNs();
      const to = encoder.encode(writer, columns, from);
      const decodedAt = cpuNs();
      Object.assign(view, { encoding: encoder.encoding, bytes: writer.bytes, start, end: writer.length });
      Object.assign(view, { count: to - from, minTimeMs: columns.timestamps[from] });
      view.maxTimeMs = columns.timestamps[to - 1];
      decoded.reset();
      decoder.decodeInto(decoded, view, -Infinity, Infinity);
      encodeNs += decodedAt - encodedAt;
      decodeNs += cpuNs() - decodedAt;
      from = to;
    }
    blockBytes += writer.length;
  }
  const all = seriesCount * samplesEach;
  console.log(
    `${isInteger ? 'integer' : 'float'} histograms of ${BUCKETS} buckets:`,
    `head ${(head.chunks.byteSize / all).toFixed(1)} B each, ${(appendNs / all).toFixed(0)} ns to append;`,
    `block ${(blockBytes / all).toFixed(1)} B, ${(encodeNs / all).toFixed(0)} ns to encode, ${(decodeNs / all).toFixed(0)} ns to decode`,
  );
}
