/*
 * Chunks of a block: bytes a sample, and encoding and decoding times by the shape of the data.
 * To be reached: 200 M samples/s decoded where values are integers, 30 M where they are any doubles.
 * Run: node libs/tsdb/chunk-decode.bench.ts
 */
import { ByteWriter } from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import { newChunkView } from './chunk.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { ChunkEncoder } from './chunk-encoder.ts';

const SAMPLES = 480;
const ROUNDS = 120_000;
const BATCHES = 12;

function walk(step: (random: number) => number, from: number): number[] {
  let state = 12345;
  let value = from;
  return Array.from({ length: SAMPLES }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    value += step(state / 2 ** 32);
    return value;
  });
}

const shapes: Record<string, number[]> = {
  constant: walk(() => 0, 42),
  'integer counter': walk((r) => Math.floor(r * 100), 1000),
  'bucket counter': walk((r) => (r < 0.3 ? 1 : 0), 50),
  'three decimals': walk((r) => Math.floor(r * 2000), 1_000_000).map((n) => n / 1000),
  'integer walk': walk((r) => Math.floor((r - 0.5) * 200_000), 1_000_000),
  'small gauge': walk((r) => Math.floor((r - 0.5) * 4), 10),
  random: walk((r) => r - 0.5, 0),
};

/** The least CPU time of a run among some, in ns: on a busy machine a run in a row suffers from others. */
function leastNs(run: () => void): number {
  let least = Infinity;
  for (let batch = 0; batch < BATCHES; batch++) {
    const startedUs = process.cpuUsage().user;
    for (let round = 0; round < ROUNDS / BATCHES; round++) run();
    least = Math.min(least, ((process.cpuUsage().user - startedUs) * 1000) / (ROUNDS / BATCHES));
  }
  return least;
}

const encoder = new ChunkEncoder();
const decoder = new ChunkDecoder();

for (const [shape, values] of Object.entries(shapes)) {
  const columns = new SampleColumns();
  for (const [i, value] of values.entries()) columns.append(1_700_000_000_000 + i * 15_000, value);
  const bytes = new ByteWriter(65_536);
  const chunks: { encoding: number; from: number; to: number; start: number; end: number }[] = [];
  const encodeRunNs = leastNs(() => {
    bytes.reset();
    chunks.length = 0;
    for (let from = 0; from < columns.length; ) {
      const start = bytes.length;
      const to = encoder.encode(bytes, columns, from);
      chunks.push({ encoding: encoder.encoding, from, to, start, end: bytes.length });
      from = to;
    }
  });
  const encodeNs = encodeRunNs / SAMPLES;
  const decoded = new SampleColumns(SAMPLES);
  const view = newChunkView();
  const decodeRunNs = leastNs(() => {
    decoded.reset();
    for (const { encoding, from, to, start, end } of chunks) {
      view.encoding = encoding;
      view.bytes = bytes.bytes;
      view.start = start;
      view.end = end;
      view.count = to - from;
      view.minTimeMs = columns.timestamps[from];
      view.maxTimeMs = columns.timestamps[to - 1];
      decoder.decodeInto(decoded, view, -Infinity, Infinity);
    }
  });
  const decodeNs = decodeRunNs / SAMPLES;
  const encodings = [...new Set(chunks.map(({ encoding }) => encoding))].join(',');
  console.log(
    `${shape.padEnd(16)} encoding ${encodings}: ${(bytes.length / SAMPLES).toFixed(2)} B/sample,`,
    `encode ${encodeNs.toFixed(1)} ns, decode ${decodeNs.toFixed(1)} ns (${(1000 / decodeNs).toFixed(0)} M samples/s)`,
  );
}
