import assert from 'node:assert/strict';
import { test } from 'node:test';
import { xxh64 } from './label-hash.ts';

test('XXH64 gives the digests of its specification', () => {
  assert.equal(xxh64(Buffer.from('')), 0xef46db3751d8e999n);
  assert.equal(xxh64(Buffer.from('a')), 0xd24ec4f1a98c6e5bn);
  assert.equal(xxh64(Buffer.from('abc')), 0x44bc2cf5ad770999n);
  assert.equal(
    xxh64(Buffer.from('Call me Ishmael. Some years ago--never mind how long precisely-')),
    0x02a2e85470d6fd96n,
  );
});
