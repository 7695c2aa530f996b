import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { PartitionHeads } from '../heads/partition-heads.ts';

/** The ingester's metrics. */
export class IngesterMetrics {
  readonly appliedSamples: Counter;
  readonly repeatedSamples: Counter;
  readonly skippedSamples: Counter;
  readonly conflictingSamples: Counter<'tenant'>;
  readonly droppedMetadata: Counter;
  readonly appliedDeletions: Counter;
  readonly nextOffset: Gauge<'partition'>;
  readonly stoppedPartitions: Gauge<'partition'>;
  readonly commitSeconds: Histogram;
  readonly #heads: Gauge<'partition' | 'state'>;
  readonly #headBytes: Gauge<'partition'>;
  readonly #headSeries: Gauge<'partition'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.appliedSamples = new Counter({
      name: 'xscaler_ingester_samples_applied_total',
      help: 'Samples put into heads.',
      registers,
    });
    this.repeatedSamples = new Counter({
      name: 'xscaler_ingester_samples_repeated_total',
      help: 'Samples that a head held already, with the same value.',
      registers,
    });
    this.skippedSamples = new Counter({
      name: 'xscaler_ingester_samples_skipped_total',
      help: 'Samples that a replay found in the ledger.',
      registers,
    });
    this.conflictingSamples = new Counter({
      name: 'xscaler_ingester_samples_conflicting_total',
      help: 'Samples dropped because their timestamp has another value.',
      labelNames: ['tenant'],
      registers,
    });
    this.droppedMetadata = new Counter({
      name: 'xscaler_ingester_metadata_dropped_total',
      help: 'Metadata entries dropped because their tenant has too many metrics waiting.',
      registers,
    });
    this.appliedDeletions = new Counter({
      name: 'xscaler_ingester_deletions_applied_total',
      help: 'Deletions of series applied to heads.',
      registers,
    });
    this.nextOffset = new Gauge({
      name: 'xscaler_ingester_next_offset',
      help: 'Offset of the next record to be applied.',
      labelNames: ['partition'],
      registers,
    });
    this.stoppedPartitions = new Gauge({
      name: 'xscaler_ingester_partition_stopped',
      help: '1 if a partition is stopped and needs an operator.',
      labelNames: ['partition'],
      registers,
    });
    this.commitSeconds = new Histogram({
      name: 'xscaler_ingester_head_commit_seconds',
      help: 'Time to store a closed head as a block.',
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      registers,
    });
    this.#heads = new Gauge({
      name: 'xscaler_ingester_heads',
      help: 'Heads held, by state.',
      labelNames: ['partition', 'state'],
      registers,
    });
    this.#headBytes = new Gauge({
      name: 'xscaler_ingester_head_bytes',
      help: 'Memory of heads that are not in a block yet.',
      labelNames: ['partition'],
      registers,
    });
    this.#headSeries = new Gauge({
      name: 'xscaler_ingester_head_series',
      help: 'Series of open heads; one series counts once in each.',
      labelNames: ['partition'],
      registers,
    });
  }

  observeHeads(partition: number, heads: PartitionHeads): void {
    const count = { open: 0, closed: 0, committed: 0 };
    for (const held of heads.all()) count[held.state]++;
    for (const [state, number] of Object.entries(count)) this.#heads.set({ partition, state }, number);
    let series = 0;
    for (const { head } of heads.openHeads()) series += head.seriesCount;
    this.#headSeries.set({ partition }, series);
    this.#headBytes.set({ partition }, heads.uncommittedBytes);
  }
}
