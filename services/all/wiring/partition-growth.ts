import { Heartbeat } from '@xscaler/cluster';
import type { Config } from '../configuration/config.ts';
import { partitionsOf } from './placement.ts';

export interface PartitionGrowthOptions {
  readonly cluster: Config['cluster'];
  /** Partitions that writers have ever used, by the database; waits for it as long as the signal isn't aborted. */
  readonly known: (signal: AbortSignal) => Promise<number>;
  /** Partitions that the log has now; 0 if it isn't open. */
  readonly count: () => Promise<number>;
  readonly own: (partitions: readonly number[]) => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

const LOOK_EVERY_MS = 2_000;

/**
 * Gives an ingester its partitions: those that are known when it starts, and each that the log gets while it runs. None is taken
 * from it: of a partition that writers no longer use readers ask on, and an empty one costs next to nothing.
 */
export class PartitionGrowth {
  readonly #options: PartitionGrowthOptions;
  readonly #looking: Heartbeat;
  #count = 0;

  constructor(options: PartitionGrowthOptions) {
    this.#options = options;
    this.#looking = new Heartbeat(() => this.#look(), LOOK_EVERY_MS, options.onFault);
  }

  /** @throws Error if this ingester's place has no partition */
  async start(signal: AbortSignal): Promise<void> {
    await this.#take(await this.#options.known(signal));
    await this.#looking.start();
  }

  stop(): Promise<void> {
    return this.#looking.stop();
  }

  async #look(): Promise<void> {
    const count = await this.#options.count();
    if (count > this.#count) await this.#take(count);
  }

  async #take(count: number): Promise<void> {
    await this.#options.own(partitionsOf(this.#options, count));
    this.#count = count;
  }
}
