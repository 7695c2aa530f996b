export type { HistogramSample } from './histogram/native-histogram-writer.ts';
export { encodeWriteRequest, type WriteSeries } from './remote-write-v1/request-encoder.ts';
export { WriteRequestReader } from './remote-write-v1/request-reader.ts';
export { encodeWriteRequestV2, type WriteSeriesV2 } from './remote-write-v2/request-encoder.ts';
export { WriteRequestV2Reader } from './remote-write-v2/request-reader.ts';
