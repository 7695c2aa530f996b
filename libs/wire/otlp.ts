export { CACHED_MAX_BYTES, LabelCache, type LabelKey } from './otlp/label-cache.ts';
export { OtlpMetricsReader, type OtlpReadOptions } from './otlp/metrics-reader.ts';
export type {
  OtlpSettings,
  TranslationStrategy,
} from './otlp/otlp-settings.ts';
export { encodeExportRequest, JsonTranscoder } from './otlp/request-json.ts';
export {
  exportResponse,
  exportResponseJson,
  type PartialSuccess,
  type RpcStatus,
  readRpcStatus,
  rpcStatus,
  rpcStatusJson,
} from './otlp/response.ts';
