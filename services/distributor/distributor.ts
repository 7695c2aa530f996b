import { randomBytes } from 'node:crypto';
import { DecodeError } from '@xscaler/encoding';
import type { Upstream, UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import type { Limits, Shard } from '@xscaler/tenancy';
import { expandSnappy, TooLargeError } from '@xscaler/wire';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import type { Registry } from 'prom-client';
import { NO_CONTENT, retryLater, textAnswer } from './answers.ts';
import { DistributorMetrics } from './distributor-metrics.ts';
import type { PartitionRecord } from './partition-records.ts';
import { type EncodedPush, PushEncoder } from './push-encoder.ts';
import { TenantSeries } from './tenant-series.ts';

export interface DistributorOptions {
  readonly log: WriteLog;
  /** Looked at once a request: a changed limit holds from the next one on. */
  readonly limitsOf: (tenant: string) => Limits;
  /** Where a tenant's samples go, looked at once a request too; undefined where that isn't known: 503. */
  readonly shardOf: (tenant: string) => Shard | undefined;
  /** Length of the ingesters' head windows, in whole ms from a second to 24 days; written into every record. */
  readonly windowMs: number;
  /** Wall clock, in ms. */
  readonly clock: () => number;
  readonly registry: Registry;
  readonly logger: DistributorLogger;
  /** Four random words that key the facts tables; random where absent. */
  readonly seed?: Uint32Array;
  /** Ids (4 words each) of a tenant's active series beyond this process; loaded before the series limit holds. */
  readonly activeSeries?: (tenant: string) => Promise<Uint32Array>;
  /** Bound on the series of one tenant that facts are kept for. */
  readonly maxFactsPerTenant?: number;
  /** Bound on the bytes that the log has been given and hasn't answered for; above it a request gets 503. */
  readonly maxInFlightBytes?: number;
}

export interface DistributorLogger {
  warn(fields: object, message: string): void;
}

const PUSH_PATH = '/api/v1/push';
const MAX_FACTS_PER_TENANT = 4_000_000;
const MAX_IN_FLIGHT_BYTES = 128 * 1024 * 1024;
const MIN_WINDOW_MS = 1_000;
const MAX_WINDOW_MS = 24 * 86_400_000;
const RETRY_AFTER_MS = 5_000;
const FORGET_TENANT_MS = 2 * 3_600_000;
const FORGET_EVERY_MS = 5 * 60_000;

/**
 * Accepts writes: `POST /api/v1/push`, remote write 1.0. A 2xx means that the write log has every sample.
 * @throws RangeError where `windowMs` is out of its bounds
 */
export function createDistributor(options: DistributorOptions): Upstream {
  const { windowMs } = options;
  if (!Number.isInteger(windowMs) || windowMs < MIN_WINDOW_MS || windowMs > MAX_WINDOW_MS) {
    throw new RangeError(`a window of ${windowMs} ms`);
  }
  return new Distributor(options);
}

class Distributor implements Upstream {
  readonly #options: DistributorOptions;
  readonly #seed: Uint32Array;
  readonly #encoder: PushEncoder;
  readonly #metrics: DistributorMetrics;
  readonly #tenants = new Map<string, TenantSeries>();
  #inFlightBytes = 0;
  #forgotMs = 0;

  constructor(options: DistributorOptions) {
    this.#options = options;
    this.#seed = options.seed ?? randomSeed();
    this.#encoder = new PushEncoder(options.windowMs, this.#seed);
    this.#metrics = new DistributorMetrics(
      options.registry,
      () => this.#sumOverTenants((tenant) => tenant.facts.size),
      () => this.#sumOverTenants((tenant) => tenant.facts.evicted),
    );
  }

  async handle(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    signal.throwIfAborted();
    const answer = requestFault(request) ?? (await this.#push(request));
    this.#metrics.requests.inc({ code: String(answer.status) });
    return answer;
  }

  async #push({ tenant: tenantId, body }: UpstreamRequest): Promise<UpstreamResponse> {
    const { limitsOf, shardOf, clock } = this.#options;
    const limits = limitsOf(tenantId);
    const shard = shardOf(tenantId);
    const nowMs = clock();
    if (body.length > limits.max_recv_msg_size) {
      return textAnswer(
        413,
        `the body has ${body.length} bytes, max_recv_msg_size is ${limits.max_recv_msg_size}`,
      );
    }
    if (this.#inFlightBytes >= (this.#options.maxInFlightBytes ?? MAX_IN_FLIGHT_BYTES)) {
      return retryLater(503, 'too many writes in flight', RETRY_AFTER_MS);
    }
    if (shard === undefined) return retryLater(503, 'where samples go is not known', RETRY_AFTER_MS);
    const tenant = this.#tenant(tenantId, nowMs);
    let push: EncodedPush;
    try {
      const expanded = expandSnappy(body, limits.max_decompressed_size);
      push = this.#encoder.encode(tenantId, tenant, limits, shard, expanded, nowMs);
    } catch (error) {
      if (error instanceof TooLargeError) return textAnswer(413, `the body ${error.message}`);
      if (error instanceof DecodeError) return textAnswer(400, `the body does not decode: ${error.message}`);
      throw error;
    }
    return (
      this.#refuseWhole(tenantId, tenant, limits, push, nowMs) ?? (await this.#append(tenantId, push, nowMs))
    );
  }

  /** Limits that a request keeps or breaks as a whole. */
  #refuseWhole(
    tenantId: string,
    tenant: TenantSeries,
    limits: Limits,
    push: EncodedPush,
    nowMs: number,
  ): UpstreamResponse | undefined {
    const { received, storedSamples } = push;
    const max = limits.max_samples_per_request;
    const above = max > 0 ? received.partAbove(max) : undefined;
    if (above !== undefined) {
      this.#countWhole(tenantId, received.samples, 'request_too_large');
      return textAnswer(
        400,
        `the request has ${above.count}${received.isCut ? ' or more' : ''} ${above.part}, max_samples_per_request is ${max}; none was stored`,
      );
    }
    const { ingestion_rate: rate, ingestion_burst_size: burst } = limits;
    const waitMs = rate > 0 ? tenant.bucket.take(received.cost(storedSamples), rate, burst, nowMs) : 0;
    if (waitMs > 0) {
      this.#countWhole(tenantId, received.samples, 'rate_limited');
      return retryLater(429, `ingestion_rate of ${rate} samples a second exceeded`, waitMs);
    }
    return undefined;
  }

  /** All partitions or nothing: what a retry appends twice is dropped by (series id, timestamp). */
  async #append(tenantId: string, push: EncodedPush, nowMs: number): Promise<UpstreamResponse> {
    const failure = await this.#appendAll(push.records);
    this.#metrics.appendSeconds.observe(Math.max(0, this.#options.clock() - nowMs) / 1000);
    if (failure !== undefined) return this.#notDurable(tenantId, push, failure);
    this.#count(tenantId, push);
    return push.refusals.none ? NO_CONTENT : textAnswer(400, push.refusals.text(push.storedSamples));
  }

  #notDurable(tenantId: string, push: EncodedPush, failure: unknown): UpstreamResponse {
    this.#options.logger.warn({ tenant: tenantId, err: failure }, 'a write could not be made durable');
    if (isTooLarge(failure)) {
      this.#countWhole(tenantId, push.received.samples, failure.code);
      return textAnswer(400, `the write log refuses the request, ${failure.code}: ${failure.message}`);
    }
    this.#countWhole(tenantId, push.received.samples, 'not_durable');
    return retryLater(503, 'the write log is not available', RETRY_AFTER_MS);
  }

  /** The failure that decides (one that no retry can mend, if there is), or undefined once every record is durable. */
  async #appendAll(records: readonly PartitionRecord[]): Promise<unknown> {
    let bytes = 0;
    for (const { record } of records) bytes += record.length;
    this.#trackInFlight(bytes);
    const outcomes = await Promise.allSettled(
      records.map(async ({ partition, record }) => this.#options.log.append(partition, record)),
    );
    this.#trackInFlight(-bytes);
    const failures = outcomes
      .filter((outcome) => outcome.status === 'rejected')
      .map(({ reason }) => reason ?? new Error('append rejected'));
    return failures.find(isTooLarge) ?? failures[0];
  }

  #trackInFlight(bytes: number): void {
    this.#inFlightBytes += bytes;
    this.#metrics.inFlightBytes.set(this.#inFlightBytes);
  }

  #count(tenant: string, push: EncodedPush): void {
    const { received, stored, refused, exemplarsStored, exemplarsRefused } = this.#metrics;
    const { metadataStored, metadataRefused } = this.#metrics;
    received.inc({ tenant }, push.received.samples);
    stored.inc({ tenant }, push.storedSamples);
    for (const [reason, count] of push.refusals.samples) refused.inc({ tenant, reason }, count);
    if (push.storedExemplars > 0) exemplarsStored.inc({ tenant }, push.storedExemplars);
    if (push.refusals.exemplarCount > 0) exemplarsRefused.inc({ tenant }, push.refusals.exemplarCount);
    if (push.storedMetadata > 0) metadataStored.inc({ tenant }, push.storedMetadata);
    if (push.refusals.metadataCount > 0) metadataRefused.inc({ tenant }, push.refusals.metadataCount);
  }

  #countWhole(tenant: string, samples: number, reason: string): void {
    this.#metrics.received.inc({ tenant }, samples);
    this.#metrics.refused.inc({ tenant, reason }, samples);
  }

  #tenant(tenantId: string, nowMs: number): TenantSeries {
    if (nowMs - this.#forgotMs >= FORGET_EVERY_MS) this.#forgetIdle(nowMs);
    let tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) {
      const { maxFactsPerTenant, activeSeries, logger } = this.#options;
      tenant = new TenantSeries({
        tenant: tenantId,
        maxFacts: maxFactsPerTenant ?? MAX_FACTS_PER_TENANT,
        seed: this.#seed[0] ^ this.#seed[2],
        loadActive: activeSeries,
        onLoadFailed: (error) => {
          logger.warn({ tenant: tenantId, err: error }, 'active series could not be loaded, the limit waits');
        },
      });
      this.#tenants.set(tenantId, tenant);
    }
    return tenant;
  }

  #forgetIdle(nowMs: number): void {
    this.#forgotMs = nowMs;
    for (const [tenantId, tenant] of this.#tenants) {
      if (nowMs - tenant.lastPushMs > FORGET_TENANT_MS) this.#tenants.delete(tenantId);
    }
  }

  #sumOverTenants(number: (tenant: TenantSeries) => number): number {
    let sum = 0;
    for (const tenant of this.#tenants.values()) sum += number(tenant);
    return sum;
  }
}

