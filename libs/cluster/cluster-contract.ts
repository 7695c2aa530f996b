import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheContract } from './cache-contract.ts';
import type { Cluster, ClusterErrorCode } from './cluster.ts';
import { ClusterError } from './cluster.ts';
import { countsContract } from './counts-contract.ts';
import { leasesContract } from './leases-contract.ts';
import { ownersContract } from './owners-contract.ts';

/** A cluster under test, empty at first, whose heartbeats count for `ttlMs`. */
export interface ClusterUnderTest {
  readonly ttlMs: number;
  readonly cluster: Cluster;
  /** The cluster as another process sees it. */
  connect(): Promise<Cluster>;
  /** Closes everything that is open. */
  dispose(): Promise<void>;
}

export type Check = (title: string, run: (subject: ClusterUnderTest) => Promise<void>) => void;

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

export async function rejectsWith(promise: Promise<unknown>, code: ClusterErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof ClusterError, `not a ClusterError: ${error}`);
    assert.equal(error.code, code);
    return true;
  });
}

/** Asks until `isSo`; the test's own time limit bounds it. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await sleep(20);
}
