import type { Limits } from '@xscaler/tenancy';
import type { EncodedPush } from '../encoding/push-encoder.ts';
import type { WriteFailure } from '../protocols/write-protocol.ts';
import type { TenantSeries } from '../series/tenant-series.ts';
import type { DistributorMetrics } from './metrics.ts';
import type { WriteFailures } from './write-failures.ts';

/** Divides tenants' ingestion rates among the distributors of a cluster. */
export interface RateDivision {
  /** Notes samples that count towards the tenant's rate, accepted or not. */
  offered(tenant: string, samples: number): void;
  /** This distributor's part of the tenant's rate: above 0, up to 1. */
  share(tenant: string): number;
}

/** For a single distributor. */
const WHOLE_RATE: RateDivision = { offered: () => {}, share: () => 1 };

/** An encoded request, and what it is checked against. */
export interface CheckedPush {
  readonly tenantId: string;
  readonly tenant: TenantSeries;
  readonly limits: Limits;
  readonly push: EncodedPush;
  readonly nowMs: number;
  /** How much later than the tenant's window samples may be; undefined until that is known. */
  readonly wideningMs: number | undefined;
}

/** Refuses requests as a whole. */
export class WholeRefusals {
  readonly #rates: RateDivision;
  readonly #metrics: DistributorMetrics;
  readonly #failures: WriteFailures;

  constructor(rates: RateDivision | undefined, metrics: DistributorMetrics, failures: WriteFailures) {
    this.#rates = rates ?? WHOLE_RATE;
    this.#metrics = metrics;
    this.#failures = failures;
  }

  /** Why none of the request is stored; undefined if it may be. */
  refuse(checked: CheckedPush): WriteFailure | undefined {
    return (
      this.#refuseSize(checked) ??
      this.#refuseVersion(checked) ??
      this.#refuseRate(checked) ??
      this.#refuseLateness(checked)
    );
  }

  #refuseSize({ tenantId, limits, push: { received } }: CheckedPush): WriteFailure | undefined {
    const max = limits.max_samples_per_request;
    const above = max > 0 ? received.partAbove(max) : undefined;
    if (above === undefined) return undefined;
    this.#metrics.countWhole(tenantId, received.samples, 'request_too_large');
    const count = `${above.count}${received.isCut ? ' or more' : ''} ${above.part}`;
    const text = `the request has ${count}, max_samples_per_request is ${max}; nothing was stored`;
    return { status: 400, text };
  }

  #refuseVersion({ tenantId, push }: CheckedPush): WriteFailure | undefined {
    if (!push.needsNewerRecords) return undefined;
    this.#metrics.countWhole(tenantId, push.received.samples, 'record_version');
    return this.#failures.unavailable('not all ingesters read native histograms yet');
  }

  #refuseRate(checked: CheckedPush): WriteFailure | undefined {
    const waitMs = this.#takeRate(checked);
    if (waitMs === 0) return undefined;
    const { tenantId, limits, push } = checked;
    this.#metrics.countWhole(tenantId, push.received.samples, 'rate_limited');
    const text = `ingestion_rate of ${limits.ingestion_rate} samples a second exceeded`;
    return { status: 429, text, retryAfterMs: waitMs };
  }

  /** Takes the request's cost from this distributor's share of rate and burst. Returns the ms to wait, 0 if it is taken. */
  #takeRate({ tenantId, tenant, limits, push, nowMs }: CheckedPush): number {
    const { ingestion_rate: rate, ingestion_burst_size: burst } = limits;
    if (rate === 0) return 0;
    const cost = push.received.cost(push.storedSamples);
    this.#rates.offered(tenantId, cost);
    const share = this.#rates.share(tenantId);
    return tenant.bucket.take(cost, rate * share, burst * share, nowMs);
  }

  /** A sample can't be called too old while an outage may not be known yet. */
  #refuseLateness({ tenantId, push, wideningMs }: CheckedPush): WriteFailure | undefined {
    if (wideningMs !== undefined || !push.refusals.samples.has('too_old')) return undefined;
    this.#metrics.countWhole(tenantId, push.received.samples, 'lateness_unknown');
    return this.#failures.unavailable('recent outages are not loaded yet, so old samples cannot be checked');
  }
}
