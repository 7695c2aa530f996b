export {
  type MetadataQueryable,
  type Queryable,
  type SelectHints,
  type Series,
  StorageError,
} from './queryable.ts';
