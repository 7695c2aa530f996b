import { randomBytes } from 'node:crypto';
import type { Upstream, UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import type { Registry } from 'prom-client';
import { BodyExpansion } from './protocols/body-expansion.ts';
import { OTLP_PATHS, OtlpProtocol } from './protocols/otlp-protocol.ts';
import { PUSH_PATH, plainAnswer, RemoteWriteProtocols } from './protocols/remote-write-protocol.ts';
import type { WriteFailure, WriteProtocol } from './protocols/write-protocol.ts';
import { DistributorMetrics } from './writes/metrics.ts';
import { type DistributorReport, reportOf, tenantReport } from './writes/report.ts';
import { RequestEncoding } from './writes/request-encoding.ts';
import { Tenants, type TenantsOptions } from './writes/tenants.ts';
import { Writes, type WritesOptions } from './writes/writes.ts';

/** Each part of the distributor takes its own options; these are all of them. */
export interface DistributorOptions extends TenantsOptions, WritesOptions {
  /** Length of the ingesters' head windows, in whole ms from a second to 24 days; written into every record. */
  readonly windowMs: number;
  readonly registry: Registry;
  /** Four random words that key the facts tables; random if absent. */
  readonly seed?: Uint32Array;
}

export interface Distributor extends Upstream {
  inspect(): DistributorReport;
}

const DEBUG_PATH = '/debug';
const MIN_WINDOW_MS = 1_000;
const MAX_WINDOW_MS = 24 * 86_400_000;

/**
 * Accepts writes: `POST /api/v1/push` (remote write 1.0 and 2.0), `/otlp/v1/metrics` and `/v1/metrics` (OTLP). A 2xx means that the write
 * log has every sample that isn't refused by name. `GET /debug` reports a tenant's series, and its HA pairs with their elected replicas.
 * @throws RangeError if `windowMs` is out of its bounds
 */
export function createDistributor(options: DistributorOptions): Distributor {
  const { windowMs } = options;
  if (!Number.isInteger(windowMs) || windowMs < MIN_WINDOW_MS || windowMs > MAX_WINDOW_MS) {
    throw new RangeError(
      `windowMs must be a whole number from ${MIN_WINDOW_MS} to ${MAX_WINDOW_MS}, not ${windowMs}`,
    );
  }
  return new LogDistributor(options);
}

class LogDistributor implements Distributor {
  readonly #metrics: DistributorMetrics;
  readonly #remoteWrite = new RemoteWriteProtocols();
  readonly #otlp = new OtlpProtocol(new BodyExpansion());
  readonly #tenants: Tenants;
  readonly #writes: Writes;

  constructor(options: DistributorOptions) {
    const seed = options.seed ?? randomSeed();
    const encoding = new RequestEncoding(options.windowMs, seed);
    this.#metrics = new DistributorMetrics(
      options.registry,
      () => this.#tenants.sum((tenant) => tenant.facts.size),
      () => this.#tenants.sum((tenant) => tenant.facts.evicted),
      () => encoding.otlpCacheBytes,
      () => this.#tenants.sum((tenant) => tenant.exemplars.size),
      () => this.inspect(),
    );
    this.#tenants = new Tenants(options, seed[0] ^ seed[2], this.#metrics.haElections);
    this.#writes = new Writes(options, this.#tenants, encoding, this.#metrics);
  }

  inspect(): DistributorReport {
    return reportOf(this.#tenants.all, this.#writes.recordVersion);
  }

  async handle(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    signal.throwIfAborted();
    if (request.path === DEBUG_PATH) return this.#debugPage(request.tenant);
    const protocol = this.#protocolOf(request);
    const answer =
      protocol === undefined
        ? plainAnswer({ status: 404, text: `no such path: ${request.path}` })
        : await this.#answer(protocol, request);
    this.#metrics.requests.inc({ code: String(answer.status), protocol: protocol?.format ?? '' });
    return answer;
  }

  async #answer(protocol: WriteProtocol, request: UpstreamRequest): Promise<UpstreamResponse> {
    const outcome =
      methodFault(request) ?? protocol.fault(request) ?? (await this.#writes.write(protocol, request));
    const answer = protocol.answer(request, outcome);
    if (outcome.push === undefined) {
      this.#metrics.requestsRefused.inc({ tenant: request.tenant, code: String(answer.status) });
    }
    return answer;
  }

  #debugPage(tenant: string): UpstreamResponse {
    const report = tenantReport(tenant, this.#tenants.all.get(tenant));
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
}

function methodFault({ method }: UpstreamRequest): WriteFailure | undefined {
  return method === 'POST'
    ? undefined
    : { status: 405, text: 'method not allowed, use POST', headers: { allow: 'POST' } };
}

function randomSeed(): Uint32Array {
  return new Uint32Array(new Uint8Array(randomBytes(16)).buffer);
}
