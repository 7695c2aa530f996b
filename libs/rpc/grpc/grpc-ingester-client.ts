import { Client, connectivityState, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { MetricMetadata } from '@xscaler/model';
import type {
  ActiveIdsRead,
  CardinalityRead,
  IngesterApi,
  IngesterExemplars,
  IngesterRead,
  MetadataRead,
  PartitionCardinality,
} from '../ingester/ingester-api.ts';
import { RpcError, UnconnectedError } from '../rpc-error.ts';
import type { ServiceTls } from '../service-tls.ts';
import { SECRET_HEADER } from '../shared-secret.ts';
import { errorOf } from './grpc-error.ts';
import { ReadWindow } from './grpc-read-window.ts';
import { secureChannel } from './grpc-tls.ts';
import {
  joinedCardinalities,
  sizeOfExemplars,
  sizeOfPairs,
  wireCardinalityRead,
  wireLabelValuesRead,
  wireMetadataRead,
  wireRead,
} from './ingester-messages.ts';
import {
  CHANNEL_LIMITS,
  type IngesterMethod,
  ingesterMethod,
  type WireCardinalityPiece,
  type WireFramePiece,
} from './ingester-proto.ts';

export interface GrpcIngesterOptions {
  /** Known to both sides, if set. */
  readonly secret?: string;
  /** How services prove who they are; absent: plain text. */
  readonly tls?: ServiceTls;
  /** Of a whole call, streams included. Default 130,000: longer than a query may take. */
  readonly deadlineMs?: number;
  /** How long a call waits for the connection. Default 2,000. */
  readonly connectTimeoutMs?: number;
  /** A connection is asked for a sign of life so often, and is lost when there is none in the time below. Default 5,000. */
  readonly keepaliveTimeMs?: number;
  /** Default 3,000. */
  readonly keepaliveTimeoutMs?: number;
  /** Calls in flight; one more is `overloaded`. Default 1,024. */
  readonly maxConcurrentCalls?: number;
  /** Frames of one stream that are fetched before they are asked for. Default 2. */
  readonly streamWindow?: number;
  /** Of the lists that label, series, exemplar and metadata reads answer with, in characters. Default 256 M. */
  readonly maxListCharacters?: number;
}

export interface GrpcIngester extends IngesterApi {
  /** Connects if it isn't connected; resolves once it is, rejects with the signal's reason. */
  connected(signal: AbortSignal): Promise<void>;
  /** Ends the connection; calls in flight fail. */
  close(): void;
}

/**
 * An ingester behind gRPC (proto/ingester.proto), at `host:port`. The connection is made by the first call and made again
 * when it is lost. Frames may be views of larger buffers.
 *
 * Aborting the signal, or leaving a stream, ends the call on both sides; the call rejects with the signal's reason.
 *
 * @throws RpcError `unavailable`, `deadline_exceeded`, `overloaded`, `refused`, `too_large`, `unknown_method`, `protocol`;
 * what the ingester itself threw comes as `RemoteError`
 */
export function connectGrpcIngester(address: string, options: GrpcIngesterOptions = {}): GrpcIngester {
  return new GrpcIngesterClient(address, options);
}

/** A change of state is told; that the client was closed is looked for. */
const CONNECTED_LOOK_MS = 200;

class GrpcIngesterClient implements GrpcIngester {
  readonly #address: string;
  readonly #client: Client;
  readonly #secret: string | undefined;
  readonly #deadlineMs: number;
  readonly #connectTimeoutMs: number;
  readonly #maxConcurrentCalls: number;
  readonly #streamWindow: number;
  readonly #maxListCharacters: number;
  #inFlight = 0;
  #closed = false;

  constructor(address: string, options: GrpcIngesterOptions) {
    this.#address = address;
    this.#secret = options.secret;
    this.#deadlineMs = options.deadlineMs ?? 130_000;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? 2000;
    this.#maxConcurrentCalls = options.maxConcurrentCalls ?? 1024;
    this.#streamWindow = options.streamWindow ?? 2;
    this.#maxListCharacters = options.maxListCharacters ?? 256 * 1024 * 1024;
    const secure = secureChannel(address, options.tls);
    this.#client = new Client(address, secure.credentials, {
      ...CHANNEL_LIMITS,
      ...secure.options,
      'grpc.keepalive_time_ms': options.keepaliveTimeMs ?? 5000,
      'grpc.keepalive_timeout_ms': options.keepaliveTimeoutMs ?? 3000,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.initial_reconnect_backoff_ms': 100,
      // One that has come back may be the only one left of its partitions the next moment.
      'grpc.max_reconnect_backoff_ms': 500,
      // Retries are ours, to the other zone; theirs would keep a copy of everything sent.
      'grpc.enable_retries': 0,
      // Between services there is no proxy, whatever the environment says.
      'grpc.enable_http_proxy': 0,
      // A client that is closed ends its own connection only.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  async *select(read: IngesterRead, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let pieces: Uint8Array[] = [];
    for await (const piece of this.#stream<WireFramePiece>('Select', wireRead(read), signal)) {
      if (!piece.continued && pieces.length === 0) {
        yield piece.data;
        continue;
      }
      pieces.push(piece.data);
      if (piece.continued) continue;
      yield Buffer.concat(pieces);
      pieces = [];
    }
  }

  async labelNames(read: IngesterRead, signal: AbortSignal): Promise<string[]> {
    return this.#strings('LabelNames', wireRead(read), signal);
  }

  async labelValues(read: IngesterRead & { readonly name: string }, signal: AbortSignal): Promise<string[]> {
    return this.#strings('LabelValues', wireLabelValuesRead(read), signal);
  }

  async series(read: IngesterRead, signal: AbortSignal): Promise<string[][]> {
    const stream = this.#stream<{ sets: { pairs: string[] }[] }>('Series', wireRead(read), signal);
    return this.#list(stream, ({ sets }) => sets.map(({ pairs }) => pairs), sizeOfPairs);
  }

  async exemplars(read: IngesterRead, signal: AbortSignal): Promise<IngesterExemplars[]> {
    const stream = this.#stream<{ series: IngesterExemplars[] }>('Exemplars', wireRead(read), signal);
    return this.#list(stream, ({ series }) => series, sizeOfExemplars);
  }

  async cardinality(read: CardinalityRead, signal: AbortSignal): Promise<PartitionCardinality[]> {
    const stream = this.#stream<WireCardinalityPiece>('Cardinality', wireCardinalityRead(read), signal);
    const pieces = await this.#list(
      stream,
      (piece) => [piece],
      ({ label }) => 32 + sizeOfPairs(label?.values ?? []),
    );
    return joinedCardinalities(pieces);
  }

  async metadata(read: MetadataRead, signal: AbortSignal): Promise<MetricMetadata[]> {
    const stream = this.#stream<{ metrics: MetricMetadata[] }>('Metadata', wireMetadataRead(read), signal);
    return this.#list(
      stream,
      ({ metrics }) => metrics,
      ({ metric, help }) => metric.length + help.length + 16,
    );
  }

  async activeIds(read: ActiveIdsRead, signal: AbortSignal): Promise<Uint8Array> {
    const request = wireMetadataRead({ ...read, metric: undefined });
    const stream = this.#stream<WireFramePiece>('ActiveIds', request, signal);
    const pieces = await this.#list(
      stream,
      ({ data }) => [data],
      ({ byteLength }) => byteLength,
    );
    return Buffer.concat(pieces);
  }

  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  async #strings(method: IngesterMethod, request: object, signal: AbortSignal): Promise<string[]> {
    const stream = this.#stream<{ values: string[] }>(method, request, signal);
    return this.#list(
      stream,
      ({ values }) => values,
      (value) => value.length + 3,
    );
  }

  async #list<Message, T>(
    stream: AsyncIterable<Message>,
    entriesOf: (message: Message) => T[],
    sizeOf: (entry: T) => number,
  ): Promise<T[]> {
    const list: T[] = [];
    let size = 0;
    for await (const message of stream) {
      for (const entry of entriesOf(message)) {
        size += sizeOf(entry);
        list.push(entry);
      }
      if (size > this.#maxListCharacters) {
        throw new RpcError('too_large', `the answer is larger than ${this.#maxListCharacters} characters`);
      }
    }
    return list;
  }

  async *#stream<Message>(
    method: IngesterMethod,
    request: object,
    signal: AbortSignal,
  ): AsyncGenerator<Message, void, undefined> {
    signal.throwIfAborted();
    if (this.#closed) throw new RpcError('closed', 'the client is closed');
    if (this.#inFlight >= this.#maxConcurrentCalls) {
      throw new RpcError('overloaded', `${this.#inFlight} calls are in flight`);
    }
    this.#inFlight++;
    try {
      await this.#connectedOrFailed(signal);
      yield* this.#call<Message>(method, request, signal);
    } finally {
      this.#inFlight--;
    }
  }

  async *#call<Message>(
    method: IngesterMethod,
    request: object,
    signal: AbortSignal,
  ): AsyncGenerator<Message> {
    const { path, requestSerialize, responseDeserialize } = ingesterMethod<object, Message>(method);
    const metadata = new Metadata();
    if (this.#secret !== undefined) metadata.set(SECRET_HEADER, this.#secret);
    const window = new ReadWindow(this.#streamWindow);
    const call = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      {
        deadline: Date.now() + this.#deadlineMs,
        interceptors: [(options, next) => window.intercept(next(options))],
      },
    );
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel);
    try {
      for await (const message of call) {
        signal.throwIfAborted();
        yield message as Message;
        window.used();
      }
      signal.throwIfAborted();
    } catch (error) {
      throw signal.aborted ? signal.reason : errorOf(error as ServiceError);
    } finally {
      signal.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  async connected(signal: AbortSignal): Promise<void> {
    const channel = this.#client.getChannel();
    for (;;) {
      signal.throwIfAborted();
      if (this.#closed) throw new RpcError('closed', 'the client is closed');
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return;
      await this.#leaves(state, Date.now() + CONNECTED_LOOK_MS, signal);
    }
  }

  /**
   * Waits until the connection stands or has failed. A paused process still takes connections (its kernel does), so
   * that grpc-js would wait for it as long as the call's deadline.
   */
  async #connectedOrFailed(signal: AbortSignal): Promise<void> {
    const channel = this.#client.getChannel();
    const untilMs = Date.now() + this.#connectTimeoutMs;
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state !== connectivityState.IDLE && state !== connectivityState.CONNECTING) return;
      if (Date.now() >= untilMs) {
        throw new UnconnectedError(`no connection to ${this.#address} in ${this.#connectTimeoutMs} ms`);
      }
      await this.#leaves(state, untilMs, signal);
    }
  }

  /** Resolves when the connection's state is another one, or timed out. */
  #leaves(state: connectivityState, untilMs: number, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      this.#client.getChannel().watchConnectivityState(state, untilMs, () => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
    });
  }
}
