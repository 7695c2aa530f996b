import type { CompactionCounts } from '@xscaler/database';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** Everything that the compactor counts. */
export class CompactorMetrics {
  readonly merges: Counter;
  readonly mergedBlocks: Counter;
  readonly inputSamples: Counter;
  readonly outputSamples: Counter;
  readonly outputBytes: Counter;
  readonly mergeSeconds: Histogram;
  readonly failures: Counter<'duty'>;
  readonly expiredBlocks: Counter;
  readonly purgedBlocks: Counter;
  readonly sweptBlocks: Counter;
  readonly settledTombstones: Counter;
  readonly lastRun: Gauge;
  readonly #counts: Readonly<Record<keyof CompactionCounts, Gauge>>;

  constructor(registry: Registry) {
    const counter = (name: string, help: string) => new Counter({ name, help, registers: [registry] });
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
    this.merges = counter('xscaler_compactor_merges_total', 'Times that blocks were replaced by one.');
    this.mergedBlocks = counter('xscaler_compactor_merged_blocks_total', 'Blocks that were replaced.');
    this.inputSamples = counter(
      'xscaler_compactor_input_samples_total',
      'Samples of blocks that were replaced, doubles included.',
    );
    this.outputSamples = counter(
      'xscaler_compactor_output_samples_total',
      'Samples of blocks that took their place.',
    );
    this.outputBytes = counter(
      'xscaler_compactor_output_bytes_total',
      'Bytes of blocks that took the place of others.',
    );
    this.expiredBlocks = counter(
      'xscaler_compactor_expired_blocks_total',
      'Blocks retired past their retention.',
    );
    this.purgedBlocks = counter(
      'xscaler_compactor_purged_blocks_total',
      'Retired blocks whose parts were deleted.',
    );
    this.sweptBlocks = counter(
      'xscaler_compactor_swept_blocks_total',
      'Unfinished blocks whose parts were deleted.',
    );
    this.settledTombstones = counter(
      'xscaler_compactor_settled_tombstones_total',
      'Deletions, by partition, of which no block holds anything any more.',
    );
    this.mergeSeconds = new Histogram({
      name: 'xscaler_compactor_merge_seconds',
      help: 'Time to replace blocks by one.',
      buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800],
      registers: [registry],
    });
    this.failures = new Counter({
      name: 'xscaler_compactor_failures_total',
      help: 'Jobs and duties that failed and are tried again, by duty.',
      labelNames: ['duty'],
      registers: [registry],
    });
    this.lastRun = gauge(
      'xscaler_compactor_last_run_timestamp_seconds',
      'When all that was due had last been done.',
    );
    this.#counts = {
      jobs: gauge('xscaler_compactor_jobs', 'Days that wait for a merge or are being merged.'),
      leasedJobs: gauge('xscaler_compactor_leased_jobs', 'Days that are being merged.'),
      failedJobs: gauge('xscaler_compactor_failed_jobs', 'Days whose merge failed and is tried again.'),
      liveBlocks: gauge('xscaler_compactor_live_blocks', 'Blocks that queries read.'),
      retiredBlocks: gauge(
        'xscaler_compactor_retired_blocks',
        'Blocks that were replaced or expired and are still to be purged.',
      ),
      stagedBlocks: gauge('xscaler_compactor_staged_blocks', 'Blocks that are being written.'),
      unfinishedDeletions: gauge(
        'xscaler_compactor_unfinished_deletions',
        'Deletions that blocks still hold something of.',
      ),
    };
  }

  observe(counts: CompactionCounts): void {
    for (const [name, gauge] of Object.entries(this.#counts))
      gauge.set(counts[name as keyof CompactionCounts]);
  }
}
