/** What the querier writes its log with; pino's shape. */
export interface Logger {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Limits of a tenant's queries. */
export interface TenantQueryLimits {
  readonly max_fetched_series_per_query: number;
  readonly max_samples_per_query: number;
}

export type QueryLimitsOf = (tenant: string) => TenantQueryLimits;
