import { setTimeout as sleep } from 'node:timers/promises';
import type { ActiveSeriesCounts, IngesterStatus, PartitionReport } from '@xscaler/ingester';

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

const WATCH_MS = 1_000;

/** Knows from second to second whether the ingester's partitions are live: for `/-/ready`. */
export class IngesterWatch {
  readonly #status: () => Promise<IngesterStatus>;
  #timer: NodeJS.Timeout | undefined;
  #notReady: string | undefined = 'partitions are loading';

  constructor(status: () => Promise<IngesterStatus>) {
    this.#status = status;
  }

  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => this.#look(), WATCH_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  notReady(): string | undefined {
    return this.#notReady;
  }

  async #look(): Promise<void> {
    this.#notReady = await this.#status().then(notLive, (error: Error) => error.message);
  }
}

function notLive(status: IngesterStatus): string | undefined {
  if (Object.keys(status).length === 0) return 'it has no partition yet';
  const late = Object.entries(status).filter(([, { state }]) => state !== 'live');
  if (late.length === 0) return undefined;
  return late.map(([partition, { state }]) => `partition ${partition} is ${state}`).join(', ');
}
