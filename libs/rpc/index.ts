export {
  type AnswerRoom,
  CLIENT_ADDRESS_HEADER,
  TOKEN_ID_HEADER,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
} from './http/http-exchange.ts';
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
} from './ingester/ingester-api.ts';
export { internalErrorText, knownFailure, UnavailableError } from './known-failure.ts';
export {
  type ConnectOptions,
  connect,
  type RpcApi,
  type StreamMethod,
  type StreamOptions,
  serve,
} from './port/port-rpc.ts';
export { REQUEST_ID_HEADER, requestIdOf } from './request-id.ts';
export {
  fromWireError,
  RpcError,
  type RpcErrorCode,
  toWireError,
  type WireError,
} from './rpc-error.ts';
