import type { MessagePort } from 'node:worker_threads';
import { PortClient } from './port-client.ts';
import { PortServer, type ServeOptions } from './port-server.ts';

/**
 * Calls between the threads of one process over a `MessagePort`.
 *
 * What can be called is an object of methods `(request, signal) => Promise<reply>` or, for streams,
 * `(request, signal) => AsyncIterable<value>`; `Upstream` and `IngesterApi` are such interfaces.
 *
 * Order: first in, first started. Calls and streams made on one port reach the other thread in the order they were
 * made, and each method runs up to its first `await` before the next one starts. Values of a stream arrive in order.
 * Replies arrive in the order in which they are ready.
 *
 * Ownership: bytes in a request, a reply or a stream's value are given away. A typed array that owns its whole
 * buffer is moved to the other thread, and empty here afterwards; a view of a part of a buffer is copied. Who
 * wants to keep bytes, or to send the same ones twice, sends a copy (`bytes.slice()`).
 *
 * Cancellation: aborting the caller's signal rejects the call with the signal's reason at once and aborts the signal
 * that the method was given; so does leaving a stream (`break`, `return()`). A thread that ends, or closes its port,
 * rejects everything pending with `RpcError` code `closed`, and aborts the signals of what it had asked for.
 *
 * Errors cross with their name, message, code and stack, as `RemoteError`.
 */
export type RpcApi<Api> = {
  readonly [M in keyof Api]: (
    request: never,
    signal: AbortSignal,
  ) => Promise<unknown> | AsyncIterable<unknown>;
};

/** The methods of an api that answer with a stream. */
export type StreamMethod<Api> = {
  [M in keyof Api]: Api[M] extends (request: never, signal: AbortSignal) => AsyncIterable<unknown>
    ? M
    : never;
}[keyof Api];

export interface ConnectOptions {
  /** Calls and streams in flight at once; one more is rejected with `RpcError` code `overloaded`. Default 1,024. */
  readonly maxConcurrentCalls?: number;
  /** Values of one stream that may lie unread. Default 4. */
  readonly streamWindow?: number;
}

/** Types don't exist if the program runs: the methods that are streams have to be said. */
export interface StreamOptions<Api> extends ConnectOptions {
  readonly streams: Readonly<Record<StreamMethod<Api>, true>>;
}

type OptionsOf<Api> = [StreamMethod<Api>] extends [never]
  ? [options?: ConnectOptions]
  : [options: StreamOptions<Api>];

/**
 * Answers calls that arrive on `port` by the methods of `api`, until the port is closed. It keeps the thread alive.
 * `serve<Upstream>(port, distributor)` serves the interface's methods of a larger object.
 */
export function serve<Api extends RpcApi<Api>>(
  port: MessagePort,
  api: Api,
  options: ServeOptions = {},
): void {
  new PortServer(port, api, options);
}

/**
 * A client of the api that the other end of `port` serves. Only calls in flight keep the thread alive; closing
 * the port ends the connection.
 *
 *     const distributor = connect<Upstream>(port);
 *     const ingester = connect<IngesterApi>(port, { streams: { select: true } });
 */
export function connect<Api extends RpcApi<Api>>(port: MessagePort, ...[options]: OptionsOf<Api>): Api {
  const client = new PortClient(port, {
    maxConcurrentCalls: options?.maxConcurrentCalls ?? 1024,
    streamWindow: options?.streamWindow ?? 4,
  });
  const streams: Readonly<Record<string, unknown>> = (options as Partial<StreamOptions<Api>>)?.streams ?? {};
  const methods = new Map<string, unknown>();
  return new Proxy({} as Api, {
    get(_target, name) {
      // A client must not look like a promise to `await`.
      if (typeof name !== 'string' || name === 'then') return undefined;
      let method = methods.get(name);
      if (method === undefined) {
        method =
          streams[name] === true
            ? (request: unknown, signal?: AbortSignal) => client.stream(name, request, signal)
            : (request: unknown, signal?: AbortSignal) => client.call(name, request, signal);
        methods.set(name, method);
      }
      return method;
    },
  });
}
