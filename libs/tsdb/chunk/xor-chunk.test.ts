import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import fc from 'fast-check';
import { type RawSample, rawSamples } from '../testing/sample-arbitraries.ts';
import { type ChunkView, ENCODING_XOR } from './chunk.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { XorWriter } from './xor-chunk.ts';

const decoder = new ChunkDecoder();

function encode(samples: readonly RawSample[], minTimeMs: number): ChunkView {
  const writer = new XorWriter();
  const [first] = samples;
  writer.start(first.time, first.low, first.high);
  let last = first;
  for (const sample of samples.slice(1)) {
    if (!writer.append(sample.time, sample.low, sample.high)) break;
    last = sample;
  }
  const { count, byteLength } = writer;
  return {
    encoding: ENCODING_XOR,
    bytes: writer.bytes.slice(0, byteLength),
    start: 0,
    end: byteLength,
    minTimeMs: minTimeMs + first.time,
    maxTimeMs: minTimeMs + last.time,
    count,
  };
}

function rows(columns: SampleColumns): number[][] {
  return Array.from({ length: columns.length }, (_, i) => [
    columns.timestamps[i],
    columns.valueWords[2 * i] | 0,
    columns.valueWords[2 * i + 1] | 0,
  ]);
}

test('every double bit pattern at any increasing times comes back', () => {
  fc.assert(
    fc.property(rawSamples({ minLength: 1, maxLength: 300 }), fc.maxSafeInteger(), (samples, origin) => {
      const base = Math.trunc(origin / 2);
      const chunk = encode(samples, base);
      const columns = new SampleColumns(1);
      decoder.decodeInto(columns, chunk, -Infinity, Infinity);
      const expected = samples.slice(0, chunk.count).map(({ time, low, high }) => [base + time, low, high]);
      assert.deepEqual(rows(columns), expected);
    }),
  );
});

test('only samples within the bounds are decoded, behind what the columns hold', () => {
  const bound = fc.integer({ min: -10, max: 2 ** 31 });
  fc.assert(
    fc.property(rawSamples({ minLength: 1, maxLength: 60 }), bound, bound, (samples, startMs, endMs) => {
      const chunk = encode(samples, 0);
      const columns = new SampleColumns(1);
      columns.appendWords(-1, 7, 8);
      decoder.decodeInto(columns, chunk, startMs, endMs);
      const expected = samples
        .filter(({ time }) => time >= startMs && time <= endMs)
        .map(({ time, low, high }) => [time, low, high]);
      assert.deepEqual(rows(columns), [[-1, 7, 8], ...expected]);
    }),
  );
});

test('a steady counter costs few bits and a constant two', () => {
  const writer = new XorWriter();
  writer.start(0, 0, 0);
  for (let i = 1; i <= 1000; i++) writer.append(i * 15_000, 0, 0);
  assert.equal(writer.byteLength, Math.ceil((64 + 21 + 1 + 999 * 2 + 7 - 7) / 8));
});

test('damaged chunks are refused or decode to as many increasing times, and never hang', () => {
  fc.assert(
    fc.property(
      rawSamples({ minLength: 2, maxLength: 60 }),
      fc.array(fc.nat(10_000), { minLength: 1, maxLength: 5 }),
      fc.nat(20),
      (samples, flips, cut) => {
        const chunk = encode(samples, 0);
        const bits = chunk.end * 8;
        for (const flip of flips) chunk.bytes[(flip % bits) >>> 3] ^= 1 << (flip & 7);
        chunk.end = Math.max(0, chunk.end - cut);
        const columns = new SampleColumns(1);
        try {
          decoder.decodeInto(columns, chunk, -Infinity, Infinity);
        } catch (error) {
          assert.ok(error instanceof DecodeError);
          assert.equal(columns.length, 0);
          return;
        }
        assert.equal(columns.length, chunk.count);
        for (let i = 1; i < columns.length; i++) assert.ok(columns.timestamps[i] > columns.timestamps[i - 1]);
      },
    ),
  );
});

test('a count beyond what the bytes can hold and an unknown encoding are refused', () => {
  const chunk = encode([{ time: 0, low: 1, high: 2 }], 0);
  const columns = new SampleColumns(1);
  for (const damage of [
    { count: 2 ** 40 },
    { count: 0 },
    { encoding: 77 },
    { maxTimeMs: 1 },
    { maxTimeMs: -1 },
  ]) {
    assert.throws(() => decoder.decodeInto(columns, { ...chunk, ...damage }, 0, 10), DecodeError);
  }
});
