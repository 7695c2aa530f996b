import { setTimeout as sleep } from 'node:timers/promises';
import type { ActiveSeriesCounts, IngesterStatus, PartitionReport } from '@xscaler/ingester';
import type { Module } from '@xscaler/runtime';
import { statusWatch } from '../status/status-watch.ts';

/** What the ingester's thread tells the main thread. */
export interface IngesterStatusApi {
  status(request: undefined, signal: AbortSignal): Promise<IngesterStatus>;
  inspect(request: undefined, signal: AbortSignal): Promise<readonly PartitionReport[]>;
  activeSeries(request: undefined, signal: AbortSignal): Promise<readonly ActiveSeriesCounts[]>;
  /** Gives it partitions beside those that it has. */
  own(partitions: readonly number[], signal: AbortSignal): Promise<void>;
}

const POLL_MS = 50;

/** Waits until every partition has replayed what the log held. @throws Error naming a partition that is stopped */
export async function replayed(api: IngesterStatusApi, signal: AbortSignal): Promise<void> {
  for (;;) {
    const partitions = Object.entries(await api.status(undefined, signal));
    const stopped = partitions.find(([, { state }]) => state === 'stopped');
    if (stopped) throw new Error(`partition ${stopped[0]} is stopped: see the log above`);
    if (partitions.length > 0 && partitions.every(([, { state }]) => state === 'live')) return;
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** A module that knows from second to second whether the ingester's partitions are live. */
export function partitionsWatch(needs: readonly string[], status: () => Promise<IngesterStatus>): Module {
  return statusWatch('partitions', needs, () => status().then(notLive, () => 'the ingester does not answer'));
}

function notLive(status: IngesterStatus): string | undefined {
  if (Object.keys(status).length === 0) return 'no partition is assigned yet';
  const late = Object.entries(status).filter(([, { state }]) => state !== 'live');
  if (late.length === 0) return undefined;
  return late.map(([partition, { state }]) => `partition ${partition} is ${state}`).join(', ');
}
