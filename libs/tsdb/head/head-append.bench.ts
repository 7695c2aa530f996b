/*
 * Appending to a head: ns a sample by the shape of the data, and memory.
 * Run: node --expose-gc libs/tsdb/head/head-append.bench.ts [series] [samples]
 */
import { Labels } from '@xscaler/model';
import { Head } from './head.ts';
import { HeadMemory } from './head-memory.ts';

const seriesCount = Number(process.argv[2] ?? 50_000);
const samplesEach = Number(process.argv[3] ?? 120);
const windowStartMs = 1_700_006_400_000;

/** Words of series `series` at step `step`, by shape. */
const shapes: Record<string, (series: number, step: number) => number> = {
  constant: (series) => series,
  counter: (series, step) => series * 1000 + step * 17 + ((series * step) % 13),
  'three decimals': (series, step) => (series * 1000 + step * 1234 + ((series * step) % 777)) / 1000,
  'random walk': (series, step) => 1_000_000 + ((series * 7919 + step * 104_729) % 200_000),
  random: () => Math.random(),
};

function idOf(series: number): Int32Array {
  const words = new Int32Array(4);
  for (let i = 0; i < 4; i++)
    words[i] = Math.imul(series + 1, 0x9e3779b1 + i * 0x85ebca6b) ^ (series >>> (i + 3));
  words[3] = series;
  return words;
}

function labelsOf(series: number): Labels {
  return Labels.of({
    __name__: `metric_${series % 25}`,
    cluster: 'c1',
    container: `app${series % 10}`,
    handler: `/h${series % 20}`,
    instance: `10.0.${(series / 500) | 0}.1:9100`,
    job: `job${((series / 500) | 0) % 10}`,
    method: 'GET',
    namespace: `ns${series % 5}`,
    pod: `pod-${(series / 500) | 0}`,
    shard: `${series % 500}`,
  });
}

/** CPU time of the process: on a busy machine the clock tells of others. */
function cpuNs(): number {
  return process.cpuUsage().user * 1000;
}

function appendStep(head: Head, slots: Int32Array, timestampMs: number, words: Int32Array): void {
  for (let i = 0; i < slots.length; i++) head.append(slots[i], timestampMs, words[2 * i], words[2 * i + 1]);
}

for (const [shape, sampleAt] of Object.entries(shapes)) {
  const memory = new HeadMemory(0);
  const head = new Head({
    tenant: 'bench',
    partition: 0,
    windowStartMs,
    windowMs: samplesEach * 15_000,
    seq: 0,
    fromOffset: 0,
    memory,
  });
  const slots = new Int32Array(seriesCount);
  const createdAt = cpuNs();
  for (let i = 0; i < seriesCount; i++) {
    const id = idOf(i);
    slots[i] = head.create(id[0], id[1], id[2], id[3], labelsOf(i));
  }
  const createNs = (cpuNs() - createdAt) / seriesCount;
  const values = new Float64Array(seriesCount);
  const words = new Int32Array(values.buffer);
  let appendNs = 0;
  for (let step = 0; step < samplesEach; step++) {
    for (let i = 0; i < seriesCount; i++) values[i] = sampleAt(i, step);
    const startedAt = cpuNs();
    appendStep(head, slots, windowStartMs + step * 15_000, words);
    appendNs += cpuNs() - startedAt;
  }
  const samples = head.sampleCount;
  console.log(
    `${shape.padEnd(15)} ${(appendNs / samples).toFixed(1)} ns/sample,`,
    `${(head.chunks.byteSize / samples).toFixed(2)} B/sample in chunks,`,
    `${(head.table.byteSize / seriesCount).toFixed(0)} B/series in the table,`,
    `${createNs.toFixed(0)} ns/series created (its labels made included)`,
  );
  head.release();
}
