// Network transports between services. Separate from the index because threads of one process must not load gRPC.
export type { CircuitOptions } from './address-health.ts';
export {
  connectGrpcIngester,
  type GrpcIngester,
  type GrpcIngesterOptions,
} from './grpc/grpc-ingester-client.ts';
export {
  type GrpcIngesterServer,
  type ServeGrpcOptions,
  serveGrpcIngester,
} from './grpc/grpc-ingester-server.ts';
export {
  type AddressStatus,
  connectHttpUpstream,
  type HttpUpstream,
  type HttpUpstreamOptions,
} from './http/http-upstream.ts';
export { type ServeHttpOptions, serveHttpUpstream } from './http/http-upstream-server.ts';
export type { IngesterReplica, PlacedPartitions, ReplicaApi } from './ingester/replica-placement.ts';
export { ReplicatedIngesters, type ReplicatedIngestersOptions } from './ingester/replicated-ingesters.ts';
export { ServiceTls, type ServiceTlsOptions } from './service-tls.ts';
