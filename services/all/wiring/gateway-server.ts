import { readFileSync } from 'node:fs';
import {
  createGateway,
  createOtlpGrpcServer,
  type GatewayOptions,
  listenTls,
  type OtlpGrpcServer,
} from '@xscaler/gateway';
import type { Logger } from '@xscaler/runtime';
import { ConfigError } from '@xscaler/runtime/config';
import { type HttpServer, listenHttp } from '@xscaler/runtime/http';
import { type Config, DEFAULT_OTLP_GRPC_LISTEN, parseListenAddress } from '../configuration/config.ts';
import type { ProcessParts } from './process-parts.ts';

type GatewayParts = Pick<GatewayOptions, 'authenticator' | 'distributor' | 'querier' | 'readiness' | 'rates'>;

const GRACE_MS = 10_000;
/** Over which the rates of bodies and answers are measured: a shorter pause does not disconnect a client. */
const BODY_WINDOW_MS = 10_000;
const ANSWER_WINDOW_MS = 30_000;

/**
 * The gateway on its public addresses: HTTP, OTLP/gRPC, and if it has a certificate both of them over TLS.
 * @returns the HTTP server; closing it closes all of them
 */
export async function startGateway(
  config: Config,
  parts: ProcessParts,
  gateway: GatewayParts,
): Promise<HttpServer> {
  const { gateway: settings } = config;
  const { app, exports } = createGateway({
    ...gateway,
    metrics: parts.publicMetrics,
    limits: {
      maxInFlightBytes: settings.max_inflight_bytes,
      maxInFlightRequests: settings.max_inflight_requests,
      minBodyPace: { windowMs: BODY_WINDOW_MS, bytesPerSecond: settings.min_body_rate },
      maxAnswerBytes: settings.max_answer_bytes,
      maxAnswerWaitMs: settings.max_answer_wait,
      minAnswerPace: { windowMs: ANSWER_WINDOW_MS, bytesPerSecond: settings.min_answer_rate },
      readTimeoutMs: config.querier.timeout + 10_000,
    },
    clock: () => performance.now(),
    random: Math.random,
    logger: parts.logger,
    registry: parts.registry,
  });
  const limits = { maxConnections: config.gateway.max_connections };
  const grpc = createOtlpGrpcServer(exports, () => performance.now());
  const http = await listenHttp(app, { ...parseListenAddress(config.listen), limits });
  await listenGrpc(grpc, config, parts.logger);
  const certificate = certificateOf(config);
  const https =
    certificate &&
    (await listenTls(app, {
      ...parseListenAddress(config.gateway.tls_listen),
      ...certificate,
      limits,
      takeOver: (connection) => grpc.takeOver(connection),
    }));
  if (https !== undefined) parts.logger.info({ url: https.url }, 'listening for HTTPS and gRPC');
  return {
    ...http,
    close: async (graceMs = GRACE_MS) => {
      await Promise.all([http.close(graceMs), grpc.close(graceMs), https?.close(graceMs)]);
    },
  };
}

/** The default port may be somebody else's, a collector's for one; another one was asked for. */
async function listenGrpc(grpc: OtlpGrpcServer, { gateway }: Config, logger: Logger): Promise<void> {
  const { otlp_grpc_listen: listen, max_connections: maxConnections } = gateway;
  if (listen === '') return;
  const { host, port } = parseListenAddress(listen);
  try {
    await grpc.listen(host, port, maxConnections);
  } catch (error) {
    if (listen !== DEFAULT_OTLP_GRPC_LISTEN) throw error;
    logger.warn({ listen }, 'OTLP/gRPC is off: the address is in use, see gateway.otlp_grpc_listen');
  }
}

function certificateOf({ gateway }: Config): { cert: Buffer; key: Buffer } | undefined {
  const { tls_listen: listen, tls_cert_file: certFile, tls_key_file: keyFile } = gateway;
  if (listen === '') return undefined;
  return { cert: read('gateway.tls_cert_file', certFile), key: read('gateway.tls_key_file', keyFile) };
}

function read(where: string, path: string): Buffer {
  if (path === '') throw new ConfigError([{ where, problem: 'is needed with gateway.tls_listen' }]);
  try {
    return readFileSync(path);
  } catch (error) {
    throw new ConfigError([{ where, problem: (error as Error).message }]);
  }
}