/** A closed log isn't asked again either, but whoever comes next behind this address has an open one. */
function isTooLarge(failure: unknown): failure is WriteLogError {
  return failure instanceof WriteLogError && failure.code === 'record_too_large';
}

/** What can be said without looking at the body. */
function requestFault({ method, path, headers }: UpstreamRequest): UpstreamResponse | undefined {
  if (path !== PUSH_PATH) return textAnswer(404, `no such path: ${path}`);
  if (method !== 'POST') return textAnswer(405, 'only POST', { allow: 'POST' });
  const [mediaType, ...parameters] = (headers['content-type'] ?? '').split(';');
  if (mediaType.trim().toLowerCase() !== 'application/x-protobuf') {
    return textAnswer(415, 'content-type must be application/x-protobuf');
  }
  for (const parameter of parameters) {
    const [name, value = ''] = parameter.split('=');
    const message = value.trim().replaceAll('"', '');
    if (name.trim().toLowerCase() === 'proto' && message !== 'prometheus.WriteRequest') {
      return textAnswer(415, `only proto=prometheus.WriteRequest is accepted, not ${message}`);
    }
  }
  if ((headers['content-encoding'] ?? '').trim().toLowerCase() !== 'snappy') {
    return textAnswer(415, 'content-encoding must be snappy');
  }
  return undefined;
}

function randomSeed(): Uint32Array {
  return new Uint32Array(new Uint8Array(randomBytes(16)).buffer);
}
