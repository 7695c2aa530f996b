import { ClusterError } from './cluster-error.ts';
import {
  type IngesterRun,
  MAX_PARTITIONS,
  type OwnerHeartbeat,
  type PartitionProgress,
  type PartitionState,
} from './owner-registry.ts';

const MAX_TEXT = 256;
const STATES: readonly PartitionState[] = ['replaying', 'live', 'stopped'];

/** @throws ClusterError `invalid` if a heartbeat is over a bound */
export function checkHeartbeat({ instanceId, run, zone, address, partitions }: OwnerHeartbeat): void {
  if (instanceId === '') throw new ClusterError('invalid', 'an ingester needs an instance id');
  for (const text of [instanceId, run.id, zone, address]) {
    if (text.length > MAX_TEXT) throw new ClusterError('invalid', `${text} is over ${MAX_TEXT} characters`);
  }
  if (partitions.size > MAX_PARTITIONS) {
    throw new ClusterError('invalid', `${partitions.size} partitions are over ${MAX_PARTITIONS}`);
  }
}

/*
 * A heartbeat in Redis: JSON
 *
 *     { "instanceId", "run": { "id", "startedMs", "beat" }, "zone", "ordinal", "address", "recordVersion",
 *       "partitions": [[partition, state, appliedOffset], …] }
 *
 * Absent, `recordVersion` is 1: before, there was no other; and `run` is an unknown one. The version of the format is in the key, see `redis-cluster.ts`.
 */
export function encodeHeartbeat({ partitions, ...rest }: OwnerHeartbeat): string {
  const rows = [...partitions].map(([partition, { state, appliedOffset }]) => [
    partition,
    state,
    appliedOffset,
  ]);
  return JSON.stringify({ ...rest, partitions: rows });
}

/** Undefined if `text` is not a heartbeat: somebody else's writing is left out, not stumbled over. */
export function decodeHeartbeat(text: string): OwnerHeartbeat | undefined {
  try {
    const {
      instanceId,
      run = UNKNOWN_RUN,
      zone,
      ordinal,
      address,
      recordVersion = 1,
      partitions,
    } = JSON.parse(text) as Record<string, unknown>;
    if (typeof instanceId !== 'string' || typeof zone !== 'string' || typeof address !== 'string')
      return undefined;
    if (typeof ordinal !== 'number' || typeof recordVersion !== 'number' || !Array.isArray(partitions))
      return undefined;
    if (!isRun(run)) return undefined;
    const rows = new Map<number, PartitionProgress>();
    for (const [partition, state, appliedOffset] of partitions) {
      if (!Number.isSafeInteger(partition) || !Number.isSafeInteger(appliedOffset)) return undefined;
      if (!STATES.includes(state)) return undefined;
      rows.set(partition, { state, appliedOffset });
    }
    return { instanceId, run, zone, ordinal, address, recordVersion, partitions: rows };
  } catch {
    return undefined;
  }
}

/** Of an ingester of an earlier release. */
const UNKNOWN_RUN: IngesterRun = { id: '', startedMs: 0, beat: 0 };

function isRun(value: unknown): value is IngesterRun {
  const { id, startedMs, beat } = value as Record<string, unknown>;
  return typeof id === 'string' && Number.isFinite(startedMs) && Number.isSafeInteger(beat);
}
