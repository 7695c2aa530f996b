import type { Database } from '@xscaler/database';
import type {
  Actor,
  AuditEntry,
  LimitOverrides,
  Tenant,
  TenantState,
  TokenRecord,
  TokenScope,
} from './tenant.ts';

export interface NewTenant {
  /** Generated from the name where it is absent: `xs_<slug>_<8 base32>`. */
  readonly id?: string;
  readonly name: string;
  readonly org?: string;
  readonly overrides?: LimitOverrides;
}

export interface NewToken {
  readonly tenant: string;
  readonly name: string;
  readonly scope: TokenScope;
  readonly extraTenants?: readonly string[];
  readonly expiresMs?: number;
  /** A given text (bootstrap) in place of a generated one. */
  readonly text?: string;
}

/** Tenants and tokens in the database. Every change has its audit row and moves the change counter, in one transaction. */
export declare class TenantStore {
  constructor(db: Database, now?: () => number);
  createTenant(tenant: NewTenant, actor: Actor): Promise<Tenant>;
  tenants(): Promise<Tenant[]>;
  tenant(id: string): Promise<Tenant | undefined>;
  setState(id: string, state: TenantState, reason: string, actor: Actor): Promise<void>;
  setLimits(id: string, overrides: LimitOverrides, actor: Actor): Promise<void>;
  /** The token's text is in the answer and nowhere else. */
  createToken(token: NewToken, actor: Actor): Promise<{ text: string; token: TokenRecord }>;
  tokens(tenant: string): Promise<TokenRecord[]>;
  revokeToken(tokenId: string, actor: Actor): Promise<void>;
  rotateToken(tokenId: string, graceMs: number, actor: Actor): Promise<{ text: string; token: TokenRecord }>;
  auditLog(limit: number): Promise<AuditEntry[]>;
}
