import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { ContentHash } from './content-hash.ts';

const SEED = Uint32Array.of(1, 2, 3, 4);

function hashOf(bytes: Uint8Array, seed = SEED): string {
  const hash = new ContentHash(seed);
  hash.hash(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length);
  return [hash.h0, hash.h1, hash.h2, hash.h3].join();
}

test('the hash depends on content and seed, not on where the content lies', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.nat(9), (content, offset) => {
      const around = new Uint8Array(content.length + offset + 5).fill(0xaa);
      around.set(content, offset);
      const hash = new ContentHash(SEED);
      hash.hash(new DataView(around.buffer), offset, offset + content.length);
      assert.equal([hash.h0, hash.h1, hash.h2, hash.h3].join(), hashOf(content));
      assert.notEqual(hashOf(content), hashOf(content, Uint32Array.of(1, 2, 3, 5)));
    }),
  );
});

test('every single-bit and length change of a label set changes every word of its hash somewhere', () => {
  const content = new TextEncoder().encode('__name__=http_requests_total,job=api,instance=10.0.0.1:9090');
  const seen = new Set([hashOf(content)]);
  const words: Set<number>[] = [new Set(), new Set(), new Set(), new Set()];
  for (let bit = 0; bit < content.length * 8; bit++) {
    const changed = content.slice();
    changed[bit >> 3] ^= 1 << (bit & 7);
    const hash = hashOf(changed);
    seen.add(hash);
    for (const [i, word] of hash.split(',').entries()) words[i].add(Number(word));
  }
  for (let length = 0; length < content.length; length++) seen.add(hashOf(content.subarray(0, length)));
  assert.equal(seen.size, 1 + content.length * 8 + content.length);
  for (const values of words) assert.ok(values.size > content.length * 8 - 3);
});

test('zeros of different lengths differ', () => {
  const seen = new Set<string>();
  for (let length = 0; length < 300; length++) seen.add(hashOf(new Uint8Array(length)));
  assert.equal(seen.size, 300);
});
