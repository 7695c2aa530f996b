import { setTimeout as sleep } from 'node:timers/promises';
import type { IngesterStatus } from '@xscaler/ingester';

/** What the ingester's thread tells the main thread. */
export interface IngesterStatusApi {
  status(request: undefined, signal: AbortSignal): Promise<IngesterStatus>;
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

/** Why an ingester isn't ready, or undefined where it is. */
export function notLive(status: IngesterStatus): string | undefined {
  const late = Object.entries(status).filter(([, { state }]) => state !== 'live');
  return late.length === 0
    ? undefined
    : late.map(([p, { state }]) => `partition ${p} is ${state}`).join(', ');
}
