export { BlockReaders } from './block-readers.ts';
export type { Logger, QueryLimitsOf, TenantQueryLimits } from './contracts.ts';
export { EndOffsets } from './end-offsets.ts';
export { FanOut } from './fan-out.ts';
export { Querier, type QuerierOptions } from './querier.ts';
export { ReadHorizon } from './read-horizon.ts';
