// What services of a cluster talk through. Apart from the index: threads of one process must not load gRPC.
export type { CircuitOptions } from './address-health.ts';
export {
  type AddressStatus,
  connectHttpUpstream,
  type HttpUpstream,
  type HttpUpstreamOptions,
} from './http-upstream.ts';
export { type ServeHttpOptions, serveHttpUpstream } from './http-upstream-server.ts';
