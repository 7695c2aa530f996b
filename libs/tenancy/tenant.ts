import type { LimitName, Limits } from './limits.ts';

/** `suspended`: nothing goes; `soft_locked`: reads go on, writes are refused with the reason; `deleted`: as if it never was. */
export type TenantState = 'active' | 'suspended' | 'soft_locked' | 'deleted';

/** What of its tenant a token opens. `admin` is for the control API and opens neither reads nor writes. */
export type TokenScope = 'write' | 'read' | 'read+write' | 'admin';

export type LimitOverrides = { [name in LimitName]?: Limits[name] | string };

export interface Tenant {
  readonly id: string;
  readonly name: string;
  readonly org: string;
  readonly state: TenantState;
  /** Why it is suspended or locked; empty otherwise. */
  readonly reason: string;
  /** Only the limits that differ from the defaults, as they were written. */
  readonly overrides: LimitOverrides;
  readonly createdMs: number;
  readonly changedMs: number;
}

/** A token as it is stored: never its text. */
export interface TokenRecord {
  readonly id: string;
  readonly tenant: string;
  /** Tenants besides `tenant` that it may read together with it. */
  readonly extraTenants: readonly string[];
  readonly name: string;
  readonly scope: TokenScope;
  readonly status: 'active' | 'revoked';
  readonly createdMs: number;
  readonly lastUsedMs: number | undefined;
  readonly expiresMs: number | undefined;
}

/** Who did a control action, and from where (an address, or `bootstrap`, `cli`). */
export interface Actor {
  readonly who: string;
  readonly from: string;
}

export interface AuditEntry extends Actor {
  readonly atMs: number;
  readonly action: string;
  readonly tenant: string;
  /** What the action was about: a token's id, the new state, the limits. */
  readonly detail: string;
}

export type RefusalCode =
  | 'unauthenticated'
  | 'forbidden_scope'
  | 'tenant_suspended'
  | 'tenant_soft_locked'
  | 'unavailable';

/** A tenant as requests see it. */
export interface TenantView {
  readonly id: string;
  readonly state: TenantState;
  readonly reason: string;
  /** Defaults and overrides merged. The same object until one of them changes. */
  readonly limits: Limits;
}

/** `tenant` is the first of `tenants`; there are several only for reads of `a|b`. */
export type Authentication =
  | {
      readonly ok: true;
      readonly tenant: TenantView;
      readonly tenants: readonly TenantView[];
      readonly tokenId: string;
    }
  | { readonly ok: false; readonly code: RefusalCode; readonly reason: string };

export type TenancyErrorCode = 'invalid' | 'exists' | 'not_found';

export class TenancyError extends Error {
  override readonly name = 'TenancyError';
  readonly code: TenancyErrorCode;

  constructor(code: TenancyErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
