import { randomBytes } from 'node:crypto';
import type { Leases, SeriesTotal } from '@xscaler/cluster';
import { DecodeError } from '@xscaler/encoding';
import {
  internalErrorText,
  knownFailure,
  REQUEST_ID_HEADER,
  requestIdOf,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
} from '@xscaler/rpc';
import type { Limits, Shard } from '@xscaler/tenancy';
import { HIGHEST_RECORD_VERSION } from '@xscaler/wire/log-record';
import { TooLargeError } from '@xscaler/wire/snappy';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import type { Registry } from 'prom-client';
import { DistributorMetrics } from './distributor-metrics.ts';
import { type DistributorReport, reportOf, tenantReport } from './distributor-report.ts';
import type { PartitionRecord } from './encoding/partition-records.ts';
import { type EncodedPush, PushEncoder } from './encoding/push-encoder.ts';
import type { WriteBody } from './encoding/write-body.ts';
import type { AppendHealth } from './log/append-health.ts';
import type { Outages } from './log/outages.ts';
import { BodyExpansion } from './protocols/body-expansion.ts';
import { OTLP_PATHS, OtlpProtocol } from './protocols/otlp-protocol.ts';
import { PUSH_PATH, plainAnswer, RemoteWriteProtocols } from './protocols/remote-write-protocol.ts';
import type { WriteFailure, WriteOutcome, WriteProtocol } from './protocols/write-protocol.ts';
import { TenantSeries } from './series/tenant-series.ts';

export interface DistributorOptions {
  readonly log: WriteLog;
  /** Looked at once a request: a changed limit holds from the next one on. */
  readonly limitsOf: (tenant: string) => Limits;
  /** Where a tenant's samples go, looked at once a request too; undefined if that isn't known: 503. */
  readonly shardOf: (tenant: string) => Shard | undefined;
  /**
   * The highest version of the log's records that every ingester reads; absent if they are of one program. While it is
   * too low, start timestamps are left out, and native histograms are for later: 503.
   */
  readonly recordVersion?: () => number;
  /** Length of the ingesters' head windows, in whole ms from a second to 24 days; written into every record. */
  readonly windowMs: number;
  /** Wall clock, in ms. */
  readonly clock: () => number;
  /** Why the clock can't be gone by: then every write gets a 503. Undefined while it can; absent: it always can. */
  readonly clockFault?: () => string | undefined;
  readonly registry: Registry;
  readonly logger: DistributorLogger;
  /** From 0 up to 1, spreads those who are told to come back; `Math.random` if absent. */
  readonly random?: () => number;
  /** Four random words that key the facts tables; random if absent. */
  readonly seed?: Uint32Array;
  /** Ids (4 words each) of a tenant's active series beyond this process; loaded before the series limit holds. */
  readonly activeSeries?: (tenant: string) => Promise<Uint32Array>;
  /** A tenant's active series over the cluster, as ingesters count them; absent if there is no other distributor. */
  readonly activeTotal?: (tenant: string) => Promise<SeriesTotal | undefined>;
  /** Where distributors agree on the elected replicas of HA pairs; absent if there is no other distributor. */
  readonly leases?: Leases;
  /** Absent if there is no other distributor. */
  readonly rates?: RateDivision;
  /** What is known of outages of ours, after which samples may be later; absent: there are none. */
  readonly outages?: Pick<Outages, 'noteAppend' | 'wideningMs'>;
  /** Told of every append. */
  readonly appendHealth?: Pick<AppendHealth, 'noteAppend'>;
  /** Bound on the series of one tenant that facts are kept for. */
  readonly maxFactsPerTenant?: number;
  /** Bound on the bytes of requests under way, and of what the log was given of them; above it a request gets 503. */
  readonly maxInFlightBytes?: number;
}

