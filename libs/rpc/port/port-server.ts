import type { MessagePort } from 'node:worker_threads';
import { RpcError, toWireError } from '../rpc-error.ts';
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

type Method = (request: unknown, signal: AbortSignal) => unknown;

interface ServedCall {
  readonly canceler: AbortController;
  credits: number;
  /** Set while a stream waits for credit or its cancellation. */
  wake: (() => void) | undefined;
}

export interface ServeOptions {
  /**
   * Whether the buffers of answers are copied, not given away. From the first buffer on that a thread gives away V8 looks before each
   * access of a typed array whether it is still there: a thread that computes has a fifth more to do.
   */
  readonly copies?: boolean;
}

/** The callee's end of a port; see `serve`. */
export class PortServer {
  readonly #port: MessagePort;
  readonly #copies: boolean;
  readonly #api: Record<string, unknown>;
  readonly #calls = new Map<number, ServedCall>();

  constructor(port: MessagePort, api: object, { copies = false }: ServeOptions) {
    this.#port = port;
    this.#copies = copies;
    this.#api = api as Record<string, unknown>;
    port.on('message', (message: CallerMessage) => this.#receive(message));
    port.on('messageerror', () => port.close());
    port.on('close', () => this.#cancelAll());
  }

  #receive(message: CallerMessage): void {
    const id = message[1];
    switch (message[0]) {
      case CALL:
        void this.#answer(id, message[2], message[3]);
        break;
      case OPEN:
        void this.#stream(id, message[2], message[3], message[4]);
        break;
      case CANCEL:
        this.#cancel(id);
        break;
      case CREDIT: {
        const call = this.#calls.get(id);
        if (call === undefined) break;
        call.credits += message[2];
        call.wake?.();
        break;
      }
    }
  }

  async #answer(id: number, name: string, request: unknown): Promise<void> {
    const call = this.#begin(id, 0);
    try {
      const value = await this.#method(name)(request, call.canceler.signal);
      this.#send(VALUE, id, value);
    } catch (error) {
      this.#post([FAULT, id, toWireError(error)], []);
    }
    this.#calls.delete(id);
  }

  async #stream(id: number, name: string, request: unknown, credits: number): Promise<void> {
    const call = this.#begin(id, credits);
    try {
      const iterable = this.#method(name)(request, call.canceler.signal) as AsyncIterable<unknown>;
      const iterator = iterable[Symbol.asyncIterator]();
      try {
        await this.#pump(id, call, iterator);
      } finally {
        await iterator.return?.();
      }
      this.#post([END, id], []);
    } catch (error) {
      this.#post([FAULT, id, toWireError(error)], []);
    }
    this.#calls.delete(id);
  }

  async #pump(id: number, call: ServedCall, iterator: AsyncIterator<unknown>): Promise<void> {
    const { signal } = call.canceler;
    while (!signal.aborted) {
      if (call.credits === 0) {
        await new Promise<void>((resolve) => {
          call.wake = resolve;
        });
        call.wake = undefined;
        continue;
      }
      const step = await iterator.next();
      if (step.done === true || signal.aborted) return;
      call.credits--;
      this.#send(VALUE, id, step.value);
    }
  }

  #begin(id: number, credits: number): ServedCall {
    const call: ServedCall = { canceler: new AbortController(), credits, wake: undefined };
    this.#calls.set(id, call);
    return call;
  }

  #method(name: string): Method {
    const method = this.#api[name];
    if (typeof method !== 'function') throw new RpcError('unknown_method', `no such method: ${name}`);
    return method.bind(this.#api) as Method;
  }

  #send(kind: typeof VALUE, id: number, value: unknown): void {
    const transfers: ArrayBuffer[] = [];
    const outgoing = prepareOutgoing(value, transfers);
    this.#post([kind, id, outgoing], this.#copies ? [] : transfers);
  }

  #post(message: CalleeMessage, transfers: ArrayBuffer[]): void {
    this.#port.postMessage(message, transfers);
  }

  #cancel(id: number): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    call.canceler.abort();
    call.wake?.();
  }

  #cancelAll(): void {
    for (const id of this.#calls.keys()) this.#cancel(id);
  }
}
