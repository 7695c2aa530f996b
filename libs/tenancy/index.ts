export type { LimitName, Limits } from './limits.ts';
export { overriddenLimits } from './overridden-limits.ts';
export { PlacementDirectory, type PlacementDirectoryOptions } from './placement-directory.ts';
export type { PartitionCountRow, ShardSizeRow } from './placement-rows.ts';
export { PlacementStore } from './placement-store.ts';
export type { RelabelAction, RelabelConfig } from './relabel-config.ts';
export { FNV_OFFSET, hashText, partitionOf, type Shard, shardOf, shardSizeFor } from './shard.ts';
export {
  type Actor,
  type AuditEntry,
  type Authentication,
  type LimitOverrides,
  type RefusalCode,
  TenancyError,
  type TenancyErrorCode,
  type Tenant,
  type TenantState,
  type TenantView,
  type TokenRecord,
  type TokenScope,
} from './tenant.ts';
export { type Access, TenantDirectory, type TenantDirectoryOptions } from './tenant-directory.ts';
export type { ValidLimits } from './tenant-limits.ts';
export { type NewTenant, type NewToken, TenantStore, type Trace } from './tenant-store.ts';
export { parseBearer } from './tokens.ts';
