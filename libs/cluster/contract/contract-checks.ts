import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster } from '../cluster.ts';
import { ClusterError, type ClusterErrorCode } from '../cluster-error.ts';

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
