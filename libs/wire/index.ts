export { type LabelFault, LabelSetParser, writeLabelSet } from './label-set.ts';
export {
  type Cut,
  MAX_TIMESTAMP_MS,
  RECORD_SPLIT_BYTES,
  type RecordExemplar,
  type RecordKind,
  UnknownRecordError,
} from './log-record/format.ts';
export { LogRecordReader } from './log-record/reader.ts';
export { encodeCut, LogRecordWriter } from './log-record/writer.ts';
export { expandSnappy, packSnappy, TooLargeError } from './snappy-block.ts';
