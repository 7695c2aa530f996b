import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Upstream, UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import type { Logger, MetricsRegistry } from '@xscaler/runtime';
import type { Limits } from '@xscaler/tenancy';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import { type Authenticator, admit, credentialsOf } from './admission.ts';
import { sendAnswer, sendRefusal } from './answer.ts';
import { ClientGone, collectBody } from './body.ts';
import { BodyBudget } from './body-budget.ts';
import { GatewayMetrics } from './gateway-metrics.ts';
import { Refusal, unavailable } from './refusal.ts';
import { ROUTES, type Route, servicePath } from './routes.ts';
import { TokenBuckets } from './token-buckets.ts';

/** Bounds of a gateway as a whole; those of a tenant are in its `Limits`. */
export interface GatewayLimits {
  /** Requests with both headers right that are being worked on. */
  readonly maxInFlightRequests: number;
  /** Bytes of request bodies held, in all and for one tenant. */
  readonly maxInFlightBytes: number;
  readonly maxTenantInFlightBytes: number;
  /** Largest body of a read (a form). */
  readonly maxReadBodyBytes: number;
  /** Requests a second, all tenants together; 0: no limit. */
  readonly requestRate: number;
  /** How long a service may take. */
  readonly writeTimeoutMs: number;
  readonly readTimeoutMs: number;
}

export const DEFAULT_GATEWAY_LIMITS: GatewayLimits = {
  maxInFlightRequests: 2048,
  maxInFlightBytes: 256 * 1024 * 1024,
  maxTenantInFlightBytes: 128 * 1024 * 1024,
  maxReadBodyBytes: 10 * 1024 * 1024,
  requestRate: 0,
  writeTimeoutMs: 30_000,
  // The querier ends a query after 2 minutes and says so better than we can.
  readTimeoutMs: 130_000,
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

export interface GatewayOptions {
  readonly authenticator: Authenticator;
  /** Takes writes, and deletions: it knows the log. */
  readonly distributor: Upstream;
  /** Takes reads and rules. */
  readonly querier: Upstream;
  readonly limits?: Partial<GatewayLimits>;
  /** Absent where there is no other gateway. */
  readonly rates?: RateDivision;
  readonly logger: Logger;
  readonly registry: MetricsRegistry;
  /** Monotonic, ms. */
  readonly clock: () => number;
  /** The answer to `/metrics`. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** For `/-/ready`: why the process isn't, or undefined. */
  readonly notReady: () => string | undefined;
}

/**
 * The way in: checks both headers of every request, keeps what is too much out, passes the rest on with its body
 * unread. Every answer that a client may rely on is in `refusal.ts`, `admission.ts` and `routes.ts`.
 */
export function createGateway(options: GatewayOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.enable('case sensitive routing');
  app.enable('strict routing');
  const gateway = new Gateway(options);
  app.use(securityHeaders());
  for (const route of ROUTES) {
    app.all([...route.paths], (request, response) => gateway.serve(route, request, response));
  }
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await options.metrics();
    response.type(contentType).send(text);
  });
  app.get('/-/healthy', (_request, response) => {
    response.type('text/plain').send('healthy\n');
  });
  app.get('/-/ready', (_request, response) => {
    const reason = options.notReady();
    response
      .status(reason === undefined ? 200 : 503)
      .type('text/plain')
      .send(`${reason ?? 'ready'}\n`);
  });
  app.use((_request, response) => gateway.refuseUnknown(response));
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    gateway.refuseFaulty(response, error);
  });
  return app;
}

/** For an API: nothing here is a page. Strict-Transport-Security is left to whoever ends TLS. */
function securityHeaders(): ReturnType<typeof helmet> {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    strictTransportSecurity: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xFrameOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  });
}

/** What services are told of a request's headers; credentials stay here. */
const PASSED_ON = [
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-type',
  'user-agent',
  'x-prometheus-remote-write-version',
  'x-read-consistency',
];

