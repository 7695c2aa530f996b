export {
  type LogBatch,
  MAX_RECORD_BYTES,
  type WriteLog,
  WriteLogError,
  type WriteLogErrorCode,
} from './write-log.ts';
