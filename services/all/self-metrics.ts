import { Labels, METRIC_NAME, METRIC_TYPES, type MetricMetadata, type MetricType } from '@xscaler/model';
import type { Upstream } from '@xscaler/rpc';
import type { CollectedMetrics, Logger } from '@xscaler/runtime';
import { encodeWriteRequest, packSnappy } from '@xscaler/wire';

export interface SelfMetricsOptions {
  readonly collect: () => Promise<CollectedMetrics>;
  readonly distributor: Upstream;
  readonly tenant: string;
  readonly instance: string;
  readonly intervalMs: number;
  readonly clock: () => number;
  readonly logger: Logger;
}

/** Writes the server's own metrics into a tenant, by the way that everybody's samples take. */
export class SelfMetrics {
  readonly #options: SelfMetricsOptions;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: SelfMetricsOptions) {
    this.#options = options;
  }

  /** Resolves once the first samples are in, so that a first query finds some. */
  async start(): Promise<void> {
    this.#timer = setInterval(() => {
      this.#writing = this.#write();
    }, this.#options.intervalMs);
    await this.#write();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { collect, distributor, tenant, instance, clock, logger } = this.#options;
    try {
      const { samples, families } = await collect();
      const timestampMs = clock();
      const series = samples.map(({ name, labels, value }) => ({
        labels: Labels.of({ ...labels, [METRIC_NAME]: name, job: 'xscaler', instance }),
        timestamps: [timestampMs],
        values: [value],
      }));
      const body = packSnappy(encodeWriteRequest(series, families.map(metadataOf)));
      const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
      const path = '/api/v1/push';
      const answer = await distributor.handle(
        { tenant, method: 'POST', path, query: '', headers, body },
        AbortSignal.timeout(this.#options.intervalMs),
      );
      if (answer.status >= 300) {
        logger.warn(
          { status: answer.status, answer: Buffer.from(answer.body).toString() },
          'own metrics were refused',
        );
      }
    } catch (error) {
      logger.warn({ err: error }, 'own metrics could not be written');
    }
  }
}

function metadataOf({ name, help, type }: CollectedMetrics['families'][number]): MetricMetadata {
  const known = METRIC_TYPES.includes(type as MetricType);
  return { metric: name, type: known ? (type as MetricType) : 'unknown', help, unit: '' };
}
