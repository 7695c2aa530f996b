import { DecodeError } from '@xscaler/encoding';
import type { UpstreamRequest } from '@xscaler/rpc';
import type { Limits, Shard } from '@xscaler/tenancy';
import { HIGHEST_RECORD_VERSION } from '@xscaler/wire/log-record';
import { TooLargeError } from '@xscaler/wire/snappy';
import type { EncodedPush } from '../encoding/push-encoder.ts';
import type { WriteFailure, WriteOutcome, WriteProtocol } from '../protocols/write-protocol.ts';
import type { TenantSeries } from '../series/tenant-series.ts';
import { InFlightBytes } from './in-flight-bytes.ts';
import type { DistributorMetrics } from './metrics.ts';
import { RecordAppends, type RecordAppendsOptions } from './record-appends.ts';
import type { RequestEncoding } from './request-encoding.ts';
import type { Tenants } from './tenants.ts';
import { type RateDivision, WholeRefusals } from './whole-refusals.ts';
import { WriteFailures, type WriteFailuresOptions } from './write-failures.ts';

export interface WritesOptions extends RecordAppendsOptions, WriteFailuresOptions {
  /** Called once a request, so that a changed limit applies from the next one on. */
  readonly limitsOf: (tenant: string) => Limits;
  /** The partitions of a tenant's samples, also called once a request; undefined, a 503, until placement is loaded. */
  readonly shardOf: (tenant: string) => Shard | undefined;
  /**
   * The highest version of the log's records that every ingester reads; absent if ingesters run the same program. While it is too low,
   * start timestamps are left out and native histograms get a 503.
   */
  readonly recordVersion?: () => number;
  /** Why the clock can't be trusted: then every write gets a 503. Undefined while it can; absent: it always can. */
  readonly clockFault?: () => string | undefined;
  /** Absent if there is no other distributor. */
  readonly rates?: RateDivision;
  /** Bound on the bytes of requests and their records in flight; above it a request gets a 503. */
  readonly maxInFlightBytes?: number;
}

/** Performs writes, from a request to durable records. */
export class Writes {
  readonly #options: WritesOptions;
  readonly #tenants: Tenants;
  readonly #encoding: RequestEncoding;
  readonly #failures: WriteFailures;
  readonly #inFlight: InFlightBytes;
  readonly #refusals: WholeRefusals;
  readonly #appends: RecordAppends;

  constructor(
    options: WritesOptions,
    tenants: Tenants,
    encoding: RequestEncoding,
    metrics: DistributorMetrics,
  ) {
    this.#options = options;
    this.#tenants = tenants;
    this.#encoding = encoding;
    this.#failures = new WriteFailures(options);
    this.#inFlight = new InFlightBytes(metrics.inFlightBytes, options.maxInFlightBytes);
    this.#refusals = new WholeRefusals(options.rates, metrics, this.#failures);
    this.#appends = new RecordAppends(options, metrics, this.#failures, this.#inFlight);
  }

  get recordVersion(): number {
    return this.#options.recordVersion?.() ?? HIGHEST_RECORD_VERSION;
  }

  /** Never rejects: an error is logged and becomes an answer. */
  async write(protocol: WriteProtocol, request: UpstreamRequest): Promise<WriteOutcome> {
    try {
      return await this.#write(protocol, request);
    } catch (error) {
      return this.#failures.failed(request, error);
    }
  }

  async #write(protocol: WriteProtocol, request: UpstreamRequest): Promise<WriteOutcome> {
    const { tenant: tenantId, body } = request;
    const { limitsOf, shardOf, clock, clockFault } = this.#options;
    const limits = limitsOf(tenantId);
    const shard = shardOf(tenantId);
    const nowMs = clock();
    const fault = clockFault?.();
    if (fault !== undefined) return this.#failures.unavailable(`nothing was stored: ${fault}`);
    if (body.length > limits.max_recv_msg_size) {
      const text = `the body has ${body.length} bytes, max_recv_msg_size is ${limits.max_recv_msg_size}`;
      return { status: 413, text };
    }
    if (this.#inFlight.isFull) return this.#failures.unavailable('too many writes in flight');
    if (shard === undefined) return this.#failures.unavailable('tenant placement is not loaded yet');
    // Expanded bodies are bounded by the few that are expanded at once.
    return this.#inFlight.during(body.length, () => this.#store(protocol, request, limits, shard, nowMs));
  }

  async #store(
    protocol: WriteProtocol,
    request: UpstreamRequest,
    limits: Limits,
    shard: Shard,
    nowMs: number,
  ): Promise<WriteOutcome> {
    const { tenant: tenantId } = request;
    const { outages } = this.#options;
    const { recordVersion } = this;
    const wideningMs = outages === undefined ? 0 : outages.wideningMs;
    let tenant: TenantSeries;
    let push: EncodedPush;
    try {
      tenant = this.#tenants.of(tenantId, nowMs);
      const write = { tenantId, tenant, limits, shard, nowMs, wideningMs: wideningMs ?? 0, recordVersion };
      push = await this.#encoding.encode(protocol, request, write);
    } catch (error) {
      return bodyFailure(error);
    }
    const outcome =
      this.#refusals.refuse({ tenantId, tenant, limits, push, nowMs, wideningMs }) ??
      (await this.#appends.append(request, push, nowMs));
    const { thinnedExemplars, thinnedSeries } = push.refusals;
    if (outcome.push === undefined) tenant.noteFailure(push.storedExemplars);
    else tenant.exemplars.noteDropped(thinnedExemplars, thinnedSeries, nowMs);
    return outcome;
  }
}

/** @throws the error, if it is not the body's fault */
function bodyFailure(error: unknown): WriteFailure {
  if (error instanceof TooLargeError) return { status: 413, text: `the body ${error.message}` };
  if (error instanceof DecodeError) {
    return { status: 400, text: `the body does not decode: ${error.message}` };
  }
  throw error;
}
