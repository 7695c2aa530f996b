import type { TestContext } from 'node:test';
import {
  connectGrpcIngester,
  type GrpcIngester,
  type GrpcIngesterOptions,
} from '../grpc/grpc-ingester-client.ts';
import {
  type GrpcIngesterServer,
  type ServeGrpcOptions,
  serveGrpcIngester,
} from '../grpc/grpc-ingester-server.ts';
import type { IngesterApi } from '../ingester/ingester-api.ts';

/** For tests: an ingester on a port of its own, or a given one. */
export async function startGrpcIngester(
  t: TestContext,
  served: IngesterApi,
  options: Partial<ServeGrpcOptions> = {},
): Promise<GrpcIngesterServer & { readonly address: string }> {
  const server = await serveGrpcIngester(served, { host: '127.0.0.1', port: 0, ...options });
  t.after(() => server.close(0));
  return Object.assign(server, { address: `127.0.0.1:${server.port}` });
}

export function connectGrpc(t: TestContext, address: string, options?: GrpcIngesterOptions): GrpcIngester {
  const client = connectGrpcIngester(address, options);
  t.after(() => client.close());
  return client;
}
