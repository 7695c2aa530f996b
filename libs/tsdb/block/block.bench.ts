/*
 * A block of a two-hour head: bytes a sample by kind of part, the time to write it and to read it back, and how long
 * writing it, or merging it with itself, goes on without giving way.
 * Run: node libs/tsdb/block/block.bench.ts [series] [samples]
 */
import { Labels, Matcher, SampleColumns, seriesId } from '@xscaler/model';
import { mergeBlocks } from '../block-merging/block-merge.ts';
import { writeBlock } from '../block-writing/block-writer.ts';
import { SeriesMerger } from '../frame/series-merger.ts';
import { Head } from '../head/head.ts';
import type { BlockPartKind } from './block-format.ts';
import { BlockReader } from './block-reader.ts';

const seriesCount = Number(process.argv[2] ?? 100_000);
const samplesEach = Number(process.argv[3] ?? 60);
const STEP_RUNS = 3;
const STEP_MUST_BE_MS = 10;
const windowStartMs = 1_700_006_400_000;
const windowMs = 7_200_000;
const intervalMs = Math.floor(windowMs / samplesEach);

/** CPU time of the process: on a busy machine the clock tells of others. */
function cpuMs(): number {
  return process.cpuUsage().user / 1000;
}

let state = 1;
function random(): number {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return state / 2 ** 32;
}

const increments: readonly (() => number)[] = [
  () => Math.floor(random() * 100),
  () => (random() < 0.3 ? 1 : 0),
  () => Math.floor(random() * 2000) / 1000,
  () => Math.floor((random() - 0.5) * 200_000),
  () => Math.floor((random() - 0.5) * 4),
  () => 0,
];

function labelsOf(series: number): Labels {
  const instance = Math.floor(series / 500);
  return Labels.of({
    __name__: `metric_family_${series % 25}_total`,
    cluster: 'production-eu-1',
    container: `app-${series % 10}`,
    handler: `/api/v1/handler_${Math.floor(series / 25) % 20}`,
    instance: `10.0.${instance}.1:9100`,
    job: `job-${instance % 10}`,
    method: 'GET',
    namespace: `namespace-${instance % 5}`,
    pod: `pod-${instance}-5b8c7d`,
    shard: `${series % 20}`,
  });
}

function fillHead(): Head {
  const head = new Head({ tenant: 'bench', partition: 0, windowStartMs, windowMs, seq: 0, fromOffset: 0 });
  const value = new Float64Array(1);
  const words = new Int32Array(value.buffer);
  for (let series = 0; series < seriesCount; series++) {
    const labels = labelsOf(series);
    const id = new Int32Array(new Uint8Array(seriesId('bench', labels)).buffer);
    const slot = head.create(id[0], id[1], id[2], id[3], labels);
    let current = series % 6 === 3 ? 1_000_000 : 100;
    for (let step = 0; step < samplesEach; step++) {
      current += increments[series % 6]();
      value[0] = series % 6 === 2 ? Math.round(current * 1000) / 1000 : current;
      head.append(slot, windowStartMs + step * intervalMs + (series % 500), words[0], words[1]);
    }
  }
  return head;
}

const head = fillHead();
const selectedAt = cpuMs();
using selection = head.select([], -Infinity, Infinity);
const notedAt = cpuMs();
const frameBytes = [...selection.frames()].reduce((sum, frame) => sum + frame.length, 0);
console.log(
  `selected from the head in ${(notedAt - selectedAt).toFixed(1)} ms, framed in ${(cpuMs() - notedAt).toFixed(0)} ms:`,
  `${(frameBytes / head.sampleCount).toFixed(2)} B/sample`,
);
const parts = new Map<string, Uint8Array>();
const bytesByKind = new Map<BlockPartKind, number>();
const writtenAt = cpuMs();
for (const part of writeBlock(head)) {
  if (part === undefined) continue;
  parts.set(`${part.kind}/${part.number}`, part.bytes);
  bytesByKind.set(part.kind, (bytesByKind.get(part.kind) ?? 0) + part.bytes.length);
}
const writeMs = cpuMs() - writtenAt;
const samples = head.sampleCount;
const total = [...bytesByKind.values()].reduce((sum, bytes) => sum + bytes, 0);
console.log(`${samples} samples in ${parts.size} parts: ${(total / samples).toFixed(3)} B/sample`);
for (const [kind, bytes] of bytesByKind) console.log(`  ${kind.padEnd(9)} ${(bytes / samples).toFixed(3)}`);
console.log(`written in ${writeMs.toFixed(0)} ms, ${((writeMs * 1e6) / samples).toFixed(0)} ns/sample`);

const source = {
  async read(kind: BlockPartKind, number: number, offset = 0, length?: number): Promise<Uint8Array> {
    const part = parts.get(`${kind}/${number}`) as Uint8Array;
    return length === undefined ? part : part.slice(offset, offset + length);
  },
};
const { signal } = new AbortController();
for (const [what, sets] of [
  ['everything', []],
  ['a metric', [[new Matcher('=', '__name__', 'metric_family_3_total')]]],
] as const) {
  const readAt = cpuMs();
  const reader = new BlockReader({ blockId: 'b', partition: 0, fromOffset: 0 }, source);
  const merger = new SeriesMerger();
  for await (const frame of reader.select(sets, -Infinity, Infinity, signal)) merger.addFrame(frame);
  const fetchedAt = cpuMs();
  const merged = merger.finish(-Infinity, Infinity);
  const sortedAt = cpuMs();
  const columns = new SampleColumns();
  let read = 0;
  for (const series of merged) {
    columns.reset();
    series.read(columns);
    read += columns.length;
  }
  console.log(
    `${what}: ${merged.length} series, ${read} samples: frames ${(fetchedAt - readAt).toFixed(0)} ms,`,
    `merge and sort ${(sortedAt - fetchedAt).toFixed(0)} ms, decode ${(cpuMs() - sortedAt).toFixed(0)} ms`,
  );
}

/** The longest of the steps, each as long as in the fastest of some runs: what the machine did meanwhile is left out. */
async function printLongestStep(what: string, runs: () => Iterator<unknown> | AsyncIterator<unknown>) {
  const leastMs: number[] = [];
  for (let run = 0; run < STEP_RUNS; run++) {
    const steps = runs();
    for (let i = 0; ; i++) {
      const startedAt = performance.now();
      const stepped = steps.next();
      const { done } = stepped instanceof Promise ? await stepped : stepped;
      leastMs[i] = Math.min(leastMs[i] ?? Infinity, performance.now() - startedAt);
      if (done) break;
    }
  }
  const longestMs = leastMs.reduce((most, ms) => Math.max(most, ms), 0);
  console.log(
    `${what} in ${leastMs.length} steps, the longest ${longestMs.toFixed(1)} ms, must be below ${STEP_MUST_BE_MS} ms`,
  );
}

await printLongestStep('written', () => writeBlock(head));
const input = (fromOffset: number) => ({
  blockId: `b${fromOffset}`,
  partition: 0,
  fromOffset,
  source,
  tombstones: [],
});
await printLongestStep('merged', () => mergeBlocks([input(0), input(1)], signal));
