import assert from 'node:assert/strict';
import { type Check, until } from './contract-checks.ts';

const LONG_MS = 60_000;

export function cacheContract(check: Check): void {
  check('bytes come back as they were set', async ({ cluster, connect }) => {
    const other = (await connect()).cache;
    const { cache } = cluster;
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i);
    await cache.set('k', bytes.subarray(3), LONG_MS);
    bytes.fill(0, 0, 100);
    const found = await other.get('k');
    assert.ok(found !== undefined && !Buffer.isBuffer(found));
    assert.equal(found.length, 69_997);
    assert.deepEqual([found[0], found[299]], [3, 302 % 256]);
    await cache.set('k', new Uint8Array(0), LONG_MS);
    assert.equal((await other.get('k'))?.length, 0);
    assert.equal(await other.get('other'), undefined);
  });

  check('values are forgotten after their time', async ({ cluster }) => {
    const { cache } = cluster;
    await cache.set('k', Uint8Array.of(1), 50);
    await until(async () => (await cache.get('k')) === undefined);
    await cache.set('k', Uint8Array.of(1), 0);
    assert.equal(await cache.get('k'), undefined);
  });

  check('a value over the bound isn’t kept', async ({ cluster }) => {
    const { cache } = cluster;
    await cache.set('k', new Uint8Array(1024 * 1024), LONG_MS);
    await cache.set('l', new Uint8Array(1024 * 1024 + 1), LONG_MS);
    assert.equal((await cache.get('k'))?.length, 1024 * 1024);
    assert.equal(await cache.get('l'), undefined);
    assert.deepEqual(cache.stats, { hits: 1, misses: 1, failures: 0, tooLarge: 1 });
  });
}
