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
    this.merges = counter('xscaler_compactor_merges_total', 'Merges of blocks.');
    this.mergedBlocks = counter('xscaler_compactor_merged_blocks_total', 'Blocks replaced by merges.');
    this.inputSamples = counter(
      'xscaler_compactor_input_samples_total',
      'Samples read by merges, duplicates included.',
    );
    this.outputSamples = counter('xscaler_compactor_output_samples_total', 'Samples written by merges.');
    this.outputBytes = counter('xscaler_compactor_output_bytes_total', 'Bytes written by merges.');
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
      'Deletions by partition that no block contains any more.',
    );
    this.mergeSeconds = new Histogram({
      name: 'xscaler_compactor_merge_seconds',
      help: 'Time of one merge.',
      buckets: [0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800],
      registers: [registry],
    });
    this.failures = new Counter({
      name: 'xscaler_compactor_failures_total',
      help: 'Failed jobs and duties, by duty. They are retried.',
      labelNames: ['duty'],
      registers: [registry],
    });
    this.lastRun = gauge('xscaler_compactor_last_run_timestamp_seconds', 'Time of the last complete run.');
    this.#counts = {
      jobs: gauge('xscaler_compactor_jobs', 'Days waiting for a merge or being merged.'),
      leasedJobs: gauge('xscaler_compactor_leased_jobs', 'Days that are being merged.'),
      failedJobs: gauge('xscaler_compactor_failed_jobs', 'Days whose merge failed and will be retried.'),
      liveBlocks: gauge('xscaler_compactor_live_blocks', 'Blocks that queries read.'),
      retiredBlocks: gauge(
        'xscaler_compactor_retired_blocks',
        'Blocks that were replaced or have expired, and are not purged yet.',
      ),
      stagedBlocks: gauge('xscaler_compactor_staged_blocks', 'Blocks that are being written.'),
      unfinishedDeletions: gauge(
        'xscaler_compactor_unfinished_deletions',
        'Deletions that some block still contains.',
      ),
    };
  }

  observe(counts: CompactionCounts): void {
    for (const [name, gauge] of Object.entries(this.#counts))
      gauge.set(counts[name as keyof CompactionCounts]);
  }
}
