import type { SqlValue } from '../sql/database.ts';
import type { BlockMeta, LedgerRow } from './block-store.ts';

/*
 * The rows of `blocks` and `ledger`, whose columns are the fields of `BlockMeta` and `LedgerRow` in snake case.
 */
export const LEDGER_COLUMNS = [
  'tenant',
  'partition',
  'window_start_ms',
  'window_ms',
  'seq',
  'from_offset',
  'to_offset',
  'sample_count',
  'digest',
] as const;

export const BLOCK_COLUMNS = [
  ...LEDGER_COLUMNS,
  'block_id',
  'level',
  'min_time_ms',
  'max_time_ms',
  'series_count',
] as const;

export type LedgerTableRow = {
  tenant: string;
  partition: number;
  window_start_ms: number;
  window_ms: number;
  seq: number;
  from_offset: number;
  to_offset: number;
  sample_count: number;
  digest: string;
};

export type BlockRow = LedgerTableRow & {
  block_id: string;
  level: number;
  min_time_ms: number;
  max_time_ms: number;
  series_count: number;
};

export function ledgerValues(row: LedgerRow): SqlValue[] {
  return [
    row.tenant,
    row.partition,
    row.windowStartMs,
    row.windowMs,
    row.seq,
    row.fromOffset,
    row.toOffset,
    row.sampleCount,
    row.digest,
  ];
}

export function blockValues(meta: BlockMeta): SqlValue[] {
  return [...ledgerValues(meta), meta.blockId, meta.level, meta.minTimeMs, meta.maxTimeMs, meta.seriesCount];
}

export function ledgerRowOf(row: LedgerTableRow): LedgerRow {
  return {
    tenant: row.tenant,
    partition: row.partition,
    windowStartMs: row.window_start_ms,
    windowMs: row.window_ms,
    seq: row.seq,
    fromOffset: row.from_offset,
    toOffset: row.to_offset,
    sampleCount: row.sample_count,
    digest: row.digest,
  };
}

export function blockOf(row: BlockRow): BlockMeta {
  return {
    ...ledgerRowOf(row),
    blockId: row.block_id,
    level: row.level,
    minTimeMs: row.min_time_ms,
    maxTimeMs: row.max_time_ms,
    seriesCount: row.series_count,
  };
}
