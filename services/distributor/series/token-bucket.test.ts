import assert from 'node:assert/strict';
import test from 'node:test';
import { TokenBucket } from './token-bucket.ts';

test('a burst passes at once, then samples at the rate', () => {
  const bucket = new TokenBucket();
  assert.equal(bucket.take(100, 10, 100, 0), 0);
  assert.equal(bucket.take(10, 10, 100, 0), 1000);
  assert.equal(bucket.take(10, 10, 100, 999), 1);
  assert.equal(bucket.take(10, 10, 100, 1000), 0);
  assert.equal(bucket.take(0, 10, 100, 1000), 0);
});

test('a refused request takes no tokens', () => {
  const bucket = new TokenBucket();
  bucket.take(5, 10, 10, 0);
  for (let i = 0; i < 10; i++) assert.equal(bucket.take(6, 10, 10, 0), 100);
  assert.equal(bucket.take(5, 10, 10, 0), 0);
});

test('a request above the burst passes when the bucket is full, and is paid for afterwards', () => {
  const bucket = new TokenBucket();
  assert.equal(bucket.take(50, 10, 20, 0), 0);
  assert.equal(bucket.take(1, 10, 20, 3000), 100);
  assert.equal(bucket.take(1, 10, 20, 3100), 0);
});

test('without a burst setting the bucket holds one second of the rate; a clock set back adds no tokens', () => {
  const bucket = new TokenBucket();
  assert.equal(bucket.take(10, 10, 0, 5000), 0);
  assert.equal(bucket.take(1, 10, 0, 4000), 100);
});
