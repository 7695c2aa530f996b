import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter, DecodeError } from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import fc from 'fast-check';
import { columnRows } from '../testing/head-model.ts';
import { metricColumns, rawSamples } from '../testing/sample-arbitraries.ts';
import { type ChunkView, ENCODING_DENSE, ENCODING_XOR, newChunkView } from './chunk.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { ChunkEncoder } from './chunk-encoder.ts';

const ORIGIN_MS = 1_700_000_000_000;
const decoder = new ChunkDecoder();

function encodeAll(columns: SampleColumns): ChunkView[] {
  const encoder = new ChunkEncoder();
  const chunks: ChunkView[] = [];
  for (let from = 0; from < columns.length; ) {
    const bytes = new ByteWriter(16);
    const to = encoder.encode(bytes, columns, from);
    assert.ok(to > from);
    chunks.push({
      encoding: encoder.encoding,
      bytes: bytes.take(),
      start: 0,
      end: bytes.length,
      minTimeMs: columns.timestamps[from],
      maxTimeMs: columns.timestamps[to - 1],
      count: to - from,
    });
    from = to;
  }
  return chunks;
}

function decodeAll(chunks: readonly ChunkView[], startMs = -Infinity, endMs = Infinity): SampleColumns {
  const columns = new SampleColumns(1);
  for (const chunk of chunks) decoder.decodeInto(columns, chunk, startMs, endMs);
  return columns;
}

function columnsOf(samples: readonly (readonly [number, number])[]): SampleColumns {
  const columns = new SampleColumns();
  for (const [timestampMs, value] of samples) columns.append(timestampMs, value);
  return columns;
}

const metric = metricColumns(ORIGIN_MS);

const anything: fc.Arbitrary<SampleColumns> = rawSamples({ minLength: 1, maxLength: 100 }).map((samples) => {
  const columns = new SampleColumns();
  for (const { time, low, high } of samples) columns.appendWords(ORIGIN_MS + time, low, high);
  return columns;
});

test('columns come back from their chunks bit by bit', () => {
  fc.assert(
    fc.property(fc.oneof(metric, anything), (columns) => {
      assert.deepEqual(columnRows(decodeAll(encodeAll(columns))), columnRows(columns));
    }),
    { numRuns: 200 },
  );
});

test('only samples within the bounds are decoded', () => {
  fc.assert(
    fc.property(
      metric,
      fc.double({ min: -0.1, max: 1.1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (columns, at, length) => {
        const duration = columns.timestamps[columns.length - 1] - ORIGIN_MS;
        const startMs = ORIGIN_MS + Math.floor(at * duration);
        const endMs = startMs + Math.floor(length * duration);
        const expected = columnRows(columns).filter(([t]) => t >= startMs && t <= endMs);
        assert.deepEqual(columnRows(decodeAll(encodeAll(columns), startMs, endMs)), expected);
      },
    ),
    { numRuns: 100 },
  );
});

test('each shape of data takes the encoding and the size it should', () => {
  const steps = (count: number, valueAt: (i: number) => number) =>
    columnsOf(Array.from({ length: count }, (_, i) => [ORIGIN_MS + i * 15_000, valueAt(i)] as const));
  const shape = (columns: SampleColumns) =>
    encodeAll(columns).map(({ encoding, end, count }) => `${encoding}: ${count} in ${end}`);
  assert.deepEqual(shape(steps(240, () => 0.1)), [`${ENCODING_DENSE}: 240 in 9`]);
  assert.deepEqual(shape(steps(240, (i) => i)), [`${ENCODING_DENSE}: 240 in 7`]);
  assert.deepEqual(shape(steps(240, (i) => i * 0.25)), [`${ENCODING_DENSE}: 240 in 7`]);
  assert.deepEqual(shape(steps(128, (i) => (i % 2) / 1000)), [`${ENCODING_DENSE}: 128 in 20`]);
  assert.deepEqual(shape(steps(1, () => Number.NaN)), [`${ENCODING_DENSE}: 1 in 9`]);
  const pages = (i: number) => 4096 * (10_000_000 + ((i * i * 7919) % 251));
  assert.deepEqual(shape(steps(128, pages)), [`${ENCODING_DENSE}: 128 in 140`]);
  const quarters = (i: number) => 1000 + i * 15 + ((i * i * 7919) % 15) / 4;
  assert.deepEqual(shape(steps(128, quarters)), [`${ENCODING_DENSE}: 128 in 90`]);
  const stale = shape(steps(100, (i) => (i === 99 ? Number.NaN : i)));
  assert.deepEqual(stale, [`${ENCODING_DENSE}: 99 in 5`, `${ENCODING_DENSE}: 1 in 9`]);
  const [sine] = encodeAll(steps(100, (i) => Math.sin(i)));
  assert.equal(sine.encoding, ENCODING_XOR);
});

test('values at the edges of what decimals can tell are exact', () => {
  const edges = [
    0,
    -0,
    1e15,
    -1e15,
    2 ** 50,
    2 ** 53,
    2 ** 53 + 2,
    1e22,
    1e300,
    5e-324,
    0.1 + 0.2,
    0.3,
    1e-15,
    123456.789,
  ];
  for (const value of edges) {
    for (const other of edges) {
      const columns = columnsOf(
        Array.from({ length: 40 }, (_, i) => [ORIGIN_MS + i, i % 3 === 0 ? value : other]),
      );
      assert.deepEqual(columnRows(decodeAll(encodeAll(columns))), columnRows(columns), `${value} ${other}`);
    }
  }
});

test('damaged chunks are refused or decode to as many increasing times, and never hang', () => {
  fc.assert(
    fc.property(
      metric,
      fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
      fc.nat(5),
      (columns, flips, cut) => {
        const [chunk] = encodeAll(columns);
        for (const flip of flips) chunk.bytes[(flip >>> 3) % chunk.bytes.length] ^= 1 << (flip & 7);
        chunk.end = Math.max(0, chunk.end - cut);
        const decoded = new SampleColumns(1);
        try {
          decoder.decodeInto(decoded, chunk, -Infinity, Infinity);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
          assert.equal(decoded.length, 0);
          return;
        }
        assert.equal(decoded.length, chunk.count);
        for (let i = 1; i < decoded.length; i++) assert.ok(decoded.timestamps[i] > decoded.timestamps[i - 1]);
      },
    ),
    { numRuns: 300 },
  );
});

test('arbitrary bytes as a dense chunk are refused or decode within their count', () => {
  const size = fc.record({ count: fc.integer({ min: 0, max: 100_000 }), durationMs: fc.nat(10_000_000) });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), size, (bytes, { count, durationMs }) => {
      const view = { ...newChunkView(), encoding: ENCODING_DENSE, bytes, end: bytes.length, count };
      const columns = new SampleColumns(1);
      try {
        decoder.decodeInto(columns, { ...view, maxTimeMs: durationMs }, -Infinity, Infinity);
        assert.equal(columns.length, count);
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error));
      }
    }),
    { numRuns: 1000 },
  );
});
