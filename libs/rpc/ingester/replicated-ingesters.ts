import { exemplarKey, Labels, type MetricMetadata, sortedUnion } from '@xscaler/model';
import { AddressHealth, type CircuitOptions } from '../address-health.ts';
import type {
  ActiveIdsRead,
  CardinalityRead,
  IngesterApi,
  IngesterExemplars,
  IngesterRead,
  MetadataRead,
  PartitionCardinality,
} from './ingester-api.ts';
import { type IngesterReplica, type PlacedPartitions, ReplicaPlacement } from './replica-placement.ts';
import { StreamMerge } from './stream-merge.ts';

export interface ReplicatedIngestersOptions {
  /**
   * Every partition there is with the ingesters that have it, best first, as known now; asked once for each read. The same
   * ingester must come as the same `api` object.
   */
  readonly replicas: () => ReadonlyMap<number, readonly IngesterReplica[]>;
  /** Errors that every replica would give: they end the read at once. Default: none. */
  readonly isFinal?: (error: unknown) => boolean;
  /** A replica failed and others are asked in its place; for logs and metrics. */
  readonly onFailover?: (failed: PlacedPartitions, error: unknown, requestId: string | undefined) => void;
  /** How long a partition whose replicas have all failed waits for one that only isn't connected. Default 1,000. */
  readonly connectWaitMs?: number;
  /** When a replica that fails is asked last only. */
  readonly circuit?: CircuitOptions;
}

/** Twice what a connection that was lost waits between two attempts. */
const CONNECT_WAIT_MS = 1_000;

interface PartitionedRead {
  readonly minOffsets: Readonly<Record<number, number>>;
  readonly partitions?: readonly number[];
  readonly requestId?: string;
}

/**
 * Partitions with replicas in several zones, read as one ingester. Each partition is asked of one replica; if that
 * fails, also in the middle of a stream, its partitions are asked anew of their next ones: frames may then come
 * twice, which readers, who merge by (series id, timestamp), don't notice. A read covers `read.partitions`, or every
 * partition that is known or has a minimal offset. An ingester that has just come back may not be connected yet when the
 * other zone goes: if nobody else is left, it is waited for a moment.
 *
 * @throws UnavailableError naming a partition that none of its replicas could answer for: an answer never has holes
 * @throws what a replica threw because of a bug, if none of the others could answer
 */
export class ReplicatedIngesters implements IngesterApi {
  readonly #options: ReplicatedIngestersOptions;
  readonly #health = new WeakMap<IngesterApi, AddressHealth>();

  constructor(options: ReplicatedIngestersOptions) {
    this.#options = options;
  }

