import {
  type ActiveIdsRead,
  type CardinalityRead,
  type IngesterApi,
  type IngesterRead,
  type MetadataRead,
  RpcError,
} from '@xscaler/rpc';
import type { Network } from './network.ts';
import type { IngesterProcess } from './processes.ts';
import type { Actor } from './virtual-time.ts';

/** An ingester as another process has it: each call, and each frame of a stream, crosses the network. */
export class IngesterLink implements IngesterApi {
  readonly #caller: Actor;
  readonly #ingester: IngesterProcess;
  readonly #network: Network;

  constructor(caller: Actor, ingester: IngesterProcess, network: Network) {
    this.#caller = caller;
    this.#ingester = ingester;
    this.#network = network;
  }

  async *select(read: IngesterRead, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { actor } = this.#ingester;
    const frames = await this.#call(async (api) => api.select(read, signal)[Symbol.asyncIterator]());
    for (;;) {
      const frame = await this.#call(() => {
        // A connection ends with its process.
        if (this.#ingester.actor !== actor) throw new RpcError('unavailable', 'the connection was lost');
        return frames.next();
      });
      if (frame.done) return;
      yield frame.value.slice();
    }
  }

  labelNames(read: IngesterRead, signal: AbortSignal) {
    return this.#call((api) => api.labelNames(read, signal));
  }

  labelValues(read: IngesterRead & { readonly name: string }, signal: AbortSignal) {
    return this.#call((api) => api.labelValues(read, signal));
  }

  series(read: IngesterRead, signal: AbortSignal) {
    return this.#call((api) => api.series(read, signal));
  }

  exemplars(read: IngesterRead, signal: AbortSignal) {
    return this.#call((api) => api.exemplars(read, signal));
  }

  cardinality(read: CardinalityRead, signal: AbortSignal) {
    return this.#call((api) => api.cardinality(read, signal));
  }

  metadata(read: MetadataRead, signal: AbortSignal) {
    return this.#call((api) => api.metadata(read, signal));
  }

  activeIds(read: ActiveIdsRead, signal: AbortSignal) {
    return this.#call((api) => api.activeIds(read, signal));
  }

  #call<T>(work: (api: IngesterApi) => Promise<T>): Promise<T> {
    const lost = () => new RpcError('unavailable', `no answer from ${this.#ingester.name}`);
    const there = async () => work(this.#ingester.ingester as IngesterApi);
    return this.#network.call(this.#caller, this.#ingester, there, lost);
  }
}
