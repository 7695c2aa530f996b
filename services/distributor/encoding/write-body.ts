import type { Limits, Shard } from '@xscaler/tenancy';
import type { TenantSeries } from '../series/tenant-series.ts';
import type { WriteFormat } from './write-sources.ts';

/** A request to be encoded. */
export interface WriteBody {
  readonly tenantId: string;
  readonly tenant: TenantSeries;
  readonly limits: Limits;
  /** The tenant's partitions now. */
  readonly shard: Shard;
  readonly format: WriteFormat;
  /** Expanded. */
  readonly body: Uint8Array;
  readonly nowMs: number;
  /** How much later than the tenant's window its samples may be. */
  readonly wideningMs: number;
  /** The highest record version that all readers of the log understand. */
  readonly recordVersion: number;
  /** Whether questions may be asked; otherwise undecided series are accepted. */
  readonly mayAsk: boolean;
}
