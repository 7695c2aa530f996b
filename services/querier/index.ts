export type { Logger, QueryLimitsOf, TenantQueryLimits } from './contracts.ts';
export { Querier, type QuerierOptions } from './querier.ts';
