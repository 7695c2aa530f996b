import { createServer, type RequestListener, type Server } from 'node:http';
import {
  createServer as createTlsServer,
  Server as TlsServer,
  type ServerOptions as TlsServerOptions,
} from 'node:https';
import type { AddressInfo } from 'node:net';
import { acceptSockets, type FurtherSockets } from './accept-sockets.ts';

/** Bounds of an HTTP server. Times in ms. */
export interface HttpLimits {
  /** From the first byte of a request to the end of its headers. Answer: 408. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body, however slowly it trickles in. Answer: 408. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveTimeoutMs: number;
  /** Further connections are closed at once. */
  readonly maxConnections: number;
  /** All headers of a request together. Answer: 431. */
  readonly maxHeaderBytes: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  // Longer than the 60 s that load balancers keep theirs: the side that sends requests should be the one to close.
  keepAliveTimeoutMs: 75_000,
  maxConnections: 10_000,
  maxHeaderBytes: 16 * 1024,
};

export interface ListenOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly limits?: Partial<HttpLimits>;
  /** Absent: plain text. */
  readonly tls?: ServerTls;
  /**
   * Told of connections that could not be accepted (no file descriptor left) or did not get through the handshake of TLS;
   * the server goes on.
   */
  readonly onError?: (error: Error) => void;
}

/** Where a server's certificate comes from, which may change while it runs. */
export interface ServerTls {
  serverOptions(): TlsServerOptions;
  /** Returns what ends it. */
  onChange(listener: () => void): () => void;
}

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** `http://host:port` */
  readonly url: string;
  /**
   * Takes no more connections, lets requests in flight finish for up to `graceMs` (default 10 s), then cuts
   * off what is left.
   */
  close(graceMs?: number): Promise<void>;
}

/** How often timeouts are looked at, and idle connections closed while stopping. */
const CHECK_INTERVAL_MS = 500;

/** Serves `app` (an express app is one) with every limit in place. Rejects if the address can't be had. */
export async function listenHttp(app: RequestListener, options: ListenOptions): Promise<HttpServer> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const server = serverOf(app, limits, options.tls);
  const further = await acceptSockets(server, {
    host: options.host,
    port: options.port,
    maxConnections: limits.maxConnections,
    allowHalfOpen: true,
  });
  // Without a listener such an error would end the process.
  const onError = options.onError ?? (() => {});
  server.on('error', onError);
  server.on('tlsClientError', onError);
  const forget = options.tls?.onChange(() => {
    if (server instanceof TlsServer) server.setSecureContext(options.tls?.serverOptions() ?? {});
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    url: `${options.tls === undefined ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: (graceMs = 10_000) => {
      forget?.();
      return closeGracefully(server, further, graceMs);
    },
  };
}

function serverOf(app: RequestListener, limits: HttpLimits, tls: ServerTls | undefined): Server | TlsServer {
  const bounds = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    maxHeaderSize: limits.maxHeaderBytes,
    noDelay: true,
  };
  if (tls === undefined) return createServer(bounds, app);
  const handshake = { handshakeTimeout: limits.headersTimeoutMs, ALPNProtocols: ['http/1.1'] };
  return createTlsServer({ ...bounds, ...handshake, ...tls.serverOptions() }, app);
}

async function closeGracefully(server: Server, further: FurtherSockets, graceMs: number): Promise<void> {
  // A connection becomes idle when its last answer is out: `close()` alone would wait for the client to leave.
  const sweep = setInterval(() => server.closeIdleConnections(), CHECK_INTERVAL_MS / 10);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  await Promise.all([closed, further.close()]);
  clearInterval(sweep);
  clearTimeout(cut);
}
