import type { IngesterApi } from './ingester-api.ts';
import { RpcError } from './rpc-error.ts';

/** An ingester that has a partition. */
export interface IngesterReplica {
  /** Zone and instance, for error messages. */
  readonly name: string;
  readonly api: IngesterApi;
}

/** Partitions that are asked of one replica. */
export interface PlacedPartitions {
  readonly replica: IngesterReplica;
  readonly partitions: readonly number[];
}

/** For one read: which replica answers for which partition, and who is next when one fails. */
export class ReplicaPlacement {
  readonly #candidates: ReadonlyMap<number, readonly IngesterReplica[]>;
  /** By partition: candidates asked so far. */
  readonly #asked = new Map<number, number>();
  /** By partition: what they said. */
  readonly #failures = new Map<number, string[]>();

  /** `candidates`: best first. */
  constructor(candidates: ReadonlyMap<number, readonly IngesterReplica[]>) {
    this.#candidates = candidates;
  }

  /**
   * Each partition at its next candidate, partitions of one replica together.
   * @throws RpcError `unavailable`, naming the partition that has no candidate left
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
    const reason = error instanceof Error ? error.message : String(error);
    for (const partition of partitions) {
      const failures = this.#failures.get(partition) ?? [];
      failures.push(`${replica.name}: ${reason}`);
      this.#failures.set(partition, failures);
    }
    try {
      return this.place(partitions);
    } catch (unplaced) {
      if (unplaced instanceof Error) unplaced.cause = error;
      throw unplaced;
    }
  }

  #next(partition: number): IngesterReplica {
    const asked = this.#asked.get(partition) ?? 0;
    this.#asked.set(partition, asked + 1);
    const replica = this.#candidates.get(partition)?.[asked];
    if (replica !== undefined) return replica;
    const failures = this.#failures.get(partition);
    const reason = failures === undefined ? 'it has no live ingester' : failures.join('; ');
    throw new RpcError('unavailable', `partition ${partition} cannot be read: ${reason}`);
  }
}
