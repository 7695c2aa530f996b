import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  CLIENT_ADDRESS_HEADER,
  internalErrorText,
  REQUEST_ID_HEADER,
  requestIdOf,
  TOKEN_ID_HEADER,
  type UpstreamRequest,
  type UpstreamResponse,
} from '@xscaler/rpc';
import { type MetricsRegistry, type Readiness, readinessAnswer } from '@xscaler/runtime';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import helmet from 'helmet';
import { credentialsOf } from './admission/admission.ts';
import { GatewayMetrics } from './admission/gateway-metrics.ts';
import { Intake, type IntakeOptions, type Place } from './admission/intake.ts';
import { sendAnswer, sendRefusal } from './answers/answer.ts';
import { sendPaced } from './answers/paced-answer.ts';
import { ClientGone, collectBody } from './bodies/body.ts';
import { grpcExports } from './grpc/grpc-exports.ts';
import type { ExportIntake } from './grpc/otlp-grpc.ts';
import { REFUSALS, Refusal } from './refusals/refusal.ts';
import { ROUTES, type Route, servicePath } from './routing/routes.ts';

export interface GatewayOptions extends IntakeOptions {
  readonly registry: MetricsRegistry;
  /** The answer to `/metrics`. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** For `/-/ready`. */
  readonly readiness: Readiness;
}

/** The gateway without its sockets, which the caller owns. */
export interface GatewayEntrances {
  /** For HTTP servers. */
  readonly app: Express;
  /** For a gRPC server: see `createOtlpGrpcServer`. */
  readonly exports: ExportIntake;
}

/**
 * The way in: checks both headers of every request, keeps what is too much out, passes the rest on with its body
 * unread. Every answer that a client may rely on is in `refusal.ts`, `admission.ts` and `routes.ts`.
 */
export function createGateway(options: GatewayOptions): GatewayEntrances {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false);
  app.enable('case sensitive routing');
  app.enable('strict routing');
  const intake = new Intake(options);
  const metrics = new GatewayMetrics(options.registry, () => intake.inFlight);
  const gateway = new Gateway(options, intake, metrics);
  app.use(identify);
  app.use(securityHeaders());
  for (const route of ROUTES) {
    app.all([...route.paths], (request, response) => gateway.serve(route, request, response));
  }
  app.get('/metrics', (_request, response) => gateway.serveMetrics(response));
  app.get('/-/healthy', (_request, response) => {
    response.type('text/plain').send('healthy\n');
  });
  app.get('/-/ready', (_request, response) => {
    const { status, text } = readinessAnswer(options.readiness);
    response.status(status).type('text/plain').send(text);
  });
  app.use((_request, response) => gateway.refuseUnknown(response));
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    gateway.refuseFaulty(response, error);
  });
  return { app, exports: grpcExports(intake, metrics, options.logger) };
}

/** Every answer names its request, so that it is found in the logs. */
function identify(request: Request, response: Response, next: NextFunction): void {
  const offered = request.headers[REQUEST_ID_HEADER];
  response.setHeader(REQUEST_ID_HEADER, requestIdOf(typeof offered === 'string' ? offered : undefined));
  next();
}

function idOf(response: ServerResponse): string {
  return response.getHeader(REQUEST_ID_HEADER) as string;
}

