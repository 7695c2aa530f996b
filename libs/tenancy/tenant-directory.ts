import type { Database } from '@xscaler/database';
import type { Limits } from './limits.ts';
import type { Authentication, TenantView } from './tenant.ts';

export interface TenantDirectoryOptions {
  readonly db: Database;
  /** What a tenant gets where it has no override. */
  readonly defaults: Limits;
  /** Wall clock, ms. */
  readonly now?: () => number;
  readonly pollIntervalMs?: number;
  /** Runs `poll` once after `delayMs`; returns what cancels it. */
  readonly schedule?: (poll: () => void, delayMs: number) => () => void;
}

/** All tokens (hashes), tenants and limits in memory, a poll behind the database. */
export declare class TenantDirectory {
  constructor(options: TenantDirectoryOptions);
  /** Loads everything and starts polling. Rejects where the first load fails. */
  start(): Promise<void>;
  stop(): void;
  /** Brings the view up to date now. */
  refresh(): Promise<void>;
  authenticate(
    tokenText: string | undefined,
    tenantId: string,
    needs: 'read' | 'write' | 'admin',
  ): Authentication;
  tenant(id: string): TenantView | undefined;
  tenants(): IterableIterator<TenantView>;
}
