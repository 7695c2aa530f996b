export type {
  Queryable,
  Series,
  TimeRange,
} from './queryable.ts';
