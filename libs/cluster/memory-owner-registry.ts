import { DEFAULT_TTL_MS } from './cluster.ts';
import { checkHeartbeat } from './owner-heartbeat.ts';
import {
  type OwnerHeartbeat,
  type OwnerRegistry,
  type OwnersSnapshot,
  ownersByPartition,
} from './owner-registry.ts';

/** An `OwnerRegistry` for one process. */
export class MemoryOwnerRegistry implements OwnerRegistry {
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #heartbeats = new Map<string, { readonly heartbeat: OwnerHeartbeat; readonly atMs: number }>();

  /** `now` is a clock in ms. */
  constructor(ttlMs = DEFAULT_TTL_MS, now: () => number = Date.now) {
    this.#ttlMs = ttlMs;
    this.#now = now;
  }

  async announce(heartbeat: OwnerHeartbeat): Promise<boolean> {
    checkHeartbeat(heartbeat);
    const partitions = new Map(heartbeat.partitions);
    this.#heartbeats.set(heartbeat.instanceId, {
      heartbeat: { ...heartbeat, partitions },
      atMs: this.#now(),
    });
    return true;
  }

  async leave(instanceId: string): Promise<boolean> {
    this.#heartbeats.delete(instanceId);
    return true;
  }

  async owners(): Promise<OwnersSnapshot> {
    const oldestMs = this.#now() - this.#ttlMs;
    for (const [instanceId, { atMs }] of this.#heartbeats) {
      if (atMs <= oldestMs) this.#heartbeats.delete(instanceId);
    }
    const heartbeats = [...this.#heartbeats.values()].map(({ heartbeat }) => heartbeat);
    return { byPartition: ownersByPartition(heartbeats), ageMs: 0 };
  }
}
