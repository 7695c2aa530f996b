export { SASL_MECHANISMS, type SaslMechanism } from './sasl-mechanisms.ts';
export { fillLostRecords } from './sqlite-log-repair.ts';
export {
  openSqliteWriteLog,
  type SqliteWriteLogOptions,
  type SqliteWriteLogStats,
} from './sqlite-write-log.ts';
export {
  type LogBatch,
  MAX_RECORD_BYTES,
  type WriteLog,
  WriteLogError,
  type WriteLogErrorCode,
} from './write-log.ts';
export { serveWriteLog } from './write-log-port.ts';
export { type ConnectWriteLogOptions, connectWriteLog } from './write-log-port-client.ts';
