export { SASL_MECHANISMS, type SaslMechanism } from './kafka/sasl-mechanisms.ts';
export { serveWriteLog } from './port/write-log-port.ts';
export { type ConnectWriteLogOptions, connectWriteLog } from './port/write-log-port-client.ts';
export { fillLostRecords } from './sqlite/sqlite-log-repair.ts';
export {
  openSqliteWriteLog,
  type SqliteWriteLogOptions,
  type SqliteWriteLogStats,
} from './sqlite/sqlite-write-log.ts';
export {
  type LogBatch,
  MAX_RECORD_BYTES,
  type WriteLog,
  WriteLogError,
  type WriteLogErrorCode,
} from './write-log.ts';