export interface DistributorLogger {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** How tenants' ingestion rates are divided among the distributors of a cluster. */
export interface RateDivision {
  /** Samples that a tenant's rate counts have come, whether they are let in or not. */
  offered(tenant: string, samples: number): void;
  /** The part of the tenant's rate that is this distributor's: above 0, up to 1. */
  share(tenant: string): number;
}

/** Of a distributor that is the only one. */
const ALONE: RateDivision = { offered: () => {}, share: () => 1 };

export interface Distributor extends Upstream {
  inspect(): DistributorReport;
}

const DEBUG_PATH = '/debug';
const MAX_FACTS_PER_TENANT = 4_000_000;
const MAX_IN_FLIGHT_BYTES = 128 * 1024 * 1024;
const MIN_WINDOW_MS = 1_000;
const MAX_WINDOW_MS = 24 * 86_400_000;
/** Longest `Retry-After` of a 503, s; each answer has a random one from 1, so that clients do not return at once. */
const FIRST_RETRY_SECONDS = 3;
const RETRY_WITHIN_SECONDS = 5;
const FORGET_TENANT_MS = 2 * 3_600_000;
const FORGET_EVERY_MS = 5 * 60_000;
/** A request is encoded so often at most: what is still open then is accepted. */
const MAX_ENCODINGS = 3;

/**
 * Accepts writes: `POST /api/v1/push` (remote write 1.0 and 2.0), `/otlp/v1/metrics` and `/v1/metrics` (OTLP). A 2xx means that the write log has every sample
 * that isn't refused by name. `GET /debug` tells a tenant what is known of it: its HA pairs with their elected replicas, its series.
 * @throws RangeError if `windowMs` is out of its bounds
 */
export function createDistributor(options: DistributorOptions): Distributor {
  const { windowMs } = options;
  if (!Number.isInteger(windowMs) || windowMs < MIN_WINDOW_MS || windowMs > MAX_WINDOW_MS) {
    throw new RangeError(`a window of ${windowMs} ms`);
  }
  return new LogDistributor(options);
}

class LogDistributor implements Distributor {
  readonly #options: DistributorOptions;
  readonly #seed: Uint32Array;
  readonly #encoder: PushEncoder;
  readonly #metrics: DistributorMetrics;
  readonly #remoteWrite = new RemoteWriteProtocols();
  readonly #otlp = new OtlpProtocol(new BodyExpansion());
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
      () => this.#encoder.otlpCacheBytes,
      () => this.#sumOverTenants((tenant) => tenant.exemplars.size),
      () => this.inspect(),
    );
  }

  inspect(): DistributorReport {
    return reportOf(this.#tenants, this.#recordVersion);
  }

  get #recordVersion(): number {
    return this.#options.recordVersion?.() ?? HIGHEST_RECORD_VERSION;
  }

  async handle(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    signal.throwIfAborted();
    if (request.path === DEBUG_PATH) return this.#debugPage(request.tenant);
    const protocol = this.#protocolOf(request);
    let answer: UpstreamResponse;
    if (protocol === undefined) {
      answer = plainAnswer({ status: 404, text: `no such path: ${request.path}` });
    } else {
      const outcome =
        requestFault(request) ?? protocol.fault(request) ?? (await this.#writeOrFail(protocol, request));
      answer = protocol.answer(request, outcome);
      if (outcome.push === undefined) {
        this.#metrics.requestsRefused.inc({ tenant: request.tenant, code: String(answer.status) });
      }
    }
    this.#metrics.requests.inc({ code: String(answer.status), protocol: protocol?.format ?? '' });
    return answer;
  }

  #debugPage(tenant: string): UpstreamResponse {
    const report = tenantReport(tenant, this.#tenants.get(tenant));
    return {
      status: 200,
      headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' },
      body: new Uint8Array(Buffer.from(`${JSON.stringify(report, undefined, 2)}\n`)),
    };
  }

  #protocolOf(request: UpstreamRequest): WriteProtocol | undefined {
    if (request.path === PUSH_PATH) return this.#remoteWrite.of(request);
    return OTLP_PATHS.includes(request.path) ? this.#otlp : undefined;
  }

  /** Every failure has its answer: what ended the write is in the log. */
  async #writeOrFail(protocol: WriteProtocol, request: UpstreamRequest): Promise<WriteOutcome> {
    try {
      return await this.#write(protocol, request);
    } catch (error) {
      return this.#failed(request, error);
    }
  }

  #failed({ tenant, path, headers }: UpstreamRequest, err: unknown): WriteFailure {
    const { logger } = this.#options;
    const requestId = requestIdOf(headers[REQUEST_ID_HEADER]);
    const cause = knownFailure(err);
    if (cause === undefined) {
      logger.error({ requestId, tenant, path, err }, 'a write failed because of an internal error');
      return { status: 500, text: internalErrorText(requestId) };
    }
    logger.warn({ requestId, tenant, path, err }, 'a write could not be made durable');
    return this.#unavailable(cause);
  }

  async #write(protocol: WriteProtocol, request: UpstreamRequest): Promise<WriteOutcome> {
    const { tenant: tenantId, body } = request;
    const { limitsOf, shardOf, clock, clockFault } = this.#options;
    const limits = limitsOf(tenantId);
    const shard = shardOf(tenantId);
    const nowMs = clock();
    const fault = clockFault?.();
    if (fault !== undefined) return this.#unavailable(`nothing was stored: ${fault}`);
    if (body.length > limits.max_recv_msg_size) {
      const text = `the body has ${body.length} bytes, max_recv_msg_size is ${limits.max_recv_msg_size}`;
      return { status: 413, text };
    }
    if (this.#inFlightBytes >= (this.#options.maxInFlightBytes ?? MAX_IN_FLIGHT_BYTES)) {
      return this.#unavailable('too many writes in flight');
    }
    if (shard === undefined) return this.#unavailable('tenant placement is not loaded yet');
    // What it expands to is bounded by the few that are expanded at once.
    this.#trackInFlight(body.length);
    try {
      return await this.#writeInBounds(protocol, request, limits, shard, nowMs);
    } finally {
      this.#trackInFlight(-body.length);
    }
  }

  async #writeInBounds(
    protocol: WriteProtocol,
    request: UpstreamRequest,
    limits: Limits,
    shard: Shard,
    nowMs: number,
  ): Promise<WriteOutcome> {
    const { tenant: tenantId } = request;
    let tenant: TenantSeries;
    let push: EncodedPush;
    const { outages } = this.#options;
    const wideningMs = outages === undefined ? 0 : outages.wideningMs;
    try {
      tenant = this.#tenant(tenantId, nowMs);
      push = await this.#encode(protocol, request, tenant, limits, shard, nowMs, wideningMs ?? 0);
    } catch (error) {
      if (error instanceof TooLargeError) return { status: 413, text: `the body ${error.message}` };
      if (error instanceof DecodeError) {
        return { status: 400, text: `the body cannot be decoded: ${error.message}` };
      }
      throw error;
    }
    const outcome =
      this.#refuseWhole(tenantId, tenant, limits, push, nowMs) ??
      this.#refuseUnlessKnown(tenantId, push, wideningMs) ??
      (await this.#append(request, push, nowMs));
    const { thinnedExemplars, thinnedSeries } = push.refusals;
    if (outcome.push === undefined) tenant.noteFailure(push.storedExemplars);
    else tenant.exemplars.noteDropped(thinnedExemplars, thinnedSeries, nowMs);
    return outcome;
  }

  /** By itself, so that nothing holds an expanded body while its records are made durable. @throws DecodeError, TooLargeError */
  async #encode(
    protocol: WriteProtocol,
    request: UpstreamRequest,
    tenant: TenantSeries,
    limits: Limits,
    shard: Shard,
    nowMs: number,
    wideningMs: number,
  ): Promise<EncodedPush> {
    const { tenant: tenantId } = request;
    const { format } = protocol;
    const expanding = protocol.expand(request, limits.max_decompressed_size);
    const body = expanding instanceof Promise ? await expanding : expanding;
    const write = {
      tenantId,
      tenant,
      limits,
      shard,
      format,
      nowMs,
      wideningMs,
      recordVersion: this.#recordVersion,
      body,
    };
    const push = this.#encoder.encode({ ...write, mayAsk: true });
    // Meanwhile others are expanded into the same buffer.
    return push.questions.length > 0 ? this.#encodeAgain({ ...write, body: Buffer.from(body) }, push) : push;
  }

  /** Has the questions of a first encoding decided, and what comes up then. @throws DecodeError, TooLargeError */
  async #encodeAgain(write: Omit<WriteBody, 'mayAsk'>, first: EncodedPush): Promise<EncodedPush> {
    let push = first;
    for (let i = 2; i <= MAX_ENCODINGS && push.questions.length > 0; i++) {
      await Promise.all(push.questions.map((question) => question.decide(write.nowMs)));
      push = this.#encoder.encode({ ...write, mayAsk: i < MAX_ENCODINGS });
    }
    return push;
  }

  /** Limits that a request keeps or breaks as a whole. */
  #refuseWhole(
    tenantId: string,
    tenant: TenantSeries,
    limits: Limits,
    push: EncodedPush,
    nowMs: number,
  ): WriteFailure | undefined {
    const { received, storedSamples } = push;
    const max = limits.max_samples_per_request;
    const above = max > 0 ? received.partAbove(max) : undefined;
    if (above !== undefined) {
      this.#countWhole(tenantId, received.samples, 'request_too_large');
      const count = `${above.count}${received.isCut ? ' or more' : ''} ${above.part}`;
      const text = `the request has ${count}, max_samples_per_request is ${max}; none was stored`;
      return { status: 400, text };
    }
    if (push.needsNewerRecords) {
      this.#countWhole(tenantId, received.samples, 'record_version');
      return this.#unavailable('not all ingesters read native histograms yet');
    }
    const waitMs = this.#takeRate(tenantId, tenant, limits, received.cost(storedSamples), nowMs);
    if (waitMs > 0) {
      this.#countWhole(tenantId, received.samples, 'rate_limited');
      const text = `ingestion_rate of ${limits.ingestion_rate} samples a second exceeded`;
      return { status: 429, text, retryAfterMs: waitMs };
    }
    return undefined;
  }

  /** Whether a sample is too old can't be said while there may have been an outage that isn't known yet. */
  #refuseUnlessKnown(
    tenantId: string,
    { received, refusals }: EncodedPush,
    wideningMs: number | undefined,
  ): WriteFailure | undefined {
    if (wideningMs !== undefined || !refusals.samples.has('too_old')) return undefined;
    this.#countWhole(tenantId, received.samples, 'lateness_unknown');
    return this.#unavailable('the lateness window is not loaded yet');
  }

  /** Of the tenant's rate and burst this distributor gives out its share. 0, or the ms after which to come again. */
  #takeRate(tenantId: string, tenant: TenantSeries, limits: Limits, cost: number, nowMs: number): number {
    const { ingestion_rate: rate, ingestion_burst_size: burst } = limits;
    if (rate === 0) return 0;
    const { rates = ALONE } = this.#options;
    rates.offered(tenantId, cost);
    const share = rates.share(tenantId);
    return tenant.bucket.take(cost, rate * share, burst * share, nowMs);
  }

  /** All partitions or nothing: what a retry appends twice is dropped by (series id, timestamp). */
  async #append(request: UpstreamRequest, push: EncodedPush, nowMs: number): Promise<WriteOutcome> {
    const failure = await this.#appendAll(push.records);
    this.#metrics.appendSeconds.observe(Math.max(0, this.#options.clock() - nowMs) / 1000);
    if (failure !== undefined) return this.#notDurable(request, push, failure);
    this.#count(request.tenant, push);
    return { push };
  }

  #notDurable(request: UpstreamRequest, push: EncodedPush, failure: unknown): WriteFailure {
    const { tenant } = request;
    if (isTooLarge(failure)) {
      this.#options.logger.warn({ tenant, err: failure }, 'a record is too large for the write log');
      this.#countWhole(tenant, push.received.samples, failure.code);
      return { status: 400, text: `the write log refuses the request, ${failure.code}: send less at once` };
    }
    this.#countWhole(tenant, push.received.samples, 'not_durable');
    // The log itself says why in words that are meant for senders.
    if (failure instanceof WriteLogError && REFUSING_CODES.has(failure.code)) {
      this.#options.logger.warn({ tenant, err: failure }, 'the write log accepts no writes');
      return this.#unavailable(failure.message);
    }
    return this.#failed(request, failure);
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
    for (const [i, outcome] of outcomes.entries()) {
      const isDurable = outcome.status === 'fulfilled' || isTooLarge(outcome.reason);
      const { partition } = records[i];
      this.#options.outages?.noteAppend(partition, isDurable);
      this.#options.appendHealth?.noteAppend(partition, isDurable ? undefined : outcome.reason);
    }
    const failures = outcomes
      .filter((outcome) => outcome.status === 'rejected')
      .map(({ reason }) => reason ?? new Error('append rejected'));
    return failures.find(isTooLarge) ?? failures[0];
  }

  #unavailable(text: string): WriteFailure {
    const { random = Math.random } = this.#options;
    const seconds = FIRST_RETRY_SECONDS + Math.floor(random() * RETRY_WITHIN_SECONDS);
    return { status: 503, text, retryAfterMs: 1000 * seconds };
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
    const { samples, exemplars, metadata } = push.refusals;
    for (const [reason, count] of samples) refused.inc({ tenant, reason }, count);
    if (push.storedExemplars > 0) exemplarsStored.inc({ tenant }, push.storedExemplars);
    for (const [reason, count] of exemplars) exemplarsRefused.inc({ tenant, reason }, count);
    if (push.storedMetadata > 0) metadataStored.inc({ tenant }, push.storedMetadata);
    for (const [reason, count] of metadata) metadataRefused.inc({ tenant, reason }, count);
  }

  #countWhole(tenant: string, samples: number, reason: string): void {
    this.#metrics.received.inc({ tenant }, samples);
    this.#metrics.refused.inc({ tenant, reason }, samples);
  }

  #tenant(tenantId: string, nowMs: number): TenantSeries {
    if (nowMs - this.#forgotMs >= FORGET_EVERY_MS) this.#forgetIdle(nowMs);
    let tenant = this.#tenants.get(tenantId);
    if (tenant === undefined) {
      const { maxFactsPerTenant, activeSeries, activeTotal, leases, logger } = this.#options;
      tenant = new TenantSeries({
        tenant: tenantId,
        maxFacts: maxFactsPerTenant ?? MAX_FACTS_PER_TENANT,
        seed: this.#seed[0] ^ this.#seed[2],
        loadActive: activeSeries,
        activeTotal,
        leases,
        onElected: ({ cluster, election }, before) => {
          this.#metrics.haElections.inc({ tenant: tenantId });
          if (before === undefined) return;
          const change = { tenant: tenantId, cluster, elected: election?.replica, before: before.replica };
          logger.warn(change, 'another replica of an HA pair is elected');
        },
        onLoadFailed: (error) => {
          logger.warn(
            { tenant: tenantId, err: error },
            'active series could not be loaded; the series limit is not enforced until they are',
          );
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

/** Where a log is not the one that writes are for, clients are told. */
const REFUSING_CODES: ReadonlySet<string> = new Set(['log_missing', 'log_replaced']);

/** A closed log isn't asked again either, but the next process at this address has an open one. */
function isTooLarge(failure: unknown): failure is WriteLogError {
  return failure instanceof WriteLogError && failure.code === 'record_too_large';
}

function requestFault({ method }: UpstreamRequest): WriteFailure | undefined {
  return method === 'POST' ? undefined : { status: 405, text: 'only POST', headers: { allow: 'POST' } };
}

function randomSeed(): Uint32Array {
  return new Uint32Array(new Uint8Array(randomBytes(16)).buffer);
}
