import type { RequestListener } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import type { Upstream, UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import { createLogger, createRegistry } from '@xscaler/runtime';
import { type HttpLimits, type HttpServer, listenHttp } from '@xscaler/runtime/http';
import type { Limits } from '@xscaler/tenancy';
import { limitsSchema } from '@xscaler/tenancy/limits';
import type { Authentication, Authenticator } from './admission/admission.ts';
import type { GatewayLimits, RateDivision } from './admission/intake.ts';
import { createGateway } from './gateway.ts';
import type { ExportIntake } from './grpc/otlp-grpc.ts';

/** Keeps what it was asked; answers what it is told to. */
export class RecordingUpstream implements Upstream {
  readonly requests: UpstreamRequest[] = [];
  readonly signals: AbortSignal[] = [];
  answer: (request: UpstreamRequest, signal: AbortSignal) => Promise<UpstreamResponse> = async () => ({
    status: 204,
    headers: {},
    body: new Uint8Array(0),
  });

  handle(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    this.requests.push(request);
    this.signals.push(signal);
    return this.answer(request, signal);
  }
}

/** An upstream's answer that only its signal ends. */
export function untilAborted(_request: UpstreamRequest, signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

/** Tokens say what they are: `<tenant>:<scope>`. */
export class SpeakingTokens implements Authenticator {
  readonly limits: Limits;
  refusals = new Map<string, Authentication>();

  constructor(limits: Limits) {
    this.limits = limits;
  }

  authenticate(token: string | undefined, tenantId: string, need: 'read' | 'write'): Authentication {
    const [tenant, scope] = (token ?? '').split(':');
    if (tenant !== tenantId) return { ok: false, code: 'unauthenticated', reason: 'never shown' };
    const refusal = this.refusals.get(tenant);
    if (refusal !== undefined) return refusal;
    if (!scope.split('+').includes(need)) return { ok: false, code: 'forbidden_scope', reason: '' };
    return { ok: true, tenant: { limits: this.limits }, tokenId: 'token-1' };
  }
}

export interface GatewayUnderTest extends AsyncDisposable {
  readonly server: HttpServer;
  readonly app: RequestListener;
  readonly exports: ExportIntake;
  readonly distributor: RecordingUpstream;
  readonly querier: RecordingUpstream;
  readonly tokens: SpeakingTokens;
  readonly logLines: string[];
  readonly clock: { nowMs: number };
  notReady: string | undefined;
  metricsText(): Promise<string>;
  /** Resolves when this many bytes are held for request bodies. */
  held(bytes: number): Promise<void>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

export interface GatewayUnderTestOptions {
  readonly limits?: Partial<Record<keyof Limits, number>>;
  readonly gatewayLimits?: Partial<GatewayLimits>;
  readonly httpLimits?: Partial<HttpLimits>;
  readonly rates?: RateDivision;
  /** Always 0 if absent. */
  readonly random?: () => number;
}

export async function startGateway(options: GatewayUnderTestOptions = {}): Promise<GatewayUnderTest> {
  const logLines: string[] = [];
  const destination = new Writable({
    write(line: Buffer, _encoding, done) {
      logLines.push(line.toString());
      done();
    },
  });
  const registry = createRegistry('gateway');
  const distributor = new RecordingUpstream();
  const querier = new RecordingUpstream();
  const tokens = new SpeakingTokens(limitsSchema.parse(options.limits ?? {}));
  const clock = { nowMs: 0 };
  const { app, exports } = createGateway({
    authenticator: tokens,
    distributor,
    querier,
    limits: options.gatewayLimits ?? {},
    ...(options.rates !== undefined && { rates: options.rates }),
    logger: createLogger({ service: 'gateway', level: 'debug', destination }),
    registry,
    clock: () => clock.nowMs,
    random: options.random ?? (() => 0),
    metrics: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
    readiness: { notReady: () => underTest.notReady, warnings: () => [] },
  });
  const server = await listenHttp(app, {
    host: '127.0.0.1',
    port: 0,
    limits: options.httpLimits ?? {},
  });
  const underTest: GatewayUnderTest = {
    server,
    app,
    exports,
    distributor,
    querier,
    tokens,
    logLines,
    clock,
    notReady: undefined,
    metricsText: () => registry.metrics(),
    held: (bytes) =>
      until(async () =>
        (await registry.metrics()).includes(`in_flight_body_bytes{service="gateway"} ${bytes}\n`),
      ),
    fetch: (path, init) => fetch(server.url + path, init),
    [Symbol.asyncDispose]: () => server.close(0),
  };
  return underTest;
}

export const WRITER = { authorization: 'Bearer acme:write', 'x-scope-orgid': 'acme' };
export const READER = { authorization: 'Bearer acme:read', 'x-scope-orgid': 'acme' };

/** A connection by hand, for what no HTTP client would send. */
export class RawConnection implements AsyncDisposable {
  readonly socket: Socket;
  received = '';
  readonly closed: Promise<void>;
  #changed = Promise.withResolvers<void>();

  constructor(server: HttpServer) {
    this.socket = connect(server.port, server.host);
    this.socket.on('data', (bytes) => {
      this.received += bytes.toString('latin1');
      this.#change();
    });
    // A reset is one of the ways in which a server hangs up.
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#change();
        resolve();
      });
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Everything received up to and with `text`, or until the connection was closed. */
  async until(text: string): Promise<string> {
    while (!this.received.includes(text) && !this.socket.closed) await this.#changed.promise;
    return this.received;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 2));
}
