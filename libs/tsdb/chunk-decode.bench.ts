/*
 * Chunks of a block: bytes a sample, and encoding and decoding times by the shape of the data.
 * Run: node libs/tsdb/chunk-decode.bench.ts
 */
import { ByteWriter } from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import { newChunkView } from './chunk.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { ChunkEncoder } from './chunk-encoder.ts';

const SAMPLES = 480;
const ROUNDS = 20_000;

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

/** CPU time of the process: on a busy machine the clock tells of others. */
function cpuNs(): number {
  return process.cpuUsage().user * 1000;
}

const encoder = new ChunkEncoder();
const decoder = new ChunkDecoder();

for (const [shape, values] of Object.entries(shapes)) {
  const columns = new SampleColumns();
  for (const [i, value] of values.entries()) columns.append(1_700_000_000_000 + i * 15_000, value);
  const bytes = new ByteWriter(65_536);
  const chunks: { encoding: number; from: number; to: number; start: number; end: number }[] = [];
  const encodedAt = cpuNs();
  for (let round = 0; round < ROUNDS; round++) {
    bytes.reset();
    chunks.length = 0;
    for (let from = 0; from < columns.length; ) {
      const start = bytes.length;
      const to = encoder.encode(bytes, columns, from);
      chunks.push({ encoding: encoder.encoding, from, to, start, end: bytes.length });
      from = to;
    }
  }
  const encodeNs = (cpuNs() - encodedAt) / ROUNDS / SAMPLES;
  const decoded = new SampleColumns(SAMPLES);
  const view = newChunkView();
  const decodedAt = cpuNs();
  for (let round = 0; round < ROUNDS; round++) {
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
  }
  const decodeNs = (cpuNs() - decodedAt) / ROUNDS / SAMPLES;
  const encodings = [...new Set(chunks.map(({ encoding }) => encoding))].join(',');
  console.log(
    `${shape.padEnd(16)} encoding ${encodings}: ${(bytes.length / SAMPLES).toFixed(2)} B/sample,`,
    `encode ${encodeNs.toFixed(1)} ns, decode ${decodeNs.toFixed(1)} ns (${(1000 / decodeNs).toFixed(0)} M samples/s)`,
  );
}
