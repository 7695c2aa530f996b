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

/** For tests: an ingester that answers what it is told to, and remembers what it was asked. */
export class ScriptedIngester implements IngesterApi {
  readonly reads: (IngesterRead | MetadataRead | ActiveIdsRead)[] = [];
  readonly signals: AbortSignal[] = [];
  /** Frames made so far by all selects. */
  framesMade = 0;
  /** Selects that have been left, in whatever way. */
  selectsLeft = 0;
  frames: readonly Uint8Array[] = [];
  strings: string[] = [];
  labelSets: string[][] = [];
  exemplarSeries: IngesterExemplars[] = [];
  cardinalities: PartitionCardinality[] = [];
  metrics: MetricMetadata[] = [];
  ids: Uint8Array = new Uint8Array(0);
  /** Thrown by every method; by select after its frames. */
  error: unknown;
  /** Methods don't answer until they are cancelled; select not after its frames. */
  hangs = false;

  async *select(read: IngesterRead, signal: AbortSignal): AsyncIterable<Uint8Array> {
    this.reads.push(read);
    this.signals.push(signal);
    try {
      for (const frame of this.frames) {
        this.framesMade++;
        yield frame.slice();
      }
      await this.#outcome(signal);
    } finally {
      this.selectsLeft++;
    }
  }

  labelNames(read: IngesterRead, signal: AbortSignal): Promise<string[]> {
    return this.#answer(read, signal, this.strings);
  }

  labelValues(read: IngesterRead & { readonly name: string }, signal: AbortSignal): Promise<string[]> {
    return this.#answer(read, signal, this.strings);
  }

  series(read: IngesterRead, signal: AbortSignal): Promise<string[][]> {
    return this.#answer(read, signal, this.labelSets);
  }

  exemplars(read: IngesterRead, signal: AbortSignal): Promise<IngesterExemplars[]> {
    return this.#answer(read, signal, this.exemplarSeries);
  }

  cardinality(read: CardinalityRead, signal: AbortSignal): Promise<PartitionCardinality[]> {
    return this.#answer(read, signal, this.cardinalities);
  }

  activeIds(read: ActiveIdsRead, signal: AbortSignal): Promise<Uint8Array> {
    return this.#answer(read, signal, this.ids.slice());
  }

  metadata(read: MetadataRead, signal: AbortSignal): Promise<MetricMetadata[]> {
    return this.#answer(read, signal, this.metrics);
  }

  async #answer<T>(
    read: IngesterRead | MetadataRead | ActiveIdsRead,
    signal: AbortSignal,
    answer: T,
  ): Promise<T> {
    this.reads.push(read);
    this.signals.push(signal);
    await this.#outcome(signal);
    return answer;
  }

  async #outcome(signal: AbortSignal): Promise<void> {
    if (this.error !== undefined) throw this.error;
    if (!this.hangs) return;
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      if (signal.aborted) reject(signal.reason);
    });
  }
}

export const never = new AbortController().signal;

export const READ: IngesterRead = {
  tenant: 'acme',
  matcherSets: [[{ type: '=', name: '__name__', value: 'up' }]],
  startMs: 0,
  endMs: 1000,
  minOffsets: {},
};

export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

/** Looks until it is so; the test's own time limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}
