export { SeriesDeletions, type SeriesDeletionsOptions, withDeletions } from './deletions/series-deletions.ts';
export {
  createDistributor,
  type Distributor,
  type DistributorLogger,
  type DistributorOptions,
  type RateDivision,
} from './distributor.ts';
export type { DistributorReport } from './distributor-report.ts';
export { AppendHealth, type AppendHealthOptions } from './log/append-health.ts';
export { GuardedLog, LogGuard, type LogGuardOptions } from './log/log-guard.ts';
export { Outages, type OutagesOptions } from './log/outages.ts';
export { RecordVersions, type RecordVersionsOptions } from './log/record-versions.ts';
