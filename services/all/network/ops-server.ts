import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CollectedMetrics, type Module, type Readiness, readinessAnswer } from '@xscaler/runtime';
import { type HttpServer, listenHttp } from '@xscaler/runtime/http';
import { parseListenAddress } from '../configuration/config.ts';

export interface OpsServerOptions {
  readonly listen: string;
  readonly metrics: () => Promise<CollectedMetrics>;
  readonly readiness: Readiness;
  /** The service's own state, for people. */
  readonly debug?: () => Promise<unknown>;
}

/** A client that reads no response bytes for this long is disconnected. */
const STALLED_READER_MS = 30_000;

/** `/metrics`, `/-/healthy`, `/-/ready` and `/debug` of a service that is its own process: for operators, not for clients. */
export function opsServer(options: OpsServerOptions): Module {
  let server: HttpServer | undefined;
  return {
    name: 'ops',
    start: async () => {
      const listener = (request: IncomingMessage, response: ServerResponse) =>
        void answer(options, request, response);
      server = await listenHttp(listener, {
        ...parseListenAddress(options.listen),
        limits: { maxConnections: 256 },
      });
    },
    stop: async () => server?.close(1_000),
  };
}

async function answer(
  options: OpsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? '').split('?')[0];
  try {
    if (path === '/-/healthy') return send(response, 200, 'text/plain', 'healthy\n');
    if (path === '/-/ready') {
      const { status, text } = readinessAnswer(options.readiness);
      return send(response, status, 'text/plain', text);
    }
    if (path === '/metrics') {
      const { contentType, text } = await options.metrics();
      return send(response, 200, contentType, text);
    }
    if (path === '/debug' && options.debug !== undefined) {
      return send(
        response,
        200,
        'application/json',
        `${JSON.stringify(await options.debug(), undefined, 2)}\n`,
      );
    }
    return send(response, 404, 'text/plain', 'not found\n');
  } catch (error) {
    send(response, 500, 'text/plain', `${(error as Error).message}\n`);
  }
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.setTimeout(STALLED_READER_MS, () => response.destroy());
  response.writeHead(status, { 'content-type': contentType }).end(body);
}
