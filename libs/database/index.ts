export type {
  BlockCommit,
  BlockMeta,
  BlockPart,
  BlockPartKind,
  BlockStore,
  LedgerRow,
} from './block-store.ts';
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
export { migrate } from './migrate.ts';
export { SqlBlockStore } from './sql-block-store.ts';
export {
  openSqliteDatabase,
  type SqliteDatabaseOptions,
  type SqliteDatabaseStats,
} from './sqlite-database.ts';
