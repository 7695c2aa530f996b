import {
  knownFailure,
  REQUEST_ID_HEADER,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
} from '@xscaler/rpc';
import type { Logger } from '@xscaler/runtime';
import type { Limits } from '@xscaler/tenancy';
import { ByteBudget, type ByteLease } from '../budgets/byte-budget.ts';
import { FairShares } from '../budgets/fair-shares.ts';
import { type MinPace, PaceWatch } from '../budgets/pace.ts';
import { TokenBuckets } from '../budgets/token-buckets.ts';
import { Refusal, type RefusalCode } from '../refusals/refusal.ts';
import type { Route, RouteKind } from '../routing/routes.ts';
import { type Admission, type Authenticator, admit, type Credentials } from './admission.ts';
import { type WritePlace, WriteQueue } from './write-queue.ts';

/** Limits of the whole gateway; a tenant's are in its `Limits`. */
export interface GatewayLimits {
  /** Authenticated requests in flight. Tenants share these, and the bytes below, by `FairShares`. */
  readonly maxInFlightRequests: number;
  /** Bytes of request bodies held. */
  readonly maxInFlightBytes: number;
  /** A body that waits longer for memory is refused. */
  readonly maxBodyWaitMs: number;
  /** A body that arrives more slowly is refused. */
  readonly minBodyPace: MinPace;
  /** Largest body of a read (a form). */
  readonly maxReadBodyBytes: number;
  /** Bytes held for answers that clients have not read yet. */
  readonly maxAnswerBytes: number;
  /** A read, or its answer, that waits longer for room among unread answers is refused. */
  readonly maxAnswerWaitMs: number;
  /** A client that reads its answer more slowly is disconnected, since the answer takes memory until then. */
  readonly minAnswerPace: MinPace;
  /** A write that waits longer for earlier writes is refused. */
  readonly maxWriteWaitMs: number;
  /** Limit on a service's answer time. */
  readonly writeTimeoutMs: number;
  readonly readTimeoutMs: number;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  maxInFlightRequests: 2048,
  maxInFlightBytes: 256 * 1024 * 1024,
  maxBodyWaitMs: 2_000,
  minBodyPace: { windowMs: 10_000, bytesPerSecond: 4 * 1024 },
  maxReadBodyBytes: 10 * 1024 * 1024,
  // Twice the default limit on a query's answer.
  maxAnswerBytes: 512 * 1024 * 1024,
  maxAnswerWaitMs: 10_000,
  // Half of 1 Mbit/s.
  minAnswerPace: { windowMs: 30_000, bytesPerSecond: 64 * 1024 },
  maxWriteWaitMs: 300,
  writeTimeoutMs: 30_000,
  // Longer than the querier's own limit of 2 minutes, whose error says more.
  readTimeoutMs: 130_000,
};

/** Answers that wait for room may already be in memory, so they are limited to this fraction of `maxAnswerBytes`. */
const WAITING_ANSWERS = 1 / 8;

/** How tenants' rates are divided among the gateways of a cluster. */
export interface RateDivision {
  /** Counts a request towards the tenant's rate, accepted or not. */
  offered(tenant: string): void;
  /** This gateway's fraction of the tenant's rate: above 0, up to 1. */
  share(tenant: string): number;
}

/** For a single gateway. */
const ALONE: RateDivision = { offered: () => {}, share: () => 1 };

export interface IntakeOptions {
  readonly authenticator: Authenticator;
  /** Serves writes, deletions and a tenant's debug pages. */
  readonly distributor: Upstream;
  /** Serves reads and rules. */
  readonly querier: Upstream;
  readonly limits?: Partial<GatewayLimits>;
  /** Absent for a single gateway. */
  readonly rates?: RateDivision;
  readonly logger: Logger;
  /** Monotonic, ms. */
  readonly clock: () => number;
  /** In [0, 1): spreads the retries of refused clients. */
  readonly random: () => number;
}

/** Longest `Retry-After` after a refusal because of other tenants, s. It is random, so that clients do not return together. */
const RETRY_WITHIN_SECONDS = 3;