  async *select(read: IngesterRead, signal: AbortSignal): AsyncIterable<Uint8Array> {
    signal.throwIfAborted();
    const canceler = new AbortController();
    const either = AbortSignal.any([signal, canceler.signal]);
    const { placement, placed } = this.#place(read);
    const merge = new StreamMerge<PlacedPartitions, Uint8Array>();
    const start = (share: PlacedPartitions) =>
      merge.add(share, share.replica.api.select(shareOf(read, share), either));
    try {
      for (const share of placed) start(share);
      for (let step = await merge.next(); step !== undefined; step = await merge.next()) {
        if (step.kind === 'value') {
          yield step.value;
          merge.proceed(step.source);
        } else if (step.kind === 'end') {
          this.#healthOf(step.source.replica).succeeded();
        } else {
          for (const share of this.#failOver(read, placement, step.source, step.error, signal)) start(share);
        }
      }
    } finally {
      canceler.abort();
      merge.close();
    }
  }

  async labelNames(read: IngesterRead, signal: AbortSignal): Promise<string[]> {
    return sortedUnion(await this.#ask(read, signal, (api, share, either) => api.labelNames(share, either)));
  }

  async labelValues(read: IngesterRead & { readonly name: string }, signal: AbortSignal): Promise<string[]> {
    return sortedUnion(await this.#ask(read, signal, (api, share, either) => api.labelValues(share, either)));
  }

  async series(read: IngesterRead, signal: AbortSignal): Promise<string[][]> {
    const answers = await this.#ask(read, signal, (api, share, either) => api.series(share, either));
    const found = new Map<string, string[]>();
    for (const answer of answers) for (const pairs of answer) found.set(keyOf(pairs), pairs);
    return [...found.values()];
  }

  async exemplars(read: IngesterRead, signal: AbortSignal): Promise<IngesterExemplars[]> {
    const answers = await this.#ask(read, signal, (api, share, either) => api.exemplars(share, either));
    return mergedExemplars(answers);
  }

  async cardinality(read: CardinalityRead, signal: AbortSignal): Promise<PartitionCardinality[]> {
    return (await this.#ask(read, signal, (api, share, either) => api.cardinality(share, either))).flat();
  }

  async metadata(read: MetadataRead, signal: AbortSignal): Promise<MetricMetadata[]> {
    const answers = await this.#ask(read, signal, (api, share, either) => api.metadata(share, either));
    const found = new Map<string, MetricMetadata>();
    for (const answer of answers) for (const entry of answer) found.set(metadataKey(entry), entry);
    return [...found.values()];
  }

  async activeIds(read: ActiveIdsRead, signal: AbortSignal): Promise<Uint8Array> {
    return Buffer.concat(await this.#ask(read, signal, (api, share, either) => api.activeIds(share, either)));
  }

  /** One answer for each share of the partitions, from any replica. */
  async #ask<Read extends PartitionedRead, T>(
    read: Read,
    signal: AbortSignal,
    call: (api: IngesterApi, read: Read, signal: AbortSignal) => Promise<T>,
  ): Promise<T[]> {
    signal.throwIfAborted();
    const canceler = new AbortController();
    const either = AbortSignal.any([signal, canceler.signal]);
    const { placement, placed } = this.#place(read);
    const ask = async (share: PlacedPartitions): Promise<T[]> => {
      let answer: T;
      try {
        answer = await call(share.replica.api, shareOf(read, share), either);
      } catch (error) {
        either.throwIfAborted();
        const next = this.#failOver(read, placement, share, error, signal);
        return (await Promise.all(next.map(ask))).flat();
      }
      this.#healthOf(share.replica).succeeded();
      return [answer];
    };
    try {
      return (await Promise.all(placed.map(ask))).flat();
    } finally {
      canceler.abort();
    }
  }

  #place({ partitions, minOffsets }: PartitionedRead): {
    placement: ReplicaPlacement;
    placed: PlacedPartitions[];
  } {
    const known = this.#options.replicas();
    const wanted = new Set(partitions ?? [...known.keys(), ...Object.keys(minOffsets).map(Number)]);
    const candidates = new Map<number, readonly IngesterReplica[]>();
    for (const partition of wanted) candidates.set(partition, this.#ordered(known.get(partition) ?? []));
    const placement = new ReplicaPlacement(candidates, this.#options.connectWaitMs ?? CONNECT_WAIT_MS);
    return { placement, placed: placement.place(wanted) };
  }

  /** Those that failed lately last. */
  #ordered(replicas: readonly IngesterReplica[]): IngesterReplica[] {
    const isCooling = (replica: IngesterReplica) => this.#healthOf(replica).isCooling;
    return [...replicas.filter((replica) => !isCooling(replica)), ...replicas.filter(isCooling)];
  }

  #failOver(
    { requestId }: PartitionedRead,
    placement: ReplicaPlacement,
    failed: PlacedPartitions,
    error: unknown,
    signal: AbortSignal,
  ): PlacedPartitions[] {
    signal.throwIfAborted();
    if (this.#options.isFinal?.(error) === true) throw error;
    this.#healthOf(failed.replica).failed();
    const next = placement.replace(failed, error);
    this.#options.onFailover?.(failed, error, requestId);
    return next;
  }

  #healthOf({ api }: IngesterReplica): AddressHealth {
    let health = this.#health.get(api);
    if (health === undefined) {
      // A second zone is at hand: one failure is enough to prefer it.
      health = new AddressHealth({ failuresToOpen: 1, ...this.#options.circuit });
      this.#health.set(api, health);
    }
    return health;
  }
}

/** The read as one replica gets it: its partitions, and their offsets only. */
function shareOf<Read extends PartitionedRead>(read: Read, { partitions }: PlacedPartitions): Read {
  const minOffsets: Record<number, number> = {};
  for (const partition of partitions) {
    const offset = read.minOffsets[partition];
    if (offset !== undefined) minOffsets[partition] = offset;
  }
  return { ...read, minOffsets, partitions };
}

function keyOf(pairs: readonly string[]): string {
  return Labels.fromSorted(pairs).key;
}

function metadataKey({ metric, type, help, unit }: MetricMetadata): string {
  return JSON.stringify([metric, type, help, unit]);
}

type OneExemplar = IngesterExemplars['exemplars'][number];

/** By series, each exemplar once. */
function mergedExemplars(answers: readonly (readonly IngesterExemplars[])[]): IngesterExemplars[] {
  const found = new Map<string, { labels: readonly string[]; byKey: Map<string, OneExemplar> }>();
  for (const { labels, exemplars } of answers.flat()) {
    const key = keyOf(labels);
    const series = found.get(key) ?? { labels, byKey: new Map<string, OneExemplar>() };
    found.set(key, series);
    for (const exemplar of exemplars) {
      series.byKey.set(exemplarKey({ ...exemplar, labels: Labels.fromSorted(exemplar.labels) }), exemplar);
    }
  }
  return [...found.values()].map(({ labels, byKey }) => ({ labels, exemplars: [...byKey.values()] }));
}
