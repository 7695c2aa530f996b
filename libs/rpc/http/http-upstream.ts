import { Pool } from 'undici';
import { AddressHealth, type CircuitOptions } from '../address-health.ts';
import { hashText, rendezvousWeight } from '../rendezvous.ts';
import { RpcError } from '../rpc-error.ts';
import type { ServiceTls } from '../service-tls.ts';
import { SECRET_HEADER } from '../shared-secret.ts';
import { HttpCall, type HttpCallLimits, type HttpCallRequest } from './http-call.ts';
import { connectorOf, originOf } from './http-connector.ts';
import type { AnswerRoom, Upstream, UpstreamRequest, UpstreamResponse } from './http-exchange.ts';
import { isEndToEnd, TENANT_HEADER } from './http-headers.ts';
import { HealthProbe } from './http-probe.ts';

export interface HttpUpstreamOptions {
  /** `host:port` each. */
  readonly addresses: readonly string[];
  /** Known to both sides, if set; see `serveHttpUpstream`. */
  readonly secret?: string;
  /** How services prove who they are; absent: plain text. */
  readonly tls?: ServiceTls;
  /** On how many addresses a tenant's requests are spread. Default 2. */
  readonly spread?: number;
  /** Addresses asked for one request at most. Default 3. */
  readonly maxAttempts?: number;
  /**
   * Whether a request that may have been worked on is sent again to another address, whatever its method: right if
   * doing it twice does no harm, as with writes of samples. Without it only GET and HEAD are.
   */
  readonly retryWrites?: boolean;
  /** Connections to each address; further requests wait. Default 64. */
  readonly connections?: number;
  /** Requests in flight or waiting, all addresses together; one more is `overloaded`. Default 4,096. */
  readonly maxConcurrentCalls?: number;
  /** Default 1,000; with TLS, whose handshake takes both sides some work, 5,000. */
  readonly connectTimeoutMs?: number;
  /** From the request sent to the answer's headers. Default 140,000: longer than a query may take. */
  readonly headersTimeoutMs?: number;
  /** Between two pieces of an answer. Default 30,000. */
  readonly bodyTimeoutMs?: number;
  /** Of an answer's body. Default 512 MB. */
  readonly maxResponseBytes?: number;
  readonly circuit?: CircuitOptions;
  /** Where set, addresses are asked this path all the time, and used only while they answer 2xx. */
  readonly healthPath?: string;
  /** Default 1,000. */
  readonly healthIntervalMs?: number;
  /** Default 1,000. */
  readonly healthTimeoutMs?: number;
}

/** What is known of an address; for metrics and debug pages. */
export interface AddressStatus {
  readonly address: string;
  readonly inFlight: number;
  readonly failures: number;
  /** Whether requests are sent there while others could take them. */
  readonly live: boolean;
}

/** An `Upstream` behind addresses. */
export interface HttpUpstream extends Upstream {
  /** From now on these addresses. Requests at addresses that are gone are finished. */
  setAddresses(addresses: readonly string[]): void;
  status(): AddressStatus[];
  /** Takes no more requests, lets those in flight end for this long, then breaks them off. Default 5,000. */
  close(graceMs?: number): Promise<void>;
}

/**
 * A service behind HTTP/1.1, at several addresses. A tenant has `spread` of them, the same at every caller as long as
 * they live (rendezvous hashing); of these the one with the fewest requests in flight is asked. An address that failed
 * several times in a row, or its health check, is passed over for a while and the tenant's next one steps in; if
 * no address is live, all are tried.
 *
 * The request's body is sent unchanged, without a copy, and not touched: it must not be changed until the answer exists.
 *
 * @throws RpcError `unavailable`: no address could be reached, or the connection was lost and the request may not be
 * sent twice; `deadline_exceeded`: no answer in time; `overloaded`, `refused`, `too_large`, `protocol`, `closed`. An error
 * that the service threw comes as `RemoteError`.
 */
export function connectHttpUpstream(options: HttpUpstreamOptions): HttpUpstream {
  return new HttpUpstreamClient(options);
}

class AddressPool {
  readonly address: string;
  readonly addressHash: number;
  readonly pool: Pool;
  readonly health: AddressHealth;
  readonly probe: HealthProbe | undefined;
  inFlight = 0;
  /** Order for the tenant at hand. */
  weight = 0;

  constructor(address: string, options: HttpUpstreamOptions) {
    this.address = address;
    this.addressHash = hashText(address);
    this.health = new AddressHealth(options.circuit);
    const origin = originOf(address, options.tls);
    this.pool = new Pool(origin, {
      connections: options.connections ?? 64,
      pipelining: 1,
      connect: connectorOf(
        options.tls,
        options.connectTimeoutMs ?? (options.tls === undefined ? 1000 : 5000),
      ),
    });
    if (options.healthPath === undefined) return;
    this.probe = new HealthProbe({
      origin,
      tls: options.tls,
      path: options.healthPath,
      intervalMs: options.healthIntervalMs ?? 1000,
      timeoutMs: options.healthTimeoutMs ?? 1000,
      onHealthy: () => this.health.succeeded(),
    });
  }

  get live(): boolean {
    return !this.health.isCooling && this.probe?.healthy !== false;
  }