class Gateway {
  readonly #options: GatewayOptions;
  readonly #limits: GatewayLimits;
  readonly #budget: BodyBudget;
  readonly #tenantRates = new TokenBuckets();
  readonly #gatewayRate = new TokenBuckets();
  readonly #metrics: GatewayMetrics;
  #inFlight = 0;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_GATEWAY_LIMITS, ...options.limits };
    this.#budget = new BodyBudget(this.#limits.maxInFlightBytes, this.#limits.maxTenantInFlightBytes);
    this.#metrics = new GatewayMetrics(options.registry, () => ({
      requests: this.#inFlight,
      bytes: this.#budget.heldBytes,
    }));
  }

  async serve(route: Route, request: Request, response: Response): Promise<void> {
    // The same address answers differently for another tenant: no cache between may keep it.
    response.setHeader('cache-control', 'no-store');
    const exchange = { route, request, response, tenant: '' };
    this.#noteEnd(exchange);
    try {
      await this.#pass(exchange);
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  refuseUnknown(response: Response): void {
    this.#noteUnrouted(response, 404);
    sendRefusal(response, new Refusal('not_found', 'no such path'), undefined);
  }

  /** What went wrong outside of `serve`: a path that can't be decoded, a failing `/metrics`. */
  refuseFaulty(response: Response, error: unknown): void {
    const malformed = error instanceof URIError;
    this.#noteUnrouted(response, malformed ? 400 : 500);
    if (!malformed) this.#options.logger.error({ err: error }, 'request failed');
    if (response.headersSent) response.destroy();
    else
      sendRefusal(response, malformed ? new Refusal('bad_request', 'malformed path') : internal(), undefined);
  }

  async #pass(exchange: Exchange): Promise<void> {
    const { route, request, response } = exchange;
    if (!(route.methods as readonly string[]).includes(request.method)) {
      throw new Refusal('method_not_allowed', 'method not allowed', { allow: route.methods.join(', ') });
    }
    const credentials = credentialsOf(request.rawHeaders);
    exchange.tenant = credentials.tenantId;
    const limits = admit(this.#options.authenticator, credentials, route.kind);
    this.#checkRates(exchange, limits);
    if (this.#inFlight >= this.#limits.maxInFlightRequests) throw unavailable('too many requests in flight');
    const lease = this.#budget.lease(exchange.tenant);
    this.#inFlight++;
    try {
      const maxBytes = this.#maxBodyBytes(route, limits);
      const body =
        request.method === 'POST' ? await collectBody(request, maxBytes, lease) : new Uint8Array(0);
      this.#metrics.received(route.name, body.length);
      const answer = await this.#ask(exchange, body);
      await sendAnswer(response, answer, route.kind, request.headers['accept-encoding']);
    } finally {
      this.#inFlight--;
      lease.release();
    }
  }

  /** What could never be held is too large: a 503 would have the client try it for ever. */
  #maxBodyBytes(route: Route, limits: Limits): number {
    const { maxInFlightBytes, maxTenantInFlightBytes, maxReadBodyBytes } = this.#limits;
    const held = Math.min(limits.max_recv_msg_size, maxInFlightBytes, maxTenantInFlightBytes);
    return route.kind === 'write' ? held : Math.min(held, maxReadBodyBytes);
  }

  /** `request_rate` is a tenant's rate of writes, over all gateways. */
  #checkRates({ route, tenant }: Exchange, limits: Limits): void {
    const nowMs = this.#options.clock();
    const waitMs =
      (route.kind === 'write' ? this.#takeOfTenant(tenant, limits.request_rate, nowMs) : 0) ||
      this.#gatewayRate.take('', this.#limits.requestRate, nowMs);
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

  /** Ends the service's work when the client leaves or the time is up. */
  async #ask({ route, request, response, tenant }: Exchange, body: Uint8Array): Promise<UpstreamResponse> {
    const write = route.kind !== 'read';
    const upstream = write ? this.#options.distributor : this.#options.querier;
    const canceler = new AbortController();
    const onClose = () => canceler.abort(new ClientGone('the client closed its connection'));
    if (response.destroyed) onClose();
    response.on('close', onClose);
    const timeoutMs = write ? this.#limits.writeTimeoutMs : this.#limits.readTimeoutMs;
    const timer = setTimeout(() => canceler.abort(timedOut(timeoutMs)), timeoutMs);
    try {
      canceler.signal.throwIfAborted();
      return await upstream.handle(upstreamRequest(request, tenant, body), canceler.signal);
    } catch (error) {
      if (canceler.signal.aborted) throw canceler.signal.reason;
      this.#options.logger.warn({ route: route.name, tenant, err: error }, 'service failed');
      throw unavailable(write ? 'not accepted, try again' : 'cannot answer at the moment, try again');
    } finally {
      clearTimeout(timer);
      response.off('close', onClose);
    }
  }

  #refuse({ route, response }: Exchange, error: unknown): void {
    if (error instanceof ClientGone) {
      response.destroy();
      return;
    }
    if (!(error instanceof Refusal))
      this.#options.logger.error({ route: route.name, err: error }, 'request failed');
    if (response.headersSent) response.destroy();
    else sendRefusal(response, error instanceof Refusal ? error : internal(), route.kind);
  }

  #noteEnd(exchange: Exchange): void {
    const startMs = this.#options.clock();
    const { route, response } = exchange;
    response.on('close', () => {
      const status = response.writableFinished ? response.statusCode : 499;
      const durationMs = this.#options.clock() - startMs;
      this.#metrics.answered(route.name, status, durationMs);
      this.#options.logger.debug(
        { tenant: exchange.tenant, route: route.name, status, durationMs },
        'request',
      );
    });
  }

  #noteUnrouted(response: Response, status: number): void {
    const startMs = this.#options.clock();
    response.on('close', () => this.#metrics.answered('unknown', status, this.#options.clock() - startMs));
  }
}

interface Exchange {
  readonly route: Route;
  readonly request: IncomingMessage & { readonly path: string; readonly method: string };
  readonly response: ServerResponse;
  /** Empty until the header has been read. */
  tenant: string;
}

function upstreamRequest(request: Exchange['request'], tenant: string, body: Uint8Array): UpstreamRequest {
  const headers: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  const url = request.url ?? '';
  const question = url.indexOf('?');
  return {
    tenant,
    method: request.method,
    path: servicePath(request.path),
    query: question === -1 ? '' : url.slice(question + 1),
    headers,
    body,
  };
}

function timedOut(timeoutMs: number): Refusal {
  return new Refusal('timeout', `no answer within ${timeoutMs / 1000} s`, { 'retry-after': '1' });
}

function internal(): Refusal {
  return new Refusal('internal', 'internal error');
}
