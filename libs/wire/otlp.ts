export { CACHED_MAX_BYTES, LabelCache, type LabelKey } from './otlp/label-cache.ts';
export { OtlpMetricsReader, type OtlpReadOptions } from './otlp/metrics-reader.ts';
export {
  DEFAULT_OTLP_SETTINGS,
  type OtlpSettings,
  TRANSLATION_STRATEGIES,
  type TranslationStrategy,
} from './otlp/otlp-settings.ts';
export { encodeExportRequest, JsonTranscoder, protobufFromJson } from './otlp/request-json.ts';
export {
  exportResponse,
  exportResponseJson,
  type PartialSuccess,
  type RpcStatus,
  readRpcStatus,
  rpcStatus,
  rpcStatusJson,
} from './otlp/response.ts';
