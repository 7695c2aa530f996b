export type { QueryLimitsOf, TenantQueryLimits } from './limits/query-limits.ts';
export { Querier, type QuerierOptions } from './querier.ts';
export { BlockReaders } from './sources/block-readers.ts';
export { EndOffsets } from './sources/end-offsets.ts';
export { FanOut } from './sources/fan-out.ts';
export { ReadHorizon } from './sources/read-horizon.ts';
