import { Server, type ServerWritableStream, type UntypedHandleCall } from '@grpc/grpc-js';
import type { IngesterApi } from '../ingester/ingester-api.ts';
import { RpcError } from '../rpc-error.ts';
import type { ServiceTls } from '../service-tls.ts';
import { SECRET_HEADER, SharedSecret } from '../shared-secret.ts';
import { statusOf } from './grpc-error.ts';
import { GrpcHealth } from './grpc-health.ts';
import { ServedStream } from './grpc-served-stream.ts';
import { serverCredentials } from './grpc-tls.ts';
import {
  batchesOf,
  cardinalityPieces,
  exemplarEntries,
  fromWireCardinalityRead,
  fromWireLabelValuesRead,
  fromWireMetadataRead,
  fromWireRead,
  int64,
  piecesOf,
  sizeOfExemplars,
  sizeOfPairs,
} from './ingester-messages.ts';
import {
  CHANNEL_LIMITS,
  HEALTH_SERVICE,
  INGESTER_SERVICE,
  type IngesterMethod,
  type WireCardinalityRead,
  type WireLabelValuesRead,
  type WireMetadataRead,
  type WireRead,
} from './ingester-proto.ts';

export interface ServeGrpcOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Where set, a call without it is refused; health checks are open. */
  readonly secret?: string;
  /** How services prove who they are; absent: plain text. */
  readonly tls?: ServiceTls;
  /** On one connection; further calls wait at the caller. Default 256. */
  readonly maxConcurrentStreams?: number;
  /** Over all connections; one more is refused as `overloaded`. Default 1,024. */
  readonly maxConcurrentCalls?: number;
  /** A caller is asked for a sign of life so often, and is gone when there is none in the time below. Default 10,000. */
  readonly keepaliveTimeMs?: number;
  /** Default 5,000. */
  readonly keepaliveTimeoutMs?: number;
}

export interface GrpcIngesterServer {
  readonly port: number;
  /** Calls running. */
  readonly inFlight: number;
  /** What health checks are told; true at first. */
  setServing(serving: boolean): void;
  /** Takes no more calls, lets those running end for this long, then cancels them. Default 5,000. */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves an ingester over gRPC (proto/ingester.proto), and its health (grpc.health.v1).
 *
 * A method's signal is aborted when its caller cancels, is gone, or its deadline has passed. A stream is asked for its
 * next frame when the one before the last has been taken by the connection.
 * @throws Error if the port can't be had
 */
export async function serveGrpcIngester(
  api: IngesterApi,
  options: ServeGrpcOptions,
): Promise<GrpcIngesterServer> {
  const server = new Server({
    ...CHANNEL_LIMITS,
    'grpc.max_concurrent_streams': options.maxConcurrentStreams ?? 256,
    'grpc.keepalive_time_ms': options.keepaliveTimeMs ?? 10_000,
    'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? 5000,
  });
  const health = new GrpcHealth();
  const calls = new ServedCalls(options.secret, options.maxConcurrentCalls ?? 1024);
  server.addService(HEALTH_SERVICE, health.handlers);
  server.addService(INGESTER_SERVICE, handlersOf(api, calls));
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${host}:${options.port}`, serverCredentials(options.tls), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    get inFlight() {
      return calls.inFlight;
    },
    setServing: (serving) => health.setServing(serving),
    close: (graceMs = 5000) => {
      health.setServing(false);
      health.endWatches();
      return shutDown(server, graceMs);
    },
  };
}

type Handlers = Record<IngesterMethod, UntypedHandleCall>;

function handlersOf(api: IngesterApi, calls: ServedCalls): Handlers {
  return {
    Select: calls.handler(async function* (wire: WireRead, signal) {
      for await (const frame of api.select(fromWireRead(wire), signal)) yield* piecesOf(frame);
    }),
    LabelNames: calls.handler(async function* (wire: WireRead, signal) {
      const names = await api.labelNames(fromWireRead(wire), signal);
      for (const values of batchesOf(names, sizeOfText)) yield { values };
    }),
    LabelValues: calls.handler(async function* (wire: WireLabelValuesRead, signal) {
      const found = await api.labelValues(fromWireLabelValuesRead(wire), signal);
      for (const values of batchesOf(found, sizeOfText)) yield { values };
    }),
    Series: calls.handler(async function* (wire: WireRead, signal) {
      const series = await api.series(fromWireRead(wire), signal);
      for (const batch of batchesOf(series, sizeOfPairs)) yield { sets: batch.map((pairs) => ({ pairs })) };
    }),
    Exemplars: calls.handler(async function* (wire: WireRead, signal) {
      const found = await api.exemplars(fromWireRead(wire), signal);
      for (const { exemplars } of found) for (const { timestampMs } of exemplars) int64(timestampMs);
      for (const series of batchesOf(exemplarEntries(found), sizeOfExemplars)) yield { series };
    }),
    Cardinality: calls.handler(async function* (wire: WireCardinalityRead, signal) {
      for (const one of await api.cardinality(fromWireCardinalityRead(wire), signal))
        yield* cardinalityPieces(one);
    }),
    Metadata: calls.handler(async function* (wire: WireMetadataRead, signal) {
      const found = await api.metadata(fromWireMetadataRead(wire), signal);
      for (const metrics of batchesOf(found, ({ metric, help }) => metric.length + help.length + 16)) {
        yield { metrics };
      }
    }),
    ActiveIds: calls.handler(async function* (wire: WireMetadataRead, signal) {
      const { metric: _, ...read } = fromWireMetadataRead(wire);
      yield* piecesOf(await api.activeIds(read, signal));
    }),
  };
}

/** What every call has to pass, and what counts them. */
class ServedCalls {
  inFlight = 0;
  readonly #secret: SharedSecret;
  readonly #maxInFlight: number;

  constructor(secret: string | undefined, maxInFlight: number) {
    this.#secret = new SharedSecret(secret);
    this.#maxInFlight = maxInFlight;
  }

  handler<Request, Message extends object>(
    open: (request: Request, signal: AbortSignal) => AsyncIterable<Message>,
  ): UntypedHandleCall {
    return (call: ServerWritableStream<Request, Message>) => {
      const refusal = this.#refusalOf(call);
      if (refusal !== undefined) {
        call.emit('error', Object.assign(new Error(), statusOf(refusal)));
        return;
      }
      this.inFlight++;
      const stream = new ServedStream(call);
      void stream.run(open).finally(() => this.inFlight--);
    };
  }

  #refusalOf({
    metadata,
  }: {
    metadata: ServerWritableStream<unknown, unknown>['metadata'];
  }): RpcError | undefined {
    const [offered] = metadata.get(SECRET_HEADER);
    if (!this.#secret.admits(offered?.toString())) {
      return new RpcError('refused', 'the shared secret is missing or wrong');
    }
    if (this.inFlight >= this.#maxInFlight) {
      return new RpcError('overloaded', `${this.inFlight} calls are running`);
    }
    return undefined;
  }
}

function sizeOfText(text: string): number {
  return text.length + 3;
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
