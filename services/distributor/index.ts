export { SeriesDeletions, type SeriesDeletionsOptions, withDeletions } from './deletions/series-deletions.ts';
export {
  createDistributor,
  type Distributor,
  type DistributorOptions,
} from './distributor.ts';
export { AppendHealth, type AppendHealthOptions } from './log/append-health.ts';
export { GuardedLog, LogGuard, type LogGuardOptions } from './log/log-guard.ts';
export { Outages, type OutagesOptions } from './log/outages.ts';
export { RecordVersions, type RecordVersionsOptions } from './log/record-versions.ts';
export type { DistributorLogger } from './writes/logger.ts';
export type { DistributorReport } from './writes/report.ts';
export type { RateDivision } from './writes/whole-refusals.ts';
