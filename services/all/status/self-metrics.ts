import type { Database } from '@xscaler/database';
import { Labels, METRIC_NAME, METRIC_TYPES, type MetricMetadata, type MetricType } from '@xscaler/model';
import type { Upstream, UpstreamResponse } from '@xscaler/rpc';
import type { CollectedMetrics, Logger } from '@xscaler/runtime';
import { TenantStore } from '@xscaler/tenancy';
import { encodeWriteRequest } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';

export interface SelfMetricsOptions {
  readonly collect: () => Promise<CollectedMetrics>;
  readonly distributor: Upstream;
  /** Who may read them knows of every tenant that `collect` names. */
  readonly tenant: string;
  readonly db: Database;
  readonly instance: string;
  readonly intervalMs: number;
  readonly clock: () => number;
  readonly logger: Logger;
}

/** Writes the server's own metrics into a tenant, by the way that everybody's samples take. */
export class SelfMetrics {
  readonly #options: SelfMetricsOptions;
  readonly #tenants: TenantStore;
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: SelfMetricsOptions) {
    this.#options = options;
    this.#tenants = new TenantStore(options.db);
  }

  /** Resolves once the first samples are in, so that a first query finds some, or cannot be written. */
  start(): Promise<void> {
    const write = () => {
      this.#writing = this.#write();
      return this.#writing;
    };
    this.#timer = setInterval(write, this.#options.intervalMs);
    return write();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopping.abort();
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { collect, tenant, logger } = this.#options;
    try {
      const state = (await this.#tenants.tenant(tenant))?.state;
      if (state !== 'active') {
        logger.warn(
          { tenant, state: state ?? 'unknown' },
          'own metrics are not written: the tenant is not active',
        );
        return;
      }
      const answer = await this.#push(await collect());
      if (answer.status >= 300) {
        logger.warn(
          { status: answer.status, answer: Buffer.from(answer.body).toString() },
          'own metrics were refused',
        );
      }
    } catch (error) {
      if (!this.#stopping.signal.aborted) logger.warn({ err: error }, 'own metrics could not be written');
    }
  }

  #push({ samples, families }: CollectedMetrics): Promise<UpstreamResponse> {
    const { distributor, tenant, instance, clock, intervalMs } = this.#options;
    const timestampMs = clock();
    const series = samples.map(({ name, labels, value }) => ({
      labels: Labels.of({ ...labels, [METRIC_NAME]: name, job: 'xscaler', instance }),
      timestamps: [timestampMs],
      values: [value],
    }));
    const body = packSnappy(encodeWriteRequest(series, families.map(metadataOf)));
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
    return distributor.handle(
      { tenant, method: 'POST', path: '/api/v1/push', query: '', headers, body },
      AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(intervalMs)]),
    );
  }
}

function metadataOf({ name, help, type }: CollectedMetrics['families'][number]): MetricMetadata {
  const known = METRIC_TYPES.includes(type as MetricType);
  return { metric: name, type: known ? (type as MetricType) : 'unknown', help, unit: '' };
}
