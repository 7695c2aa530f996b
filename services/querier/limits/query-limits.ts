/** Limits of a tenant's queries, named as its settings name them. 0 means no limit. */
export interface TenantQueryLimits {
  readonly max_fetched_series_per_query: number;
  readonly max_fetched_chunk_bytes_per_query: number;
  readonly max_samples_per_query: number;
  readonly max_estimated_memory_consumption_per_query: number;
  /** ms */
  readonly max_total_query_length: number;
  readonly max_points_per_series: number;
  readonly max_query_expression_size_bytes: number;
  readonly max_query_response_size_bytes: number;
  readonly max_concurrent_queries_per_tenant: number;
  readonly max_outstanding_requests_per_tenant: number;
}

export type QueryLimitsOf = (tenant: string) => TenantQueryLimits;
