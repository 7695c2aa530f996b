import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BitBuffer, ByteReader, ByteWriter, DecodeError } from '@xscaler/encoding';
import fc from 'fast-check';
import { PackedReader, ROUND, UNSCALED } from './packed-integers.ts';
import { PackedWriter } from './packed-writer.ts';

const MAX_COUNT = 400;
const packed = new PackedReader();
const packer = new PackedWriter();

interface Packed {
  readonly integers: Float64Array;
  readonly reader: ByteReader;
  readonly bits: BitBuffer;
}

/** Packs integers behind some other bytes, so that their bits begin anywhere in a word. */
function pack(integers: readonly number[], bytesBefore: number): Packed {
  const writer = new ByteWriter(16);
  for (let i = 0; i < bytesBefore; i++) writer.u8(0xff);
  const columns = Float64Array.from(integers);
  packer.measure(columns, columns.length);
  assert.ok(packer.size(0, 1) < Infinity);
  packer.write(writer, columns, 0, 1);
  const bytes = writer.take();
  const bits = new BitBuffer();
  bits.load(bytes, 0, bytes.length);
  return { integers: columns, reader: new ByteReader(bytes, bytesBefore), bits };
}

/** Integers that take a width of 0 to 32 bits, the least and the greatest among them, from a base of any size. */
const integers = fc
  .record({ width: fc.integer({ min: 0, max: 32 }), base: fc.oneof(fc.maxSafeInteger(), fc.constant(-1)) })
  .chain(({ width, base }) => {
    const greatest = 2 ** width - 1;
    const from = Math.min(base, Number.MAX_SAFE_INTEGER - greatest);
    const above = fc.oneof(fc.integer({ min: 0, max: greatest }), fc.constantFrom(0, greatest, greatest));
    return fc
      .array(above, { maxLength: MAX_COUNT, size: 'max' })
      .map((numbers) => [0, greatest, ...numbers].map((n) => from + n));
  });

test('integers of every width come back from anywhere in a word, each and as sums', () => {
  fc.assert(
    fc.property(integers, fc.nat(7), fc.nat(5), (numbers, before, at) => {
      const { integers: columns, reader, bits } = pack(numbers, before);
      const start = reader.position;
      const read = new Float64Array(at + columns.length + ROUND);
      packed.read(reader, bits, 0, read, at, columns.length, UNSCALED);
      assert.equal(reader.remaining, 0);
      assert.deepEqual(read.subarray(at, at + columns.length), columns);
      let sum = 0n;
      const sums = numbers.map((n) => (sum += BigInt(n)));
      reader.position = start;
      const least = packed.readSums(reader, bits, 0, read, at, columns.length, 0, UNSCALED);
      assert.equal(reader.remaining, 0);
      assert.equal(least, Math.min(...numbers));
      for (const [i, exact] of sums.entries()) {
        if (exact > BigInt(Number.MAX_SAFE_INTEGER) || exact < -BigInt(Number.MAX_SAFE_INTEGER)) break;
        assert.equal(read[at + i], Number(exact));
      }
    }),
    { numRuns: 500 },
  );
});

test('scaled integers are what exact arithmetic makes of them, rounded once', () => {
  const scale = fc.record({
    offset: fc.integer({ min: -(2 ** 31), max: 2 ** 31 }),
    factor: fc.integer({ min: 1, max: 2 ** 16 }),
    divisor: fc.integer({ min: 0, max: 15 }).map((exponent) => 10 ** exponent),
  });
  const small = fc.array(fc.integer({ min: -(2 ** 20), max: 2 ** 20 }), {
    maxLength: MAX_COUNT,
    size: 'max',
  });
  fc.assert(
    fc.property(small, scale, fc.integer({ min: -(2 ** 48), max: 2 ** 48 }), (numbers, by, first) => {
      const { offset, factor, divisor } = by;
      const { integers: columns, reader, bits } = pack(numbers, 1);
      const read = new Float64Array(columns.length + ROUND);
      packed.read(reader, bits, 0, read, 0, columns.length, by);
      const scaled = numbers.map((n) => offset + factor * n);
      assert.deepEqual(
        [...read.subarray(0, columns.length)],
        scaled.map((n) => n / divisor),
      );
      reader.position = 1;
      packed.readSums(reader, bits, 0, read, 0, columns.length, first, by);
      let sum = first;
      const sums = scaled.map((n) => (sum += n));
      assert.deepEqual(
        [...read.subarray(0, columns.length)],
        sums.map((n) => n / divisor),
      );
    }),
    { numRuns: 300 },
  );
});

test('packed bytes that are cut short, or of an impossible width, are refused', () => {
  const {
    integers: columns,
    reader,
    bits,
  } = pack(
    Array.from({ length: 200 }, (_, i) => i * 7),
    0,
  );
  const read = new Float64Array(columns.length + ROUND);
  for (let end = 0; end < reader.bytes.length; end++) {
    const cut = new ByteReader(reader.bytes, 0, end);
    assert.throws(() => packed.read(cut, bits, 0, read, 0, columns.length, UNSCALED), DecodeError);
    cut.position = 0;
    assert.throws(() => packed.readSums(cut, bits, 0, read, 0, columns.length, 0, UNSCALED), DecodeError);
  }
  const wide = new ByteReader(Uint8Array.of(33, 0, 0, 0, 0, 0, 0));
  assert.throws(() => packed.read(wide, bits, 0, read, 0, 1, UNSCALED), DecodeError);
});
