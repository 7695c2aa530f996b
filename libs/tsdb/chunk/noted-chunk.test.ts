import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteWriter, DecodeError, type HistogramFields } from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import fc from 'fast-check';
import { histogramFields } from '../testing/histogram-arbitraries.ts';
import { rawSamples } from '../testing/sample-arbitraries.ts';
import { type ChunkView, ENCODING_NOTED, newChunkView } from './chunk.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { ChunkEncoder } from './chunk-encoder.ts';

const ORIGIN_MS = 1_700_000_000_000;
const encoder = new ChunkEncoder();
const decoder = new ChunkDecoder();

interface Row {
  readonly timestampMs: number;
  readonly low: number;
  readonly high: number;
  readonly histogram: HistogramFields | undefined;
  readonly startMs: number;
}

const startMs = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(0, ORIGIN_MS - 500, ORIGIN_MS - 400) },
  { weight: 1, arbitrary: fc.integer({ min: -(2 ** 52), max: 2 ** 52 }) },
);

const rows: fc.Arbitrary<Row[]> = rawSamples({ minLength: 1, maxLength: 60 }).chain((samples) =>
  fc
    .tuple(
      fc.array(fc.option(histogramFields, { nil: undefined }), {
        minLength: samples.length,
        maxLength: samples.length,
      }),
      fc.array(startMs, { minLength: samples.length, maxLength: samples.length }),
      fc.constantFrom('histograms', 'starts', 'both', 'none', 'one start'),
    )
    .map(([histograms, starts, what]) =>
      samples.map(({ time, low, high }, i) => ({
        timestampMs: ORIGIN_MS + time,
        low,
        high,
        histogram: what === 'histograms' || what === 'both' ? histograms[i] : undefined,
        startMs: what === 'one start' ? ORIGIN_MS - 9 : what === 'starts' || what === 'both' ? starts[i] : 0,
      })),
    ),
);

function columnsOf(given: readonly Row[]): SampleColumns {
  const columns = new SampleColumns(4);
  for (const { timestampMs, low, high, histogram, startMs } of given) {
    columns.appendWords(timestampMs, low, high);
    if (histogram !== undefined) {
      columns.histograms ??= [];
      columns.histograms[columns.length - 1] = { ...histogram, sum: columns.values[columns.length - 1] };
    }
    if (startMs !== 0) columns.setStartTime(columns.length - 1, startMs);
  }
  return columns;
}

function rowsOf({ timestamps, valueWords, histograms, startTimes, length }: SampleColumns): Row[] {
  return Array.from({ length }, (_, i) => {
    const histogram = histograms?.[i] as HistogramFields | undefined;
    return {
      timestampMs: timestamps[i],
      low: valueWords[2 * i] | 0,
      high: valueWords[2 * i + 1] | 0,
      histogram: histogram && { ...histogram, sum: 0 },
      startMs: startTimes?.[i] ?? 0,
    };
  });
}

function encoded(columns: SampleColumns): ChunkView[] {
  const chunks: ChunkView[] = [];
  for (let from = 0; from < columns.length; ) {
    const bytes = new ByteWriter(64);
    bytes.u8(1);
    const to = encoder.encode(bytes, columns, from);
    chunks.push({
      encoding: encoder.encoding,
      bytes: bytes.take(),
      start: 1,
      end: bytes.length,
      minTimeMs: columns.timestamps[from],
      maxTimeMs: columns.timestamps[to - 1],
      count: to - from,
    });
    from = to;
  }
  return chunks;
}

test('histograms and start timestamps come back exactly, within any bounds', () => {
  fc.assert(
    fc.property(rows, fc.nat(60), fc.nat(60), (given, first, count) => {
      const chunks = encoded(columnsOf(given));
      const isNoted = given.some(({ histogram, startMs }) => histogram !== undefined || startMs !== 0);
      assert.equal(
        chunks.some(({ encoding }) => encoding === ENCODING_NOTED),
        isNoted,
      );
      const all = new SampleColumns(1);
      for (const chunk of chunks) decoder.decodeInto(all, chunk, -Infinity, Infinity);
      assert.deepEqual(rowsOf(all), given);

      const wanted = given.slice(first, first + count);
      if (wanted.length === 0) return;
      const part = new SampleColumns(1);
      const [from, to] = [wanted[0].timestampMs, wanted[wanted.length - 1].timestampMs];
      for (const chunk of chunks) decoder.decodeInto(part, chunk, from, to);
      assert.deepEqual(rowsOf(part), wanted);
    }),
    { numRuns: 500 },
  );
});

test('histograms of many buckets are split into chunks that a decoder takes', () => {
  const buckets = 5000;
  const given = Array.from({ length: 120 }, (_, i) => ({
    timestampMs: ORIGIN_MS + i * 15_000,
    low: 0,
    high: 0,
    startMs: 0,
    histogram: {
      isInteger: true,
      schema: 8,
      zeroThreshold: 0,
      zeroCount: 0,
      count: i,
      sum: 0,
      positiveSpans: [{ offset: 0, length: buckets }],
      positiveBuckets: Array.from({ length: buckets }, (_, bucket) => bucket * i),
      negativeSpans: [],
      negativeBuckets: [],
      customValues: [],
      counterResetHint: 'unknown' as const,
    },
  }));
  const chunks = encoded(columnsOf(given));
  assert.equal(chunks.length, 3);
  const all = new SampleColumns(1);
  for (const chunk of chunks) decoder.decodeInto(all, chunk, -Infinity, Infinity);
  assert.deepEqual(rowsOf(all), given);
});

test('damaged bytes are refused or read as this many samples, and leave the columns as before', () => {
  const chunk = newChunkView();
  fc.assert(
    fc.property(
      rows,
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 3 }),
      fc.option(fc.nat(), { nil: undefined }),
      (given, flips, cut) => {
        for (const intact of encoded(columnsOf(given))) {
          Object.assign(chunk, intact, { bytes: intact.bytes.slice() });
          for (const [at, bits] of flips) chunk.bytes[1 + (at % (intact.end - 1))] ^= bits;
          if (cut !== undefined) chunk.end = 1 + (cut % intact.end);
          const columns = new SampleColumns(1);
          columns.append(5, 5);
          try {
            decoder.decodeInto(columns, chunk, -Infinity, Infinity);
            assert.equal(columns.length, 1 + intact.count);
          } catch (error) {
            assert.ok(error instanceof DecodeError, String(error));
            assert.equal(columns.length, 1);
            assert.equal(columns.histograms, undefined);
          }
          assert.equal(columns.timestamps[0], 5);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
