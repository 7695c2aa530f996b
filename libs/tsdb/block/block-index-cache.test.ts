import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BlockIndexCache } from './block-index-cache.ts';

const KB = 1024;

test('the least recently used go first, and a value larger than all is not kept', () => {
  const cache = new BlockIndexCache(100 * KB);
  const [a, b, c] = [new Uint8Array(1), new Uint8Array(2), new Uint8Array(3)];
  cache.set('a', a, 40 * KB);
  cache.set('b', b, 40 * KB);
  assert.equal(cache.get('a'), a);
  cache.set('c', c, 40 * KB);
  assert.deepEqual([cache.get('a'), cache.get('b'), cache.get('c')], [a, undefined, c]);
  cache.set('d', b, 101 * KB);
  assert.equal(cache.get('d'), undefined);
  assert.equal(cache.get('a'), a);
  assert.ok(cache.byteSize > 80 * KB && cache.byteSize <= 100 * KB);
});

test('a key that is set again counts once', () => {
  const cache = new BlockIndexCache(100 * KB);
  for (let i = 0; i < 10; i++) cache.set('a', new Uint8Array(i), 30 * KB);
  assert.ok(cache.byteSize < 40 * KB);
});

test('a failed load reaches all who wait for it and is tried again', async () => {
  const cache = new BlockIndexCache(100 * KB);
  let loads = 0;
  const value = new Uint8Array(1);
  const load = async () => {
    if (++loads === 1) throw new Error('gone');
    return { value, bytes: 1 };
  };
  const first = [cache.getOrLoad('a', load), cache.getOrLoad('a', load)];
  for (const { status } of await Promise.allSettled(first)) assert.equal(status, 'rejected');
  assert.equal(await cache.getOrLoad('a', load), value);
  assert.equal(await cache.getOrLoad('a', load), value);
  assert.equal(loads, 2);
});
