/** Whether an ingester may be asked for a partition: `live` has caught up with the log, `stopped` waits for an operator. */
export type PartitionState = 'replaying' | 'live' | 'stopped';

export interface PartitionProgress {
  readonly state: PartitionState;
  /** The offset of the log up to which (exclusive) the heads hold everything. */
  readonly appliedOffset: number;
}

/** One process, from its start to its end. */
export interface IngesterRun {
  /** Random: two processes never have the same, whatever place they were given. */
  readonly id: string;
  /** When it started, by its own wall clock. */
  readonly startedMs: number;
  /** How many heartbeats it has sent: one that grows says that the process lives. */
  readonly beat: number;
}

/** What an ingester says of itself with each heartbeat. */
export interface OwnerHeartbeat {
  /** Unique to the ingester's place in the cluster, the same after a restart. */
  readonly instanceId: string;
  readonly run: IngesterRun;
  readonly zone: string;
  readonly ordinal: number;
  /** `host:port` of its gRPC server. */
  readonly address: string;
  /** The highest version of the log's records that it reads. */
  readonly recordVersion: number;
  readonly partitions: ReadonlyMap<number, PartitionProgress>;
}

/** An ingester that holds a partition, as of its last heartbeat. */
export interface PartitionOwner extends PartitionProgress {
  readonly instanceId: string;
  readonly zone: string;
  readonly ordinal: number;
  readonly address: string;
  readonly recordVersion: number;
}

export interface OwnersSnapshot {
  /** Owners by partition, in the order of zone and instance id. A partition nobody holds is absent. */
  readonly byPartition: ReadonlyMap<number, readonly PartitionOwner[]>;
  /** How long ago the registry answered so, ms: more than a second or so while it is unreachable. Infinite before its first answer. */
  readonly ageMs: number;
}

/** Partitions of one ingester at most. */
export const MAX_PARTITIONS = 1024;

/** Who holds which partition, by the ingesters' heartbeats: one that is silent for the registry's time to live is left out. */
export interface OwnerRegistry {
  /**
   * Announces an ingester; the next announcement of the same run takes its place. False if the registry is unreachable.
   * Rejects with `ClusterError` `invalid` if it is over a bound.
   */
  announce(heartbeat: OwnerHeartbeat): Promise<boolean>;
  /** Takes a run of an ingester out, at its orderly stop. False if the registry is unreachable. */
  leave(instanceId: string, runId: string): Promise<boolean>;
  /**
   * The last heartbeats of all processes that have one place, asked for now; the last known ones if the registry is unreachable. One
   * that was killed is among them for a time to live. Never rejects.
   */
  runs(instanceId: string): Promise<readonly OwnerHeartbeat[]>;
  /**
   * The owners as the registry has them, at most `maxAgeMs` (1 s) ago; the last known answer if it is unreachable. Never rejects.
   * A registry that was emptied is trusted to know everybody once it is a time to live old: until then owners known from
   * before stay.
   */
  owners(maxAgeMs?: number): Promise<OwnersSnapshot>;
}

export const DEFAULT_MAX_AGE_MS = 1_000;

/** What a heartbeat is kept by. */
export function runKey(instanceId: string, runId: string): string {
  return `${instanceId}/${runId}`;
}

/**
 * The owners of `heartbeats`, by partition. Of runs at one address only the youngest exists: the others have ended. Two processes
 * that were given the same place by mistake have two addresses, hold the same data, and are two owners.
 */
export function ownersByPartition(heartbeats: Iterable<OwnerHeartbeat>): Map<number, PartitionOwner[]> {
  const byPartition = new Map<number, PartitionOwner[]>();
  const youngest = new Map<string, OwnerHeartbeat>();
  for (const heartbeat of heartbeats) {
    const key = `${heartbeat.instanceId} ${heartbeat.address}`;
    const other = youngest.get(key);
    if (other === undefined || other.run.startedMs <= heartbeat.run.startedMs) youngest.set(key, heartbeat);
  }
  const inOrder = [...youngest.values()].sort(
    (a, b) =>
      compare(a.zone, b.zone) || compare(a.instanceId, b.instanceId) || a.run.startedMs - b.run.startedMs,
  );
  for (const { partitions, run: _, ...owner } of inOrder) {
    for (const [partition, progress] of partitions) {
      const owners = byPartition.get(partition) ?? [];
      owners.push({ ...owner, ...progress });
      byPartition.set(partition, owners);
    }
  }
  return byPartition;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
