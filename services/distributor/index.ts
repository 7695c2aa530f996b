export { createDistributor, type DistributorLogger, type DistributorOptions } from './distributor.ts';
export { SeriesDeletions, type SeriesDeletionsOptions, withDeletions } from './series-deletions.ts';
