export type { ByteCache, ByteCacheStats } from './byte-cache.ts';
export { ClockWatch, type ClockWatchOptions } from './clock/clock-watch.ts';
export {
  type ClockWitness,
  MACHINE_CLOCK,
  type OwnClock,
  type ReferenceTime,
  readWitness,
} from './clock/reference-time.ts';
export { TrustedClock } from './clock/trusted-clock.ts';
export type { Cluster } from './cluster.ts';
export { ClusterError, type ClusterErrorCode } from './cluster-error.ts';
export { Heartbeat, type Schedule } from './heartbeat.ts';
export type { LeaseOutcome, Leases } from './leases.ts';
export { type MemoryClusterOptions, openMemoryCluster } from './memory/memory-cluster.ts';
export type {
  IngesterRun,
  OwnerHeartbeat,
  OwnerRegistry,
  OwnersSnapshot,
  PartitionOwner,
  PartitionProgress,
  PartitionState,
} from './owner-registry.ts';
export type { RateKind, RateShares } from './rate-shares.ts';
export type { CountReporter, SeriesCounts, SeriesTotal } from './series-counts.ts';
