import type { Upstream, UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import type { Logger } from '@xscaler/runtime';
import type { Limits } from '@xscaler/tenancy';
import { type Admission, type Authenticator, admit, type Credentials } from './admission.ts';
import { BodyBudget, type BodyLease } from './body-budget.ts';
import { Refusal, unavailable } from './refusal.ts';
import type { Route, RouteKind } from './routes.ts';
import { TokenBuckets } from './token-buckets.ts';
import { type WritePlace, WriteQueue } from './write-queue.ts';

/** Bounds of a gateway as a whole; those of a tenant are in its `Limits`. */
export interface GatewayLimits {
  /** Requests with both headers right that are being worked on, in all and for one tenant. */
  readonly maxInFlightRequests: number;
  readonly maxTenantInFlightRequests: number;
  /** Bytes of request bodies held, in all and for one tenant. */
  readonly maxInFlightBytes: number;
  readonly maxTenantInFlightBytes: number;
  /** Largest body of a read (a form). */
  readonly maxReadBodyBytes: number;
  /** Requests a second, all tenants together; 0: no limit. */
  readonly requestRate: number;
  /** A write that waits longer for those before it is refused. */
  readonly maxWriteWaitMs: number;
  /** How long a service may take. */
  readonly writeTimeoutMs: number;
  readonly readTimeoutMs: number;
  /** A client that takes nothing of its answer for so long is cut off: the answer is held for it meanwhile. */
  readonly stalledReaderMs: number;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  maxInFlightRequests: 2048,
  maxTenantInFlightRequests: 1024,
  maxInFlightBytes: 256 * 1024 * 1024,
  maxTenantInFlightBytes: 128 * 1024 * 1024,
  maxReadBodyBytes: 10 * 1024 * 1024,
  requestRate: 0,
  maxWriteWaitMs: 300,
  writeTimeoutMs: 30_000,
  // The querier ends a query after 2 minutes and says so better than we can.
  readTimeoutMs: 130_000,
  stalledReaderMs: 30_000,
};

/** How tenants' rates are divided among the gateways of a cluster. */
export interface RateDivision {
  /** A request that a tenant's rate counts has come, whether it is let in or not. */
  offered(tenant: string): void;
  /** The part of the tenant's rate that is this gateway's: above 0, up to 1. */
  share(tenant: string): number;
}

/** Of a gateway that is the only one. */
const ALONE: RateDivision = { offered: () => {}, share: () => 1 };

export interface IntakeOptions {
  readonly authenticator: Authenticator;
  /** Takes writes and deletions, and says what it knows of a tenant. */
  readonly distributor: Upstream;
  /** Takes reads and rules. */
  readonly querier: Upstream;
  readonly limits?: Partial<GatewayLimits>;
  /** Absent where there is no other gateway. */
  readonly rates?: RateDivision;
  readonly logger: Logger;
  /** Monotonic, ms. */
  readonly clock: () => number;
  /** From 0 up to 1: spreads when refused clients come back. */
  readonly random: () => number;
}

/** Whoever is refused for what others do comes back after one of so many seconds: not all at once. */
const RETRY_WITHIN_SECONDS = 3;

/** What a gateway holds at the moment. */
export interface InFlight {
  readonly requests: number;
  /** Of their bodies. */
  readonly bytes: number;
  /** Writes that a service works on, how many these may be, and writes that wait for them. */
  readonly atWork: number;
  readonly places: number;
  readonly waiting: number;
}

/** A request being worked on: what it holds of the gateway. */
export interface Place {
  readonly lease: BodyLease;
  release(): void;
}

/**
 * What every request goes through, whether it comes by HTTP or gRPC: who may do what, how often, how much at once, how
 * long it may take.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly limits: GatewayLimits;
  readonly #budget: BodyBudget;
  readonly #tenantRates = new TokenBuckets();
  readonly #gatewayRate = new TokenBuckets();
  readonly #writes: WriteQueue;
  readonly #inFlight = new Map<string, number>();
  #inFlightCount = 0;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits };
    const { maxInFlightBytes, maxTenantInFlightBytes, maxWriteWaitMs } = this.limits;
    this.#budget = new BodyBudget(maxInFlightBytes, maxTenantInFlightBytes, () =>
      this.#unavailable('too many bytes in flight'),
    );
    this.#writes = new WriteQueue({
      maxWaitMs: maxWriteWaitMs,
      clock: options.clock,
      refusal: () => this.#unavailable('too many writes wait'),
    });
  }

  get inFlight(): InFlight {
    const { atWork, waiting, places } = this.#writes;
    return { requests: this.#inFlightCount, bytes: this.#budget.heldBytes, atWork, waiting, places };
  }

  /** The limits of the tenant that the request may act for, now. @throws Refusal */
  admit(credentials: Credentials, kind: RouteKind): Admission {
    return admit(this.#options.authenticator, credentials, kind);
  }

  /** To be released when the request is done. @throws Refusal where too many are under way, or come too often */
  place(tenant: string, kind: RouteKind, limits: Limits): Place {
    this.#checkRates(tenant, kind, limits);
    // Before its body is read, and once more when it is.
    if (kind === 'write' && this.#writes.isFull(tenant)) throw this.#unavailable('too many writes wait');
    const { maxInFlightRequests, maxTenantInFlightRequests } = this.limits;
    const ofTenant = this.#inFlight.get(tenant) ?? 0;
    if (this.#inFlightCount >= maxInFlightRequests || ofTenant >= maxTenantInFlightRequests) {
      throw this.#unavailable('too many requests in flight');
    }
    const lease = this.#budget.lease(tenant);
    this.#inFlightCount++;
    this.#inFlight.set(tenant, ofTenant + 1);
    let held = true;
    return {
      lease,
      release: () => {
        if (!held) return;
        held = false;
        this.#inFlightCount--;
        const left = (this.#inFlight.get(tenant) as number) - 1;
        if (left === 0) this.#inFlight.delete(tenant);
        else this.#inFlight.set(tenant, left);
        lease.release();
      },
    };
  }

  /** What could never be held is too large: a 503 would have the client try it for ever. */
  maxBodyBytes(kind: RouteKind, limits: Limits): number {
    const { maxInFlightBytes, maxTenantInFlightBytes, maxReadBodyBytes } = this.limits;
    const held = Math.min(limits.max_recv_msg_size, maxInFlightBytes, maxTenantInFlightBytes);
    return kind === 'write' ? held : Math.min(held, maxReadBodyBytes);
  }

  /**
   * The service's answer. Its work is ended when the client leaves (`left` is aborted) or the time is up.
   * @throws Refusal
   * @throws the reason of `left`
   */
  async ask(
    { kind, service }: Pick<Route, 'kind' | 'service'>,
    request: UpstreamRequest,
    left: AbortSignal,
  ): Promise<UpstreamResponse> {
    const write = kind !== 'read';
    const upstream = this.#options[service];
    const canceler = new AbortController();
    const onLeave = () => canceler.abort(left.reason);
    if (left.aborted) onLeave();
    left.addEventListener('abort', onLeave);
    let place: WritePlace | undefined;
    const timeoutMs = write ? this.limits.writeTimeoutMs : this.limits.readTimeoutMs;
    const timer = setTimeout(() => canceler.abort(timedOut(timeoutMs)), timeoutMs);
    try {
      canceler.signal.throwIfAborted();
      if (kind === 'write') place = await this.#writes.enter(request.tenant, canceler.signal);
      return await upstream.handle(request, canceler.signal);
    } catch (error) {
      if (canceler.signal.aborted) throw canceler.signal.reason;
      if (error instanceof Refusal) throw error;
      this.#options.logger.warn({ path: request.path, tenant: request.tenant, err: error }, 'service failed');
      throw this.#unavailable(write ? 'not accepted, try again' : 'cannot answer at the moment, try again');
    } finally {
      place?.leave();
      clearTimeout(timer);
      left.removeEventListener('abort', onLeave);
    }
  }

  #unavailable(text: string): Refusal {
    return unavailable(text, 1 + Math.floor(this.#options.random() * RETRY_WITHIN_SECONDS));
  }

  /** `request_rate` is a tenant's rate of writes, over all gateways. */
  #checkRates(tenant: string, kind: RouteKind, limits: Limits): void {
    const nowMs = this.#options.clock();
    const waitMs =
      (kind === 'write' ? this.#takeOfTenant(tenant, limits.request_rate, nowMs) : 0) ||
      this.#gatewayRate.take('', this.limits.requestRate, nowMs);
    if (waitMs === 0) return;
    const retryAfter = String(Math.max(1, Math.ceil(waitMs / 1000)));
    throw new Refusal('rate_limited', 'over the request rate limit', { 'retry-after': retryAfter });
  }

  #takeOfTenant(tenant: string, rate: number, nowMs: number): number {
    if (rate === 0) return 0;
    const { rates = ALONE } = this.#options;
    rates.offered(tenant);
    return this.#tenantRates.take(tenant, rate * rates.share(tenant), nowMs);
  }
}

function timedOut(timeoutMs: number): Refusal {
  return new Refusal('timeout', `no answer within ${timeoutMs / 1000} s`, { 'retry-after': '1' });
}