/** What a gateway holds at the moment. */
export interface InFlight {
  readonly requests: number;
  /** Bytes of request bodies. */
  readonly bytes: number;
  /** Bytes of answers that clients have not read yet. */
  readonly answerBytes: number;
  /** Writes in flight to a service, the current limit on them, and writes waiting. */
  readonly atWork: number;
  readonly places: number;
  readonly waiting: number;
}

/** The resources that a request in flight holds. */
export interface Place {
  readonly body: ByteLease;
  readonly answer: ByteLease;
  release(): void;
}

/**
 * The checks of every request, by HTTP or gRPC: permission, rate, memory, concurrency and time.
 */
export class Intake {
  readonly #options: IntakeOptions;
  readonly limits: GatewayLimits;
  readonly bodyPaces: PaceWatch;
  readonly answerPaces: PaceWatch;
  readonly #bodies: ByteBudget;
  readonly #answers: ByteBudget;
  readonly #tenantRates = new TokenBuckets();
  readonly #writes: WriteQueue;
  readonly #requests: FairShares;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits };
    const { maxInFlightBytes, maxAnswerBytes } = this.limits;
    this.bodyPaces = new PaceWatch(this.limits.minBodyPace);
    this.answerPaces = new PaceWatch(this.limits.minAnswerPace);
    this.#requests = new FairShares(this.limits.maxInFlightRequests);
    this.#bodies = new ByteBudget({
      maxBytes: maxInFlightBytes,
      maxWaitMs: this.limits.maxBodyWaitMs,
      // Waiting bodies are still at their clients.
      maxWaitingBytes: Number.POSITIVE_INFINITY,
      lendsToOne: true,
      refusal: () => this.#unavailable('too many bytes in flight', 'bodies_full'),
    });
    this.#answers = new ByteBudget({
      maxBytes: maxAnswerBytes,
      maxWaitMs: this.limits.maxAnswerWaitMs,
      maxWaitingBytes: maxAnswerBytes * WAITING_ANSWERS,
      lendsToOne: false,
      refusal: (tenant, bytes) => this.#noRoomForAnswer(tenant, bytes),
    });
    this.#writes = new WriteQueue({
      maxWaitMs: this.limits.maxWriteWaitMs,
      clock: options.clock,
      refusal: () => this.#unavailable('too many writes wait'),
    });
  }

  get inFlight(): InFlight {
    const { atWork, waiting, places } = this.#writes;
    return {
      requests: this.#requests.held,
      bytes: this.#bodies.heldBytes,
      answerBytes: this.#answers.heldBytes,
      atWork,
      waiting,
      places,
    };
  }

  /** The limits of the tenant that the request may act for, now. @throws Refusal */
  admit(credentials: Credentials, kind: RouteKind): Admission {
    return admit(this.#options.authenticator, credentials, kind);
  }

  /** The caller releases it when the request is done. @throws Refusal if too many are in flight, or the rate is exceeded */
  place(tenant: string, kind: RouteKind, limits: Limits): Place {
    this.#checkRate(tenant, kind, limits);
    // Checked before the body is read, and again afterwards.
    if (kind === 'write' && this.#writes.isFull(tenant)) throw this.#unavailable('too many writes wait');
    if (!this.#requests.fits(tenant, 1)) throw this.#unavailable('too many requests in flight');
    this.#requests.add(tenant, 1);
    const body = this.#bodies.lease(tenant);
    const answer = this.#answers.lease(tenant);
    let held = true;
    return {
      body,
      answer,
      release: () => {
        if (!held) return;
        held = false;
        this.#requests.add(tenant, -1);
        body.release();
        answer.release();
      },
    };
  }

  /** For an answer that belongs to no tenant. */
  ownAnswer(): ByteLease {
    return this.#answers.lease('');
  }

  /** A body that could never be held counts as too large, since the client would retry a 503 for ever. */
  maxBodyBytes(kind: RouteKind, limits: Limits): number {
    const { maxInFlightBytes, maxReadBodyBytes } = this.limits;
    const held = Math.min(limits.max_recv_msg_size, Math.floor(maxInFlightBytes / 2));
    return kind === 'write' ? held : Math.min(held, maxReadBodyBytes);
  }

  /**
   * The service's answer, for which the place holds room. The request is cancelled if the client disconnects (`left` is
   * aborted) or after the timeout.
   * @throws Refusal
   * @throws the reason of `left`, or the error of a bug
   */
  async ask(
    { kind, service }: Pick<Route, 'kind' | 'service'>,
    request: UpstreamRequest,
    { answer }: Pick<Place, 'answer'>,
    left: AbortSignal,
  ): Promise<UpstreamResponse> {
    const write = kind !== 'read';
    const upstream = this.#options[service];
    const canceler = new AbortController();
    const onLeave = () => canceler.abort(left.reason);
    if (left.aborted) onLeave();
    left.addEventListener('abort', onLeave);
    let atWork: WritePlace | undefined;
    const timeoutMs = write ? this.limits.writeTimeoutMs : this.limits.readTimeoutMs;
    const timer = setTimeout(() => canceler.abort(timedOut(timeoutMs)), timeoutMs);
    try {
      canceler.signal.throwIfAborted();
      if (kind === 'write') {
        atWork = await this.#writes.enter(request.tenant, canceler.signal);
        return await upstream.handle(request, canceler.signal);
      }
      return await this.#askForLarge(upstream, request, answer, canceler.signal);
    } catch (error) {
      if (canceler.signal.aborted) throw canceler.signal.reason;
      if (error instanceof Refusal) throw error;
      // A bug; the caller logs it.
      if (knownFailure(error) === undefined) throw error;
      const { path, tenant, headers } = request;
      const requestId = headers[REQUEST_ID_HEADER];
      this.#options.logger.warn({ requestId, path, tenant, err: error }, 'service failed');
      throw this.#unavailable(write ? 'not accepted, try again' : 'cannot answer at the moment, try again');
    } finally {
      atWork?.leave();
      clearTimeout(timer);
      left.removeEventListener('abort', onLeave);
    }
  }

  /** A tenant with too many unread answers waits here, so that no answer is computed that cannot be held. */
  async #askForLarge(
    upstream: Upstream,
    request: UpstreamRequest,
    answer: ByteLease,
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    await answer.growTo(1, signal);
    answer.shrinkTo(0);
    const room = (bytes: number) => answer.growTo(bytes, signal);
    const response = await upstream.handle(request, signal, room);
    // A service in another thread has not leased the answer.
    await room(response.body.length);
    return response;
  }

  #noRoomForAnswer(tenant: string, bytes: number): Refusal {
    const { maxAnswerBytes } = this.limits;
    if (bytes > maxAnswerBytes) {
      const limit = `the limit gateway.max_answer_bytes (${maxAnswerBytes})`;
      return new Refusal('answer_too_large', `the answer has ${bytes} bytes, more than ${limit}`);
    }
    const held = this.#answers.heldBy(tenant);
    if (held + bytes <= maxAnswerBytes / 2) {
      return this.#unavailable('too many answers are being read', 'answers_full');
    }
    return this.#comeBack(
      'unread_answers',
      `${held} bytes of this tenant's answers are not read yet: too many for another answer`,
    );
  }

  #unavailable(text: string, code: RefusalCode = 'unavailable'): Refusal {
    return this.#comeBack(code, text);
  }

  #comeBack(code: RefusalCode, text: string): Refusal {
    const seconds = 1 + Math.floor(this.#options.random() * RETRY_WITHIN_SECONDS);
    return new Refusal(code, text, { 'retry-after': String(seconds) });
  }

  /** `request_rate` limits a tenant's writes over all gateways. */
  #checkRate(tenant: string, kind: RouteKind, limits: Limits): void {
    if (kind !== 'write') return;
    const waitMs = this.#takeOfTenant(tenant, limits.request_rate, this.#options.clock());
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
