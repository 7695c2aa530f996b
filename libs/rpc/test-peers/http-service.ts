import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Upstream } from '../http/http-exchange.ts';
import { connectHttpUpstream, type HttpUpstream, type HttpUpstreamOptions } from '../http/http-upstream.ts';
import { type ServeHttpOptions, serveHttpUpstream } from '../http/http-upstream-server.ts';
import type { ServiceTls } from '../service-tls.ts';

export interface HttpService {
  readonly address: string;
  /** Ends it at once, connections and all. */
  kill(): Promise<void>;
}

/** For tests: a service on a port of its own, or a given one. */
export async function startHttpService(
  t: TestContext,
  upstream: Upstream,
  options: ServeHttpOptions & {
    readonly port?: number;
    readonly healthy?: () => boolean;
    readonly tls?: ServiceTls;
  } = {},
): Promise<HttpService> {
  const listener = serveHttpUpstream(upstream, options);
  const answer: RequestListener = (request, response) => {
    if (request.url !== '/-/ready') return listener(request, response);
    response.statusCode = options.healthy?.() === false ? 503 : 200;
    response.end();
  };
  const { tls } = options;
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls.serverOptions(), answer);
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const forget = tls?.onChange(() => (server as TlsServer).setSecureContext(tls.serverOptions()));
  const kill = () =>
    new Promise<void>((resolve) => {
      forget?.();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  t.after(kill);
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, kill };
}

export function connectHttp(
  t: TestContext,
  addresses: readonly string[],
  options: Partial<HttpUpstreamOptions> = {},
): HttpUpstream {
  const client = connectHttpUpstream({ ...options, addresses });
  t.after(() => client.close());
  return client;
}