  async close(graceMs: number): Promise<void> {
    await this.probe?.close();
    const closed = this.pool.close();
    const breakOff = setTimeout(() => this.pool.destroy(), graceMs);
    await closed;
    clearTimeout(breakOff);
  }
}

class HttpUpstreamClient implements HttpUpstream {
  readonly #options: HttpUpstreamOptions;
  readonly #limits: HttpCallLimits;
  readonly #maxAttempts: number;
  readonly #spread: number;
  readonly #maxConcurrentCalls: number;
  #pools: readonly AddressPool[] = [];
  #inFlight = 0;
  #turn = 0;
  #closed = false;

  constructor(options: HttpUpstreamOptions) {
    this.#options = options;
    this.#maxAttempts = options.maxAttempts ?? 3;
    this.#spread = options.spread ?? 2;
    this.#maxConcurrentCalls = options.maxConcurrentCalls ?? 4096;
    this.#limits = {
      headersTimeoutMs: options.headersTimeoutMs ?? 140_000,
      bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
      maxResponseBytes: options.maxResponseBytes ?? 512 * 1024 * 1024,
    };
    this.setAddresses(options.addresses);
  }

  async handle(request: UpstreamRequest, signal: AbortSignal, room?: AnswerRoom): Promise<UpstreamResponse> {
    signal.throwIfAborted();
    if (this.#closed) throw new RpcError('closed', 'the client is closed');
    const headers = this.#headersOf(request);
    const mayRepeat =
      this.#options.retryWrites === true || request.method === 'GET' || request.method === 'HEAD';
    const ranked = this.#rank(request.tenant);
    const tried = new Set<AddressPool>();
    const failures: Error[] = [];
    while (tried.size < this.#maxAttempts) {
      const target = this.#pick(ranked, tried);
      if (target === undefined) break;
      tried.add(target);
      const call = this.#start(target, { ...request, headers, room }, signal);
      try {
        return await call.response;
      } catch (error) {
        if (call.outcome === 'cancelled' || call.outcome === 'answered') throw error;
        const { code, message } = error as RpcError;
        const failure = new RpcError(code, `${target.address}: ${message}`, { cause: error });
        if (call.outcome === 'lost' && !mayRepeat) throw failure;
        failures.push(failure);
      }
    }
    if (failures.length === 1) throw failures[0];
    const reason = failures.map(({ message }) => message).join('; ') || 'no address is known';
    throw new RpcError('unavailable', `no address answered: ${reason}`, { cause: failures.at(-1) });
  }

  setAddresses(addresses: readonly string[]): void {
    const before = new Map(this.#pools.map((pool) => [pool.address, pool]));
    this.#pools = [...new Set(addresses)].map((address) => {
      const pool = before.get(address) ?? new AddressPool(address, this.#options);
      before.delete(address);
      return pool;
    });
    for (const gone of before.values()) void gone.close(this.#limits.headersTimeoutMs);
  }

  status(): AddressStatus[] {
    return this.#pools.map(({ address, inFlight, health, live }) => ({
      address,
      inFlight,
      failures: health.failures,
      live,
    }));
  }

  async close(graceMs = 5000): Promise<void> {
    this.#closed = true;
    const pools = this.#pools;
    this.#pools = [];
    await Promise.all(pools.map((pool) => pool.close(graceMs)));
  }

  #start(target: AddressPool, request: HttpCallRequest, signal: AbortSignal): HttpCall {
    if (this.#inFlight >= this.#maxConcurrentCalls) {
      throw new RpcError('overloaded', `${this.#inFlight} requests are in flight`);
    }
    this.#inFlight++;
    target.inFlight++;
    // Counted until undici lets go of it: a cancelled request that waits for a connection still holds its body.
    return new HttpCall(target.pool, request, signal, this.#limits, (outcome) => {
      this.#inFlight--;
      target.inFlight--;
      if (outcome === 'answered') target.health.succeeded();
      if (outcome === 'unsent' || outcome === 'lost') target.health.failed();
    });
  }

  #headersOf({ tenant, headers }: UpstreamRequest): string[] {
    const flat = [TENANT_HEADER, tenant];
    if (this.#options.secret !== undefined) flat.push(SECRET_HEADER, this.#options.secret);
    for (const name in headers) if (isEndToEnd(name)) flat.push(name, headers[name]);
    return flat;
  }

  #rank(tenant: string): AddressPool[] {
    const tenantHash = hashText(tenant);
    for (const pool of this.#pools) pool.weight = rendezvousWeight(tenantHash, pool.addressHash);
    return [...this.#pools].sort((a, b) => b.weight - a.weight);
  }

  /** Of the tenant's live addresses the one with the fewest requests; else the one that cools down first. */
  #pick(ranked: readonly AddressPool[], tried: ReadonlySet<AddressPool>): AddressPool | undefined {
    const left = ranked.filter((pool) => !tried.has(pool));
    const live = left.filter((pool) => pool.live).slice(0, this.#spread);
    if (live.length === 0) return left.sort((a, b) => a.health.coolUntilMs - b.health.coolUntilMs)[0];
    const first = this.#turn++ % live.length;
    let best = live[first];
    for (const pool of live) if (pool.inFlight < best.inFlight) best = pool;
    return best;
  }
}
