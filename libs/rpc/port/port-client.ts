import type { MessagePort } from 'node:worker_threads';
import { fromWireError, RpcError } from '../rpc-error.ts';
import { prepareOutgoing } from './outgoing.ts';
import {
  CALL,
  CANCEL,
  type CalleeMessage,
  type CallerMessage,
  CREDIT,
  END,
  FAULT,
  OPEN,
  VALUE,
} from './port-messages.ts';
import { PortStream, type ReplySink, type StreamCaller } from './port-stream.ts';

export interface PortClientLimits {
  readonly maxConcurrentCalls: number;
  readonly streamWindow: number;
}

/** The caller's end of a port; see `connect`. */
export class PortClient implements StreamCaller {
  readonly #port: MessagePort;
  readonly #limits: PortClientLimits;
  readonly #sinks = new Map<number, ReplySink>();
  #nextId = 0;
  #closed = false;

  constructor(port: MessagePort, limits: PortClientLimits) {
    this.#port = port;
    this.#limits = limits;
    port.on('message', (message: CalleeMessage) => this.#receive(message));
    port.on('messageerror', () => port.close());
    port.on('close', () => this.#close());
    // Only a call in flight keeps the thread alive, not the connection.
    port.unref();
  }

  call(method: string, request: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const cancel = () => {
        this.cancel(id);
        reject(signal?.reason);
      };
      const settle = () => signal?.removeEventListener('abort', cancel);
      const id = this.#send(CALL, method, request, {
        single: true,
        value: (value) => {
          settle();
          resolve(value);
        },
        end: settle,
        fail: (error) => {
          settle();
          reject(error);
        },
      });
      signal?.addEventListener('abort', cancel);
    });
  }

  stream(method: string, request: unknown, signal: AbortSignal | undefined): AsyncIterable<unknown> {
    return {
      [Symbol.asyncIterator]: () => new PortStream(this, method, request, signal, this.#limits.streamWindow),
    };
  }

  open(method: string, request: unknown, sink: ReplySink): number {
    return this.#send(OPEN, method, request, sink);
  }

  cancel(id: number): void {
    this.#post([CANCEL, id], []);
  }

  credit(id: number, count: number): void {
    this.#post([CREDIT, id, count], []);
  }

  #send(kind: typeof CALL | typeof OPEN, method: string, request: unknown, sink: ReplySink): number {
    if (this.#closed) throw threadEnded();
    if (this.#sinks.size >= this.#limits.maxConcurrentCalls) {
      throw new RpcError('overloaded', `${this.#sinks.size} calls are in flight`);
    }
    const id = this.#nextId++;
    const transfers: ArrayBuffer[] = [];
    const outgoing = prepareOutgoing(request, transfers);
    const message: CallerMessage =
      kind === CALL ? [CALL, id, method, outgoing] : [OPEN, id, method, outgoing, this.#limits.streamWindow];
    this.#post(message, transfers);
    if (this.#sinks.size === 0) this.#port.ref();
    this.#sinks.set(id, sink);
    return id;
  }

  #post(message: CallerMessage, transfers: ArrayBuffer[]): void {
    if (!this.#closed) this.#port.postMessage(message, transfers);
  }

  #receive(message: CalleeMessage): void {
    const id = message[1];
    const sink = this.#sinks.get(id);
    if (sink === undefined) return;
    switch (message[0]) {
      case VALUE:
        if (sink.single) this.#forget(id);
        sink.value(message[2]);
        break;
      case END:
        this.#forget(id);
        sink.end();
        break;
      case FAULT:
        this.#forget(id);
        sink.fail(fromWireError(message[2]));
        break;
    }
  }

  #forget(id: number): void {
    this.#sinks.delete(id);
    if (this.#sinks.size === 0) this.#port.unref();
  }

  #close(): void {
    this.#closed = true;
    const sinks = [...this.#sinks.values()];
    this.#sinks.clear();
    for (const sink of sinks) sink.fail(threadEnded());
  }
}

function threadEnded(): RpcError {
  return new RpcError('closed', 'thread ended');
}
