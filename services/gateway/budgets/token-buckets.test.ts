import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TokenBuckets } from './token-buckets.ts';

test('a key may burst one second of its rate, and is told when to retry', () => {
  const buckets = new TokenBuckets();
  assert.deepEqual(
    [0, 0, 0, 250, 500, 500].map((nowMs) => buckets.take('a', 2, nowMs)),
    [0, 0, 500, 250, 0, 500],
  );
  assert.equal(buckets.take('b', 2, 500), 0);
  assert.equal(buckets.take('a', 0, 500), 0);
});

test('a rate below one a second admits one request', () => {
  const buckets = new TokenBuckets();
  assert.equal(buckets.take('a', 0.1, 0), 0);
  assert.equal(buckets.take('a', 0.1, 5000), 5000);
  assert.equal(buckets.take('a', 0.1, 10_000), 0);
});

test('no period admits more than the burst and the rate allow', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 1000, noNaN: true }),
      fc.array(fc.nat(2000), { maxLength: 200 }),
      (rate, gapsMs) => {
        const buckets = new TokenBuckets();
        let nowMs = 0;
        let taken = 0;
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const waitMs = buckets.take('a', rate, nowMs);
          if (waitMs === 0) taken++;
          else assert.ok(waitMs <= 1000 / rate + 1e-6);
        }
        assert.ok(taken <= Math.max(1, rate) + (nowMs * rate) / 1000 + 1e-6);
      },
    ),
  );
});

test('idle buckets are dropped', () => {
  const buckets = new TokenBuckets();
  for (let i = 0; i < 10_000; i++) buckets.take(`tenant-${i}`, 1, 0);
  assert.equal(buckets.take('late', 1, 60_000), 0);
  assert.equal(buckets.take('late', 1, 60_000), 1000);
  assert.equal(buckets.take('tenant-1', 1, 60_000), 0);
});
