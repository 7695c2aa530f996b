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
