export { Compactor, type CompactorOptions, type CompactorReport } from './compactor.ts';
export type { CompactorTenant } from './compactor-tenant.ts';
export type { HousekeepingSettings } from './housekeeping.ts';
export type { MergeBounds } from './merge-groups.ts';
