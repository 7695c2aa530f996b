import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BitBuffer, getBits, putBits, trailingZeros, unzigzag32, zigzag32 } from './index.ts';

test('bits of any widths come back, whatever the words held before', () => {
  const field = fc.tuple(fc.integer({ min: 1, max: 32 }), fc.integer());
  fc.assert(
    fc.property(fc.array(field, { maxLength: 100 }), (fields) => {
      const words = new Int32Array(101).fill(-1);
      const masked = fields.map(([count, value]) => ({
        count,
        value: count === 32 ? value : value & ((1 << count) - 1),
      }));
      let at = 0;
      for (const { count, value } of masked) at = putBits(words, at, value, count);
      const buffer = new BitBuffer();
      buffer.load(new Uint8Array(words.buffer), 0, (at + 7) >>> 3);
      let position = 0;
      for (const { count, value } of masked) {
        const read = getBits(buffer.words, position, count);
        assert.equal(read, value);
        position += count;
      }
      assert.equal(position, at);
    }),
  );
});

test('a BitBuffer is followed by zeros, also after a longer stream', () => {
  const buffer = new BitBuffer();
  buffer.load(new Uint8Array(5000).fill(255), 0, 5000);
  buffer.load(new Uint8Array([1, 2, 255, 255, 255]), 1, 3);
  assert.deepEqual([...buffer.words.subarray(0, 3)], [0xff02, 0, 0]);
});

test('zigzag maps every 32-bit integer to itself and back', () => {
  assert.deepEqual([0, -1, 1, -2, 2].map(zigzag32), [0, 1, 2, 3, 4]);
  fc.assert(fc.property(fc.integer(), (value) => unzigzag32(zigzag32(value)) === value));
});

test('trailing zeros of each power of two', () => {
  for (let i = 0; i < 32; i++) assert.equal(trailingZeros((1 << i) | (1 << 31)), i);
});
