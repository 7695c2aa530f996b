export { type LabelFault, LabelSetParser, writeLabelSet } from './label-set.ts';
export type { Deletion, WrittenMatcher } from './log-record/deletion.ts';
export {
  type Cut,
  HIGHEST_RECORD_VERSION,
  LOWEST_RECORD_VERSION,
  MAX_TIMESTAMP_MS,
  RECORD_SPLIT_BYTES,
  type RecordExemplar,
  type RecordHistogram,
  type RecordKind,
  UnknownRecordError,
} from './log-record/format.ts';
export { LogRecordReader } from './log-record/reader.ts';
export { encodeCut, encodeDeletion, LogRecordWriter } from './log-record/writer.ts';
export type { HistogramSample } from './native-histogram-writer.ts';
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
export { ChunkedResponseWriter } from './remote-read/chunked-response.ts';
export {
  decodeReadRequest,
  type ReadMatcher,
  type ReadQuery,
  type RemoteReadRequest,
  SAMPLES,
  STREAMED_XOR_CHUNKS,
} from './remote-read/read-request.ts';
export { SamplesResponseWriter } from './remote-read/samples-response.ts';
export { encodeWriteRequest, type WriteSeries } from './remote-write-v1/request-encoder.ts';
export { WriteRequestReader } from './remote-write-v1/request-reader.ts';
export { encodeWriteRequestV2, type WriteSeriesV2 } from './remote-write-v2/request-encoder.ts';
export { WriteRequestV2Reader } from './remote-write-v2/request-reader.ts';
export {
  AT_END,
  AT_METADATA,
  AT_REFUSAL,
  AT_SERIES,
  type SeriesSource,
  type SourceFault,
  type SourceHistogram,
  type SourceRefusal,
} from './series-source.ts';
export { expandSnappy, packSnappy, TooLargeError } from './snappy-block.ts';
export { SnappyExpander } from './snappy-expander.ts';