/** For an API: nothing here is a page. Strict-Transport-Security is left to the proxy that ends TLS. */
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
  readonly #intake: Intake;
  readonly #metrics: GatewayMetrics;

  constructor(options: GatewayOptions, intake: Intake, metrics: GatewayMetrics) {
    this.#options = options;
    this.#intake = intake;
    this.#metrics = metrics;
  }

  async serve(route: Route, request: Request, response: Response): Promise<void> {
    // The same address answers differently for another tenant: no cache between may keep it.
    response.setHeader('cache-control', 'no-store');
    const exchange = { route, request, response, tenant: '', tokenId: '' };
    this.#noteEnd(exchange);
    try {
      await this.#pass(exchange);
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  /** Callers need no token: so this is held for slow readers within the bounds of one tenant's answers. */
  async serveMetrics(response: Response): Promise<void> {
    const lease = this.#intake.ownAnswer();
    try {
      await lease.growTo(1);
      const { contentType, text } = await this.#options.metrics();
      const body = Buffer.from(text);
      await lease.growTo(body.length);
      response.writeHead(200, { 'content-type': contentType, 'content-length': body.length });
      await sendPaced(response, body, this.#intake.answerPaces, () => this.#metrics.slowReader(''));
    } finally {
      lease.release();
    }
  }

  refuseUnknown(response: Response): void {
    this.#noteUnrouted(response, 404);
    sendRefusal(response, new Refusal('not_found', 'no such path'), undefined);
  }

  /** What went wrong outside of `serve`: a path that can't be decoded, a failing `/metrics`. */
  refuseFaulty(response: Response, error: unknown): void {
    const requestId = idOf(response);
    const refusal = refusalOf(error, requestId);
    this.#noteUnrouted(response, REFUSALS[refusal.code].status);
    if (refusal.code === 'internal') this.#options.logger.error({ requestId, err: error }, 'request failed');
    if (response.headersSent) response.destroy();
    else sendRefusal(response, refusal, undefined);
  }

  async #pass(exchange: Exchange): Promise<void> {
    const { route, request, response } = exchange;
    if (!(route.methods as readonly string[]).includes(request.method)) {
      throw new Refusal('method_not_allowed', 'method not allowed', { allow: route.methods.join(', ') });
    }
    const credentials = credentialsOf(request.rawHeaders);
    exchange.tenant = credentials.tenantId;
    const { limits, tokenId } = this.#intake.admit(credentials, route.kind);
    exchange.tokenId = tokenId;
    const place = this.#intake.place(exchange.tenant, route.kind, limits);
    try {
      const maxBytes = this.#intake.maxBodyBytes(route.kind, limits);
      const bounds = { maxBytes, lease: place.body, paces: this.#intake.bodyPaces };
      const body = request.method === 'POST' ? await collectBody(request, bounds) : new Uint8Array(0);
      this.#metrics.received(route.name, body.length);
      const answer = await this.#ask(exchange, body, place);
      place.body.release();
      await sendAnswer(response, answer, {
        kind: route.kind,
        acceptEncoding: request.headers['accept-encoding'],
        lease: place.answer,
        paces: this.#intake.answerPaces,
        onSlow: (takenBytes, ofBytes) => this.#noteSlowReader(exchange, takenBytes, ofBytes),
      });
    } finally {
      place.release();
    }
  }

  async #ask(exchange: Exchange, body: Uint8Array, place: Place): Promise<UpstreamResponse> {
    const { route, response } = exchange;
    const canceler = new AbortController();
    const onClose = () => canceler.abort(new ClientGone('the client closed its connection'));
    if (response.destroyed) onClose();
    response.on('close', onClose);
    try {
      return await this.#intake.ask(route, upstreamRequest(exchange, body), place, canceler.signal);
    } finally {
      response.off('close', onClose);
    }
  }

  #refuse({ route, response, tenant, tokenId }: Exchange, error: unknown): void {
    if (error instanceof ClientGone) {
      response.destroy();
      return;
    }
    const requestId = idOf(response);
    if (error instanceof Refusal) this.#metrics.refused(tenant, error.code, tokenId !== '');
    else this.#options.logger.error({ requestId, route: route.name, tenant, err: error }, 'request failed');
    if (response.headersSent) response.destroy();
    else sendRefusal(response, error instanceof Refusal ? error : internal(requestId), route);
  }

  #noteSlowReader({ route, tenant }: Exchange, takenBytes: number, ofBytes: number): void {
    this.#metrics.slowReader(tenant);
    const { minAnswerPace } = this.#intake.limits;
    this.#options.logger.warn(
      { tenant, route: route.name, takenBytes, ofBytes, minAnswerPace },
      'a client was cut off: it took its answer too slowly',
    );
  }

  #noteEnd(exchange: Exchange): void {
    const startMs = this.#options.clock();
    const { route, response } = exchange;
    response.on('close', () => {
      // An answer that was cut off counts as finished to Node.
      const isWhole = response.writableFinished && !response.errored;
      const status = isWhole ? response.statusCode : 499;
      const durationMs = this.#options.clock() - startMs;
      this.#metrics.answered(route.name, status, durationMs);
      this.#options.logger.debug(
        { requestId: idOf(response), tenant: exchange.tenant, route: route.name, status, durationMs },
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
  /** Of the token that it was let in with: empty before. */
  tokenId: string;
}

function upstreamRequest(
  { route, request, response, tenant, tokenId }: Exchange,
  body: Uint8Array,
): UpstreamRequest {
  const headers: Record<string, string> = { [REQUEST_ID_HEADER]: idOf(response) };
  for (const name of PASSED_ON) {
    const value = request.headers[name];
    if (typeof value === 'string') headers[name] = value;
  }
  if (route.kind === 'admin') {
    headers[TOKEN_ID_HEADER] = tokenId;
    headers[CLIENT_ADDRESS_HEADER] = request.socket.remoteAddress ?? '';
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

function refusalOf(error: unknown, requestId: string): Refusal {
  if (error instanceof Refusal) return error;
  return error instanceof URIError ? new Refusal('bad_request', 'malformed path') : internal(requestId);
}

function internal(requestId: string): Refusal {
  return new Refusal('internal', internalErrorText(requestId));
}
