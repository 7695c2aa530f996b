import type { RequestListener } from 'node:http';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { connect, type Upstream } from '@xscaler/rpc';
import { type ServiceTls, serveHttpUpstream } from '@xscaler/rpc/network';
import type { Logger, Module, Readiness } from '@xscaler/runtime';
import { type HttpServer, listenHttp } from '@xscaler/runtime/http';
import { type Config, parseListenAddress } from '../configuration/config.ts';

/** A channel's two ends: one stays with this thread, the other goes to the thread that `parts.thread` starts. */
export function channel(): { here: MessagePort; there: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  return { here: port1, there: port2 };
}

/** What gateways ask to learn whether an address should be picked. */
export const READY_PATH = '/-/ready';

/** Serves the `Upstream` behind a port to gateways. */
export function upstreamServer(
  config: Config,
  tls: ServiceTls | undefined,
  logger: Logger,
  port: MessagePort,
  readiness: Readiness,
  needs: readonly string[],
): Module {
  let server: HttpServer | undefined;
  return {
    name: 'internal-http',
    needs,
    start: async () => {
      const { secret } = config.cluster;
      const upstream = serveHttpUpstream(connect<Upstream>(port), secret === '' ? {} : { secret });
      const listener: RequestListener = (request, response) => {
        if (request.url !== READY_PATH) return upstream(request, response);
        response.writeHead(readiness.notReady() === undefined ? 200 : 503).end();
      };
      server = await listenHttp(listener, {
        ...parseListenAddress(config.listen),
        limits: { requestTimeoutMs: config.querier.timeout + 30_000 },
        ...(tls !== undefined && { tls }),
        onError: (error) => logger.warn({ err: error }, 'a connection from another service was rejected'),
      });
    },
    stop: async () => server?.close(),
  };
}
