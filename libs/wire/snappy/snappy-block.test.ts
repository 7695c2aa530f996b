import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { expandSnappy, packSnappy, TooLargeError } from './snappy-block.ts';

test('what was packed expands again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      assert.deepEqual(new Uint8Array(expandSnappy(packSnappy(bytes), bytes.length)), new Uint8Array(bytes));
    }),
  );
  const repetitive = new Uint8Array(1_000_000);
  assert.equal(expandSnappy(packSnappy(repetitive), repetitive.length).length, repetitive.length);
});

test('a bomb is refused by what it declares', () => {
  const fourGigabytes = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0);
  assert.throws(() => expandSnappy(fourGigabytes, 64 * 1024 * 1024), TooLargeError);
  assert.throws(() => expandSnappy(packSnappy(new Uint8Array(101)), 100), TooLargeError);
  const unreachable = Uint8Array.of(0xff, 0xff, 0xff, 0x1f, 0, 0);
  assert.throws(() => expandSnappy(unreachable, 64 * 1024 * 1024), { name: 'DecodeError' });
});

test('anything else is refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        expandSnappy(bytes, 1000);
      } catch (error) {
        assert.match((error as Error).name, /^(DecodeError|TooLargeError)$/);
      }
    }),
    { numRuns: 2000 },
  );
  for (const bytes of [[], [0x80], [5], [0xff, 0xff, 0xff, 0xff, 0xff, 1]]) {
    assert.throws(() => expandSnappy(Uint8Array.from(bytes), 2 ** 40), { name: 'DecodeError' });
  }
  // The framed format begins with a chunk of its own.
  const framed = Uint8Array.from([0xff, 6, 0, 0, ...Buffer.from('sNaPpY')]);
  assert.throws(() => expandSnappy(framed, 2 ** 20));
});
