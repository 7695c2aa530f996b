import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cacheContract } from './cache-contract.ts';
import type { Check, ClusterUnderTest } from './contract-checks.ts';
import { countsContract } from './counts-contract.ts';
import { leasesContract } from './leases-contract.ts';
import { ownersContract } from './owners-contract.ts';

/** What every `Cluster` promises, as tests. `open` makes an empty one. */
export function clusterContract(name: string, open: () => Promise<ClusterUnderTest>): void {
  const check: Check = (title, run) =>
    test(`${name}: ${title}`, async () => {
      const subject = await open();
      try {
        await run(subject);
      } finally {
        await subject.dispose();
      }
    });
  ownersContract(check);
  countsContract(check);
  leasesContract(check);
  cacheContract(check);
  check('it tells the time', async ({ cluster }) => {
    const beforeMs = Date.now();
    const timeMs = await cluster.timeMs();
    assert.ok(timeMs >= beforeMs && timeMs < Date.now() + 1, `${timeMs - beforeMs} ms after it was asked`);
  });
}
