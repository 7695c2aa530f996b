import { createGateway, type GatewayOptions } from '@xscaler/gateway';
import { type HttpServer, listenHttp } from '@xscaler/runtime';
import { type Config, parseListenAddress } from './config.ts';
import type { ProcessParts } from './process-parts.ts';

type GatewayParts = Pick<GatewayOptions, 'authenticator' | 'distributor' | 'querier' | 'notReady' | 'rates'>;

/** The gateway on its public address. One tenant gets half of the bytes in flight at most: its slow senders are its own trouble. */
export function startGateway(
  config: Config,
  parts: ProcessParts,
  gateway: GatewayParts,
): Promise<HttpServer> {
  const { max_inflight_bytes: maxInFlightBytes, max_inflight_requests: maxInFlightRequests } = config.gateway;
  const app = createGateway({
    ...gateway,
    metrics: parts.publicMetrics,
    limits: {
      maxInFlightBytes,
      maxTenantInFlightBytes: maxInFlightBytes / 2,
      maxInFlightRequests,
      readTimeoutMs: config.querier.timeout + 10_000,
    },
    clock: () => performance.now(),
    logger: parts.logger,
    registry: parts.registry,
  });
  const limits = { maxConnections: config.gateway.max_connections };
  return listenHttp(app, { ...parseListenAddress(config.listen), limits });
}
