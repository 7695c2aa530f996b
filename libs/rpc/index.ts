export type { Upstream, UpstreamRequest, UpstreamResponse } from './http-exchange.ts';
export type { IngesterApi, IngesterExemplars, IngesterRead, WireMatcher } from './ingester-api.ts';
