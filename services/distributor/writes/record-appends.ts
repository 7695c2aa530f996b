import type { UpstreamRequest } from '@xscaler/rpc';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import type { PartitionRecord } from '../encoding/partition-records.ts';
import type { EncodedPush } from '../encoding/push-encoder.ts';
import type { AppendHealth } from '../log/append-health.ts';
import type { Outages } from '../log/outages.ts';
import type { WriteFailure, WriteOutcome } from '../protocols/write-protocol.ts';
import type { InFlightBytes } from './in-flight-bytes.ts';
import type { DistributorLogger } from './logger.ts';
import type { DistributorMetrics } from './metrics.ts';
import type { WriteFailures } from './write-failures.ts';

/** Clients are told these failures in the log's own words. */
const REFUSING_CODES: ReadonlySet<string> = new Set(['log_missing', 'log_replaced']);

/** The log, and those that note how its appends end. */
export interface RecordAppendsOptions {
  readonly log: WriteLog;
  readonly logger: DistributorLogger;
  /** Wall clock, in ms. */
  readonly clock: () => number;
  /** After an outage of ours samples may be later; absent: there are no outages. */
  readonly outages?: Pick<Outages, 'noteAppend' | 'wideningMs'>;
  readonly appendHealth?: Pick<AppendHealth, 'noteAppend'>;
}

/** Makes records durable. */
export class RecordAppends {
  readonly #options: RecordAppendsOptions;
  readonly #metrics: DistributorMetrics;
  readonly #failures: WriteFailures;
  readonly #inFlight: InFlightBytes;

  constructor(
    options: RecordAppendsOptions,
    metrics: DistributorMetrics,
    failures: WriteFailures,
    inFlight: InFlightBytes,
  ) {
    this.#options = options;
    this.#metrics = metrics;
    this.#failures = failures;
    this.#inFlight = inFlight;
  }

  /** Succeeds if every partition has its records. Records that a retry appends twice are dropped by (series id, timestamp). */
  async append(request: UpstreamRequest, push: EncodedPush, nowMs: number): Promise<WriteOutcome> {
    const failure = await this.#appendAll(push.records);
    this.#metrics.appendSeconds.observe(Math.max(0, this.#options.clock() - nowMs) / 1000);
    if (failure !== undefined) return this.#notDurable(request, push, failure);
    this.#metrics.countStored(request.tenant, push);
    return { push };
  }

  #notDurable(request: UpstreamRequest, push: EncodedPush, failure: unknown): WriteFailure {
    const { tenant } = request;
    const { logger } = this.#options;
    if (isTooLarge(failure)) {
      logger.warn({ tenant, err: failure }, 'a record is too large for the write log');
      this.#metrics.countWhole(tenant, push.received.samples, failure.code);
      return {
        status: 400,
        text: `the write log refused the request (${failure.code}): send smaller requests`,
      };
    }
    this.#metrics.countWhole(tenant, push.received.samples, 'not_durable');
    if (failure instanceof WriteLogError && REFUSING_CODES.has(failure.code)) {
      logger.warn({ tenant, err: failure }, 'the write log accepts no writes');
      return this.#failures.unavailable(failure.message);
    }
    return this.#failures.failed(request, failure);
  }

  /** Undefined once every record is durable; otherwise a failure, one that no retry can mend if there is any. */
  async #appendAll(records: readonly PartitionRecord[]): Promise<unknown> {
    const { log, outages, appendHealth } = this.#options;
    let bytes = 0;
    for (const { record } of records) bytes += record.length;
    const outcomes = await this.#inFlight.during(bytes, () =>
      Promise.allSettled(records.map(async ({ partition, record }) => log.append(partition, record))),
    );
    for (const [i, outcome] of outcomes.entries()) {
      const isWell = outcome.status === 'fulfilled' || isTooLarge(outcome.reason);
      const { partition } = records[i];
      outages?.noteAppend(partition, isWell);
      appendHealth?.noteAppend(partition, isWell ? undefined : outcome.reason);
    }
    const failures = outcomes
      .filter((outcome) => outcome.status === 'rejected')
      .map(({ reason }) => reason ?? new Error('append rejected'));
    return failures.find(isTooLarge) ?? failures[0];
  }
}

/** The only failure that a retry can't mend. A closed log is another process' open one the next time. */
function isTooLarge(failure: unknown): failure is WriteLogError {
  return failure instanceof WriteLogError && failure.code === 'record_too_large';
}
