import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  acceptSockets,
  DEFAULT_HTTP_LIMITS,
  type FurtherSockets,
  type HttpLimits,
  type HttpServer,
} from '@xscaler/runtime/http';

export interface TlsOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** PEM: the certificate with those above it, and its key. */
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly limits?: Partial<HttpLimits>;
  /** Takes over connections that speak HTTP/2, which gRPC alone does here. */
  readonly takeOver: (connection: TLSSocket) => void;
  /** Told of connections that could not be accepted; the server goes on. */
  readonly onError?: (error: Error) => void;
}

/** How often timeouts are looked at, and idle connections closed while stopping. */
const CHECK_INTERVAL_MS = 500;
/** From a connection's first byte to its end of the handshake. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * HTTPS and gRPC on one port. A client says in its handshake (ALPN) what it speaks: a client that offers `http/1.1` gets it,
 * Prometheus and Alloy too, which would take `h2` as well; only gRPC clients take `h2` alone.
 * @throws Error if the address can't be had or the certificate isn't one
 */
export async function listenTls(app: RequestListener, options: TlsOptions): Promise<HttpServer> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const server = createServer(
    {
      cert: options.cert,
      key: options.key,
      minVersion: 'TLSv1.2',
      ALPNCallback: ({ protocols }) =>
        ['http/1.1', 'h2'].find((protocol) => (protocols as readonly string[]).includes(protocol)),
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      maxHeaderSize: limits.maxHeaderBytes,
      noDelay: true,
    },
    app,
  );
  const ownConnections = routeByProtocol(server, options.takeOver);
  const { host, port: wanted } = options;
  const further = await acceptSockets(server, { host, port: wanted, maxConnections: limits.maxConnections });
  server.on('error', options.onError ?? (() => {}));
  const { address, port, family } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    url: `https://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: (graceMs = 10_000) => close(server, further, ownConnections, graceMs),
  };
}

/** Returns the connections that were taken over and are open yet. */
function routeByProtocol(server: Server, takeOver: (connection: TLSSocket) => void): Set<TLSSocket> {
  const taken = new Set<TLSSocket>();
  const toHttp = server.listeners('secureConnection') as ((connection: TLSSocket) => void)[];
  server.removeAllListeners('secureConnection');
  server.on('secureConnection', (connection: TLSSocket) => {
    if (connection.alpnProtocol === 'h2') {
      taken.add(connection);
      connection.once('close', () => taken.delete(connection));
      takeOver(connection);
      return;
    }
    for (const listener of toHttp) listener.call(server, connection);
  });
  return taken;
}

async function close(
  server: Server,
  further: FurtherSockets,
  taken: ReadonlySet<TLSSocket>,
  graceMs: number,
): Promise<void> {
  // A connection becomes idle when its last answer is out: `close()` alone would wait for the client to leave.
  const sweep = setInterval(() => server.closeIdleConnections(), CHECK_INTERVAL_MS / 10);
  const cut = setTimeout(() => {
    server.closeAllConnections();
    for (const connection of taken) connection.destroy();
  }, graceMs);
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await Promise.all([closed, further.close()]);
  clearInterval(sweep);
  clearTimeout(cut);
}
