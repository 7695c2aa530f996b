import { ClusterError } from '../cluster-error.ts';
import { checkHeartbeat, decodeHeartbeat, encodeHeartbeat } from '../owner-heartbeat.ts';
import {
  DEFAULT_MAX_AGE_MS,
  type OwnerHeartbeat,
  type OwnerRegistry,
  type OwnersSnapshot,
  ownersByPartition,
  runKey,
} from '../owner-registry.ts';
import type { RedisMembers } from './redis-members.ts';

/** An `OwnerRegistry` in Redis. */
export class RedisOwnerRegistry implements OwnerRegistry {
  readonly #members: RedisMembers;
  readonly #now: () => number;
  #known = new Map<string, OwnerHeartbeat>();
  #byPartition: OwnersSnapshot['byPartition'] = new Map();
  #answeredMs = Number.NEGATIVE_INFINITY;
  #refresh: Promise<void> | undefined;

  constructor(members: RedisMembers, now: () => number) {
    this.#members = members;
    this.#now = now;
  }

  async announce(heartbeat: OwnerHeartbeat): Promise<boolean> {
    checkHeartbeat(heartbeat);
    const key = runKey(heartbeat.instanceId, heartbeat.run.id);
    return isDone(this.#members.announce(key, encodeHeartbeat(heartbeat)));
  }

  async leave(instanceId: string, runId: string): Promise<boolean> {
    const key = runKey(instanceId, runId);
    this.#known.delete(key);
    return isDone(this.#members.leave(key));
  }

  async runs(instanceId: string): Promise<readonly OwnerHeartbeat[]> {
    await this.owners(0);
    return [...this.#known.values()].filter((heartbeat) => heartbeat.instanceId === instanceId);
  }

  async owners(maxAgeMs = DEFAULT_MAX_AGE_MS): Promise<OwnersSnapshot> {
    if (this.#ageMs() > maxAgeMs) {
      // All who ask meanwhile share one look.
      this.#refresh ??= this.#look().finally(() => {
        this.#refresh = undefined;
      });
      await this.#refresh;
    }
    return { byPartition: this.#byPartition, ageMs: this.#ageMs() };
  }

  async #look(): Promise<void> {
    try {
      const { isYoung, texts } = await this.#members.texts();
      const heartbeats = isYoung ? new Map(this.#known) : new Map<string, OwnerHeartbeat>();
      for (const text of texts) {
        const heartbeat = decodeHeartbeat(text);
        if (heartbeat !== undefined)
          heartbeats.set(runKey(heartbeat.instanceId, heartbeat.run.id), heartbeat);
      }
      this.#known = heartbeats;
      this.#byPartition = ownersByPartition(heartbeats.values());
      this.#answeredMs = this.#now();
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error;
    }
  }

  #ageMs(): number {
    return Math.max(0, this.#now() - this.#answeredMs);
  }
}

/** Whether Redis has done it; what is wrong with the call itself goes on. */
export async function isDone(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof ClusterError && error.code === 'unavailable') return false;
    throw error;
  }
}
