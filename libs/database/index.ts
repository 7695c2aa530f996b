export type {
  BlockCommit,
  BlockMeta,
  BlockPart,
  BlockPartKind,
  BlockStore,
  LedgerRow,
} from './block-store.ts';
export {
  CommitHistory,
  type CommitPoint,
  NO_COMMIT,
  type PartitionProgress,
  randomCommitId,
} from './commit-history.ts';
export { COMPACTION_DAY_MS } from './compaction-plan.ts';
export type {
  CompactionBlock,
  CompactionCounts,
  CompactionInputs,
  CompactionJob,
  CompactionPolicy,
  CompactionStore,
  CompactionSwap,
} from './compaction-store.ts';
export {
  type Database,
  DatabaseError,
  type DatabaseErrorCode,
  type Row,
  type SqlRunner,
  type SqlValue,
} from './database.ts';
export { type ServeDatabaseOptions, serveDatabase } from './database-port.ts';
export { connectDatabase } from './database-port-client.ts';
export { databaseTimeMs } from './database-time.ts';
export type { CommittedLog, KnownLog, KnownPartition, LogMark } from './log-identity.ts';
export { type LogIdentityStore, SqlLogIdentityStore } from './log-identity-store.ts';
export type { LogReplacement } from './log-replacement.ts';
export { migrate, type SchemaState, schemaState } from './migrate.ts';
export { CATCH_UP_MS, type Outage, type OutageStore, SqlOutageStore } from './outage-store.ts';
export {
  type DeletionProgress,
  type DeletionStore,
  hidesOf,
  type LoggedDeletion,
  type PartitionTombstone,
  type SeriesDeletion,
} from './series-deletion.ts';
export { SqlBlockStore } from './sql-block-store.ts';
export { SqlCompactionStore } from './sql-compaction-store.ts';
export { SqlDeletionStore } from './sql-deletion-store.ts';
export {
  openSqliteDatabase,
  type SqliteDatabaseOptions,
  type SqliteDatabaseStats,
} from './sqlite-database.ts';
