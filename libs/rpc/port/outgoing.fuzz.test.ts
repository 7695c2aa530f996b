import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { prepareOutgoing } from './outgoing.ts';

const view = fc
  .record({ bytes: fc.uint8Array({ maxLength: 64 }), from: fc.nat(64), whole: fc.boolean() })
  .map(({ bytes, from, whole }) =>
    whole ? bytes.slice() : bytes.slice().subarray(Math.min(from, bytes.length)),
  );
const numbers = fc.float64Array({ maxLength: 8 }).map((column) => column.slice());
const leaf = fc.oneof(view, numbers);
const message = fc.oneof(
  leaf,
  fc.array(leaf, { maxLength: 5 }),
  fc.dictionary(fc.string(), fc.oneof(leaf, fc.string(), fc.array(leaf, { maxLength: 3 })), { maxKeys: 5 }),
);

function views(value: unknown): ArrayBufferView[] {
  if (ArrayBuffer.isView(value)) return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(views) : [];
}

test('what arrives equals what was sent, and no array arrives with more than its own buffer', () => {
  fc.assert(
    fc.property(message, (sent) => {
      const expected = structuredClone(sent);
      const transfers: ArrayBuffer[] = [];
      const arrived = structuredClone(prepareOutgoing(sent, transfers), { transfer: transfers });
      assert.deepEqual(arrived, expected);
      for (const array of views(arrived)) assert.equal(array.byteLength, array.buffer.byteLength);
    }),
  );
});

test('two views of one buffer can travel together', () => {
  const words = new Uint32Array([1, 2]);
  const transfers: ArrayBuffer[] = [];
  const outgoing = prepareOutgoing({ words, bytes: new Uint8Array(words.buffer) }, transfers);
  const arrived = structuredClone(outgoing, { transfer: transfers });
  assert.deepEqual(arrived, {
    words: new Uint32Array([1, 2]),
    bytes: new Uint8Array([1, 0, 0, 0, 2, 0, 0, 0]),
  });
});
