import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import type { Upstream } from '../http-exchange.ts';
import { connectHttpUpstream, type HttpUpstream, type HttpUpstreamOptions } from '../http-upstream.ts';
import { type ServeHttpOptions, serveHttpUpstream } from '../http-upstream-server.ts';

export interface HttpService {
  readonly address: string;
  /** Ends it at once, connections and all. */
  kill(): Promise<void>;
}

/** For tests: a service on a port of its own, or a given one. */
export async function startHttpService(
  t: TestContext,
  upstream: Upstream,
  options: ServeHttpOptions & { readonly port?: number; readonly healthy?: () => boolean } = {},
): Promise<HttpService> {
  const listener = serveHttpUpstream(upstream, options);
  const server = createServer((request, response) => {
    if (request.url !== '/-/ready') return listener(request, response);
    response.statusCode = options.healthy?.() === false ? 503 : 200;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const kill = () =>
    new Promise<void>((resolve) => {
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
