import type { LimitName } from '@xscaler/promql/errors';
import type { Limits } from '@xscaler/tenancy';

/** Limits on a tenant's queries together and on each one. 0 means no limit. */
export type TenantQueryLimits = Readonly<
  Pick<
    Limits,
    | LimitName
    | 'max_query_expression_size_bytes'
    | 'max_concurrent_queries_per_tenant'
    | 'max_outstanding_requests_per_tenant'
  >
>;

export type QueryLimitsOf = (tenant: string) => TenantQueryLimits;
