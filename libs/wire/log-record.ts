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
} from './log-record/format.ts';
export { LogRecordReader } from './log-record/reader.ts';
export { encodeCut, encodeDeletion, LogRecordWriter } from './log-record/writer.ts';
