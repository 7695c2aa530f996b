export { durationSetting, type LimitName, type Limits, limitsSchema, parseDurationMs } from './limits.ts';
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
export { TenantDirectory, type TenantDirectoryOptions } from './tenant-directory.ts';
export { type NewTenant, type NewToken, TenantStore } from './tenant-store.ts';
export { generateToken, hashToken } from './tokens.ts';
