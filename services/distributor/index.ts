export { AppendHealth, type AppendHealthOptions } from './append-health.ts';
export {
  createDistributor,
  type Distributor,
  type DistributorLogger,
  type DistributorOptions,
  type RateDivision,
} from './distributor.ts';
export type { DistributorReport } from './distributor-report.ts';
export { GuardedLog, LogGuard, type LogGuardOptions } from './log-guard.ts';
export { Outages, type OutagesOptions } from './outages.ts';
export { RecordVersions, type RecordVersionsOptions } from './record-versions.ts';
export { SeriesDeletions, type SeriesDeletionsOptions, withDeletions } from './series-deletions.ts';
