/*
 * Chunks of a block: bytes a sample, and encoding and decoding times by the shape of the data.
 * Beside the samples/s of a core stands what they must be; fails if one isn't.
 * Run: node libs/tsdb/chunk/chunk-decode.bench.ts
 */
import { ByteWriter } from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import { newChunkView } from './chunk.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { ChunkEncoder } from './chunk-encoder.ts';

const SAMPLES = 480;
const ROUNDS = 50;
const BATCHES = 4000;

function walk(step: (random: number) => number, from: number): number[] {
  let state = 12345;
  let value = from;
  return Array.from({ length: SAMPLES }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    value += step(state / 2 ** 32);
    return value;
  });
}

const INTEGERS_MUST_BE = 200;
const DOUBLES_MUST_BE = 30;

interface Shape {
  readonly values: readonly number[];
  readonly mustBe: number;
  /** Times are apart from their grid by up to this many ms. */
  readonly jitterMs?: number;
}

const counter = walk((r) => Math.floor(r * 100), 1000);
const shapes: Record<string, Shape> = {
  constant: { values: walk(() => 0, 42), mustBe: INTEGERS_MUST_BE },
  'integer counter': { values: counter, mustBe: INTEGERS_MUST_BE },
  '… at uneven times': { values: counter, mustBe: INTEGERS_MUST_BE, jitterMs: 20 },
  'bucket counter': { values: walk((r) => (r < 0.3 ? 1 : 0), 50), mustBe: INTEGERS_MUST_BE },
  'three decimals': {
    values: walk((r) => Math.floor(r * 2000), 1_000_000).map((n) => n / 1000),
    mustBe: INTEGERS_MUST_BE,
  },
  'bytes in pages': {
    values: walk((r) => Math.floor((r - 0.5) * 500), 100_000).map((n) => n * 4096),
    mustBe: INTEGERS_MUST_BE,
  },
  'integer walk': { values: walk((r) => Math.floor((r - 0.5) * 200_000), 1e6), mustBe: INTEGERS_MUST_BE },
  'small gauge': { values: walk((r) => Math.floor((r - 0.5) * 4), 10), mustBe: INTEGERS_MUST_BE },
  random: { values: walk((r) => r - 0.5, 0), mustBe: DOUBLES_MUST_BE },
};

/**
 * The least time that a run took, in ns, among batches of about 0.1 ms: short enough that on a busy machine some
 * of them have a core to themselves.
 */
function leastNs(run: () => void): number {
  let least = Infinity;
  for (let batch = 0; batch < BATCHES; batch++) {
    const started = performance.now();
    for (let round = 0; round < ROUNDS; round++) run();
    least = Math.min(least, ((performance.now() - started) * 1e6) / ROUNDS);
  }
  return least;
}

const encoder = new ChunkEncoder();
const decoder = new ChunkDecoder();

for (const [shape, { values, mustBe, jitterMs = 0 }] of Object.entries(shapes)) {
  const columns = new SampleColumns();
  for (const [i, value] of values.entries())
    columns.append(1_700_000_000_000 + i * 15_000 + ((i * i * 7919) % (jitterMs + 1)), value);
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
    `${shape.padEnd(17)} encoding ${encodings}: ${(bytes.length / SAMPLES).toFixed(2)} B/sample,`,
    `encode ${encodeNs.toFixed(1)} ns, decode ${decodeNs.toFixed(1)} ns:`,
    `${(1000 / decodeNs).toFixed(0)} M samples/s, must be ${mustBe}`,
  );
  if (1000 / decodeNs < mustBe) process.exitCode = 1;
}
