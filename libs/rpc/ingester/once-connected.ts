import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricMetadata } from '@xscaler/model';
import { RpcError, UnconnectedError } from '../rpc-error.ts';
import type {
  ActiveIdsRead,
  CardinalityRead,
  IngesterApi,
  IngesterExemplars,
  IngesterRead,
  MetadataRead,
  PartitionCardinality,
} from './ingester-api.ts';
import type { IngesterReplica } from './replica-placement.ts';

/** A connection that has just been lost may be thought to stand for a moment. */
const PAUSE_MS = 50;

/**
 * Whichever of the replicas is connected first, if one is in time: it is asked then, and the next one to connect if
 * its connection failed too. Otherwise calls reject as `unavailable`. All of them can say when they are connected.
 */
export class OnceConnected implements IngesterApi {
  readonly #replicas: readonly IngesterReplica[];
  readonly #maxWaitMs: number;

  constructor(replicas: readonly IngesterReplica[], maxWaitMs: number) {
    this.#replicas = replicas;
    this.#maxWaitMs = maxWaitMs;
  }

  async *select(read: IngesterRead, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let isUnderWay = false;
    for await (const api of this.#connected(signal)) {
      try {
        for await (const frame of api.select(read, signal)) {
          isUnderWay = true;
          yield frame;
        }
        return;
      } catch (error) {
        if (isUnderWay || !(error instanceof UnconnectedError)) throw error;
      }
    }
  }

  labelNames(read: IngesterRead, signal: AbortSignal): Promise<string[]> {
    return this.#ask(signal, (api) => api.labelNames(read, signal));
  }

  labelValues(read: IngesterRead & { readonly name: string }, signal: AbortSignal): Promise<string[]> {
    return this.#ask(signal, (api) => api.labelValues(read, signal));
  }

  series(read: IngesterRead, signal: AbortSignal): Promise<string[][]> {
    return this.#ask(signal, (api) => api.series(read, signal));
  }

  exemplars(read: IngesterRead, signal: AbortSignal): Promise<IngesterExemplars[]> {
    return this.#ask(signal, (api) => api.exemplars(read, signal));
  }

  cardinality(read: CardinalityRead, signal: AbortSignal): Promise<PartitionCardinality[]> {
    return this.#ask(signal, (api) => api.cardinality(read, signal));
  }

  metadata(read: MetadataRead, signal: AbortSignal): Promise<MetricMetadata[]> {
    return this.#ask(signal, (api) => api.metadata(read, signal));
  }

  activeIds(read: ActiveIdsRead, signal: AbortSignal): Promise<Uint8Array> {
    return this.#ask(signal, (api) => api.activeIds(read, signal));
  }

  async #ask<T>(signal: AbortSignal, call: (api: IngesterApi) => Promise<T>): Promise<T> {
    for await (const api of this.#connected(signal)) {
      try {
        return await call(api);
      } catch (error) {
        if (!(error instanceof UnconnectedError)) throw error;
      }
    }
    throw new Error('one that is connected, or an error');
  }

  /** One that is connected, and the next one, until timed out: that is an error. */
  async *#connected(signal: AbortSignal): AsyncGenerator<IngesterApi, void, undefined> {
    signal.throwIfAborted();
    const canceler = new AbortController();
    const waitMs = this.#maxWaitMs;
    const timer = setTimeout(() => canceler.abort(new Error('timed out')), waitMs);
    const either = AbortSignal.any([signal, canceler.signal]);
    try {
      for (;;) {
        yield await firstConnected(this.#replicas, either);
        await sleep(PAUSE_MS, undefined, { signal: either });
      }
    } catch (error) {
      signal.throwIfAborted();
      throw new RpcError('unavailable', `not connected within ${waitMs} ms`, { cause: error });
    } finally {
      clearTimeout(timer);
      canceler.abort();
    }
  }
}

function firstConnected(replicas: readonly IngesterReplica[], signal: AbortSignal): Promise<IngesterApi> {
  return Promise.any(
    replicas.map(async ({ api }) => {
      await api.connected?.(signal);
      return api;
    }),
  );
}
