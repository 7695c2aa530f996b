import { DEFAULT_TTL_MS } from '../cluster.ts';
import { checkHeartbeat } from '../owner-heartbeat.ts';
import {
  type OwnerHeartbeat,
  type OwnerRegistry,
  type OwnersSnapshot,
  ownersByPartition,
  runKey,
} from '../owner-registry.ts';

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
    this.#heartbeats.set(runKey(heartbeat.instanceId, heartbeat.run.id), {
      heartbeat: { ...heartbeat, partitions },
      atMs: this.#now(),
    });
    return true;
  }

  async leave(instanceId: string, runId: string): Promise<boolean> {
    this.#heartbeats.delete(runKey(instanceId, runId));
    return true;
  }

  async owners(): Promise<OwnersSnapshot> {
    return { byPartition: ownersByPartition(this.#living()), ageMs: 0 };
  }

  async runs(instanceId: string): Promise<readonly OwnerHeartbeat[]> {
    return this.#living().filter((heartbeat) => heartbeat.instanceId === instanceId);
  }

  #living(): OwnerHeartbeat[] {
    const oldestMs = this.#now() - this.#ttlMs;
    for (const [key, { atMs }] of this.#heartbeats) {
      if (atMs <= oldestMs) this.#heartbeats.delete(key);
    }
    return [...this.#heartbeats.values()].map(({ heartbeat }) => heartbeat);
  }
}
