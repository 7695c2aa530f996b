export {
  type AnswerRoom,
  CLIENT_ADDRESS_HEADER,
  TOKEN_ID_HEADER,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
} from './http-exchange.ts';
export type {
  ActiveIdsRead,
  CardinalityRead,
  IngesterApi,
  IngesterExemplars,
  IngesterRead,
  LabelCardinality,
  MetadataRead,
  PartitionCardinality,
  WireMatcher,
} from './ingester-api.ts';
export {
  type ConnectOptions,
  connect,
  type RpcApi,
  type StreamMethod,
  type StreamOptions,
  serve,
} from './port-rpc.ts';
export { RemoteError, RpcError, type RpcErrorCode } from './rpc-error.ts';
