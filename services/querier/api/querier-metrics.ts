import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { EvaluationPool } from '../evaluation/evaluation-pool.ts';
import type { LookupQueue } from '../queue/lookup-queue.ts';
import type { BlockReaders } from '../sources/block-readers.ts';

export class QuerierMetrics {
  readonly querySeconds: Histogram<'type'>;
  readonly samplesRead: Counter;
  readonly failures: Counter<'status'>;

  constructor(registry: Registry, pool: EvaluationPool, lookups: LookupQueue, readers: BlockReaders) {
    const registers = [registry];
    this.querySeconds = new Histogram({
      name: 'xscaler_querier_query_seconds',
      help: 'Time from a query to its rendered answer.',
      labelNames: ['type'],
      buckets: [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 120],
      registers,
    });
    this.samplesRead = new Counter({
      name: 'xscaler_querier_samples_read_total',
      help: 'Samples decoded for queries that ended.',
      registers,
    });
    this.failures = new Counter({
      name: 'xscaler_querier_query_failures_total',
      help: 'Queries answered with an error, by status.',
      labelNames: ['status'],
      registers,
    });
    new Gauge({
      name: 'xscaler_querier_evaluation_threads',
      help: 'Evaluation threads: they start when there are queries and end some time after the last. One more than querier.evaluation_threads while a tenant holds those and another asks.',
      registers,
      collect() {
        this.set(pool.size);
      },
    });
    new Gauge({
      name: 'xscaler_querier_evaluation_threads_busy',
      help: 'Evaluation threads running.',
      registers,
      collect() {
        this.set(pool.busy);
      },
    });
    new Counter({
      name: 'xscaler_querier_evaluation_threads_ended_total',
      help: 'Evaluation threads ended because they were still busy 2 s after their query was cancelled.',
      registers,
      collect() {
        this.reset();
        this.inc(pool.deaf);
      },
    });
    new Gauge({
      name: 'xscaler_querier_queries_queued',
      help: 'Queries that wait for an evaluation thread.',
      registers,
      collect() {
        this.set(pool.queued);
      },
    });
    new Gauge({
      name: 'xscaler_querier_lookups_running',
      help: 'Lookups of series, labels, exemplars, metadata and counts under way.',
      registers,
      collect() {
        this.set(lookups.running);
      },
    });
    new Gauge({
      name: 'xscaler_querier_lookups_queued',
      help: 'Lookups that wait for others to end.',
      registers,
      collect() {
        this.set(lookups.queued);
      },
    });
    new Gauge({
      name: 'xscaler_querier_block_index_bytes',
      help: 'Memory that kept block indexes take, estimated.',
      registers,
      collect() {
        this.set(readers.byteSize);
      },
    });
    new Gauge({
      name: 'xscaler_querier_block_chunk_bytes',
      help: 'Memory that kept chunks of blocks take.',
      registers,
      collect() {
        this.set(readers.chunkByteSize);
      },
    });
  }
}
