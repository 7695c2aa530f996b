export type {
  BlockCommit,
  BlockMeta,
  BlockPart,
  BlockPartKind,
  BlockStore,
  LedgerRow,
} from './blocks/block-store.ts';
export {
  CommitHistory,
  type CommitPoint,
  NO_COMMIT,
  type PartitionProgress,
  randomCommitId,
} from './blocks/commit-history.ts';
export type { LogReplacement } from './blocks/log-replacement.ts';
export { SqlBlockStore } from './blocks/sql-block-store.ts';
export { COMPACTION_DAY_MS } from './compaction/compaction-plan.ts';
export type {
  CompactionBlock,
  CompactionCounts,
  CompactionInputs,
  CompactionJob,
  CompactionPolicy,
  CompactionStore,
  CompactionSwap,
} from './compaction/compaction-store.ts';
export { SqlCompactionStore } from './compaction/sql-compaction-store.ts';
export {
  type DeletionProgress,
  type DeletionStore,
  hidesOf,
  type LoggedDeletion,
  type PartitionTombstone,
  type SeriesDeletion,
} from './deletion/series-deletion.ts';
export { SqlDeletionStore } from './deletion/sql-deletion-store.ts';
export type { CommittedLog, KnownLog, KnownPartition, LogMark } from './log-identity/log-identity.ts';
export { type LogIdentityStore, SqlLogIdentityStore } from './log-identity/log-identity-store.ts';
export { CATCH_UP_MS, type Outage, type OutageStore, SqlOutageStore } from './outage/outage-store.ts';
export { type ServeDatabaseOptions, serveDatabase } from './port/database-port.ts';
export { connectDatabase } from './port/database-port-client.ts';
export {
  type Database,
  DatabaseError,
  type DatabaseErrorCode,
  type Row,
  type SqlRunner,
  type SqlValue,
} from './sql/database.ts';
export { databaseTimeMs } from './sql/database-time.ts';
export { migrate, type SchemaState, schemaState } from './sql/migrate.ts';
export {
  openSqliteDatabase,
  type SqliteDatabaseOptions,
  type SqliteDatabaseStats,
} from './sqlite/sqlite-database.ts';
