import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteReader, ByteWriter, DecodeError } from './index.ts';

const integer = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, 1, 63, 64, -64, -65, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53 - 1, -(2 ** 53) + 1),
);

test('what a ByteWriter wrote, a ByteReader reads back', () => {
  fc.assert(
    fc.property(
      fc.array(integer),
      fc.string({ unit: 'binary' }),
      fc.uint8Array(),
      fc.double(),
      (numbers, text, raw, f) => {
        const writer = new ByteWriter(1);
        for (const n of numbers) {
          writer.varint(n);
          writer.uvarint(Math.abs(n));
        }
        writer.string(text.toWellFormed());
        writer.uvarint(raw.length);
        writer.raw(raw);
        writer.f64(f);
        const reader = new ByteReader(writer.take());
        for (const n of numbers) {
          assert.equal(reader.varint(), n);
          assert.equal(reader.uvarint(), Math.abs(n));
        }
        assert.equal(reader.string(), text.toWellFormed());
        assert.deepEqual([...reader.raw(reader.uvarint())], [...raw]);
        assert.ok(Object.is(reader.f64(), f));
        assert.equal(reader.remaining, 0);
      },
    ),
  );
});

test('arbitrary bytes are read as numbers or refused with DecodeError, never past the end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const reader = new ByteReader(bytes);
      try {
        while (reader.remaining > 0) {
          assert.ok(Number.isSafeInteger(reader.uvarint()));
          if (reader.remaining > 0) assert.ok(Number.isSafeInteger(reader.varint()));
          if (reader.remaining > 0) reader.string();
        }
      } catch (error) {
        assert.ok(error instanceof DecodeError);
      }
      assert.ok(reader.position <= bytes.length);
    }),
  );
});
