import type { MetricMetadata } from '@xscaler/model';
import {
  type ActiveIdsRead,
  type CardinalityRead,
  type IngesterApi,
  type IngesterExemplars,
  type IngesterRead,
  knownFailure,
  type MetadataRead,
  type PartitionCardinality,
} from '@xscaler/rpc';
import type { LogWriter } from '@xscaler/runtime';

type AnyRead = Pick<IngesterRead, 'tenant' | 'requestId'>;

/** An ingester that logs reads that fail because of a bug, with their request id. */
export class LoggedReads implements IngesterApi {
  readonly #ingester: IngesterApi;
  readonly #logger: Pick<LogWriter, 'error'>;

  constructor(ingester: IngesterApi, logger: Pick<LogWriter, 'error'>) {
    this.#ingester = ingester;
    this.#logger = logger;
  }

  async *select(read: IngesterRead, signal: AbortSignal): AsyncIterable<Uint8Array> {
    try {
      yield* this.#ingester.select(read, signal);
    } catch (error) {
      this.#note(read, signal, error);
      throw error;
    }
  }

  labelNames(read: IngesterRead, signal: AbortSignal): Promise<string[]> {
    return this.#noted(read, signal, this.#ingester.labelNames(read, signal));
  }

  labelValues(read: IngesterRead & { readonly name: string }, signal: AbortSignal): Promise<string[]> {
    return this.#noted(read, signal, this.#ingester.labelValues(read, signal));
  }

  series(read: IngesterRead, signal: AbortSignal): Promise<string[][]> {
    return this.#noted(read, signal, this.#ingester.series(read, signal));
  }

  exemplars(read: IngesterRead, signal: AbortSignal): Promise<IngesterExemplars[]> {
    return this.#noted(read, signal, this.#ingester.exemplars(read, signal));
  }

  cardinality(read: CardinalityRead, signal: AbortSignal): Promise<PartitionCardinality[]> {
    return this.#noted(read, signal, this.#ingester.cardinality(read, signal));
  }

  metadata(read: MetadataRead, signal: AbortSignal): Promise<MetricMetadata[]> {
    return this.#noted(read, signal, this.#ingester.metadata(read, signal));
  }

  activeIds(read: ActiveIdsRead, signal: AbortSignal): Promise<Uint8Array> {
    return this.#noted(read, signal, this.#ingester.activeIds(read, signal));
  }

  async #noted<T>(read: AnyRead, signal: AbortSignal, answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      this.#note(read, signal, error);
      throw error;
    }
  }

  #note({ tenant, requestId }: AnyRead, signal: AbortSignal, err: unknown): void {
    if (signal.aborted || knownFailure(err) !== undefined || isPatternCost(err)) return;
    this.#logger.error({ requestId, tenant, err }, 'a read failed because of a bug');
  }
}

/** The read is to blame: its regular expressions cost too much (`PatternCostError`, perhaps of another thread). */
function isPatternCost(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'pattern_cost';
}
