import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32c } from './index.ts';

function bitByBit(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test('the checksum of RFC 3720’s vectors', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assert.equal(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

test('the checksum of any part of any bytes is the one worked out bit by bit', () => {
  const part = fc
    .uint8Array({ maxLength: 300 })
    .chain((bytes) =>
      fc.record({ bytes: fc.constant(bytes), from: fc.nat(bytes.length), to: fc.nat(bytes.length) }),
    );
  fc.assert(
    fc.property(part, ({ bytes, from, to }) => {
      assert.equal(crc32c(bytes, from, to), bitByBit(bytes.subarray(from, Math.max(from, to))));
    }),
  );
});
