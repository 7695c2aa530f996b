import { knownFailure, UnavailableError } from '../known-failure.ts';
import { UnconnectedError } from '../rpc-error.ts';
import type { IngesterApi } from './ingester-api.ts';
import { OnceConnected } from './once-connected.ts';

/** An ingester that has a partition. */
export interface IngesterReplica {
  /** Zone and instance, for error messages. */
  readonly name: string;
  readonly api: ReplicaApi;
}

/** An ingester that may not be connected at the moment. */
export interface ReplicaApi extends IngesterApi {
  /** Resolves once it is, rejects with the signal's reason; absent if there is no connection to wait for. */
  connected?(signal: AbortSignal): Promise<void>;
}

/** Partitions that are asked of one replica. */
export interface PlacedPartitions {
  readonly replica: IngesterReplica;
  readonly partitions: readonly number[];
}

/**
 * For one read: which replica answers for which partition, and who is next when one fails. When all have, and some of them
 * only because they weren't connected, the first of those that is connected in time is asked once more.
 */
export class ReplicaPlacement {
  readonly #candidates: ReadonlyMap<number, readonly IngesterReplica[]>;
  /** By partition: candidates asked so far. */
  readonly #asked = new Map<number, number>();
  /** By partition: what they said. */
  readonly #failures = new Map<number, unknown[]>();
  /** By partition: candidates whose connection failed. */
  readonly #unconnected = new Map<number, IngesterReplica[]>();
  /** By the names of those that are waited for. */
  readonly #onceConnected = new Map<string, IngesterReplica>();
  readonly #connectWaitMs: number;

  /** `candidates`: best first. */
  constructor(candidates: ReadonlyMap<number, readonly IngesterReplica[]>, connectWaitMs: number) {
    this.#candidates = candidates;
    this.#connectWaitMs = connectWaitMs;
  }

  /**
   * Each partition at its next candidate, partitions of one replica together.
   * @throws UnavailableError naming the partition that has no candidate left, and why
   * @throws the error itself if one of them has failed because of a bug
   */
  place(partitions: Iterable<number>): PlacedPartitions[] {
    const byReplica = new Map<IngesterApi, { replica: IngesterReplica; partitions: number[] }>();
    for (const partition of partitions) {
      const replica = this.#next(partition);
      const placed = byReplica.get(replica.api);
      if (placed === undefined) byReplica.set(replica.api, { replica, partitions: [partition] });
      else placed.partitions.push(partition);
    }
    return [...byReplica.values()];
  }

  /** The partitions of a replica that failed, at their next candidates. */
  replace({ replica, partitions }: PlacedPartitions, error: unknown): PlacedPartitions[] {
    for (const partition of partitions) {
      const failures = this.#failures.get(partition) ?? [];
      failures.push(error);
      this.#failures.set(partition, failures);
      if (error instanceof UnconnectedError && replica.api.connected !== undefined) {
        this.#unconnected.set(partition, [...(this.#unconnected.get(partition) ?? []), replica]);
      }
    }
    try {
      return this.place(partitions);
    } catch (unplaced) {
      if (unplaced instanceof UnavailableError) unplaced.cause ??= error;
      throw unplaced;
    }
  }

  #next(partition: number): IngesterReplica {
    const asked = this.#asked.get(partition) ?? 0;
    this.#asked.set(partition, asked + 1);
    const candidates = this.#candidates.get(partition) ?? [];
    if (asked < candidates.length) return candidates[asked];
    const unconnected = this.#unconnected.get(partition);
    if (asked === candidates.length && unconnected !== undefined) return this.#whenConnected(unconnected);
    const failures = this.#failures.get(partition) ?? [];
    const bug = failures.find((error) => knownFailure(error) === undefined);
    if (bug !== undefined) throw bug;
    // For clients: what exactly each of them said is told to `onFailover`.
    const said = new Set(failures.map(knownFailure));
    const reason = [...said].join('; ') || 'it has no live ingester';
    throw new UnavailableError(`partition ${partition} cannot be read: ${reason}`);
  }

  /** The same for all partitions of the same replicas, so that they are asked for together. */
  #whenConnected(replicas: readonly IngesterReplica[]): IngesterReplica {
    const name = replicas.map(({ name }) => name).join(' or ');
    const known = this.#onceConnected.get(name);
    if (known !== undefined) return known;
    const replica = { name, api: new OnceConnected(replicas, this.#connectWaitMs) };
    this.#onceConnected.set(name, replica);
    return replica;
  }
}
