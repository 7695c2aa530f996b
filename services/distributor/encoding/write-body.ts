import type { Limits, Shard } from '@xscaler/tenancy';
import type { TenantSeries } from '../series/tenant-series.ts';
import type { WriteFormat } from './write-sources.ts';

/** A request to be encoded. */
export interface WriteBody {
  readonly tenantId: string;
  readonly tenant: TenantSeries;
  readonly limits: Limits;
  /** Where the tenant's samples go now. */
  readonly shard: Shard;
  readonly format: WriteFormat;
  /** Expanded. */
  readonly body: Uint8Array;
  readonly nowMs: number;
  /** How much later than the tenant's window its samples may be. */
  readonly wideningMs: number;
  /** The highest version of records that all who read the log understand. */
  readonly recordVersion: number;
  /** Whether there may be questions; else what can't be told is accepted. */
  readonly mayAsk: boolean;
}
