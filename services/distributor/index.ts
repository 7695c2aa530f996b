export { createDistributor, type DistributorLogger, type DistributorOptions } from './distributor.ts';
