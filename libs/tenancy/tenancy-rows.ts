import type { SqlRunner } from '@xscaler/database';
import type { Actor, LimitOverrides, Tenant, TenantState, TokenRecord, TokenScope } from './tenant.ts';

/** What separates the ids in `tokens.extra_tenants`: no tenant id holds it. */
const SEPARATOR = '|';

const TENANT_COLUMNS = 'id, name, org, state, reason, limits, created_ms, changed_ms';
const TOKEN_COLUMNS =
  'id, tenant, extra_tenants, name, hash, scope, status, created_ms, last_used_ms, expires_ms';

type TenantRow = {
  id: string;
  name: string;
  org: string;
  state: string;
  reason: string;
  limits: string;
  created_ms: number;
  changed_ms: number;
};

type TokenRow = {
  id: string;
  tenant: string;
  extra_tenants: string;
  name: string;
  hash: string;
  scope: string;
  status: string;
  created_ms: number;
  last_used_ms: number | null;
  expires_ms: number | null;
};

/** A token and its hash, which leaves this package for nowhere. */
export interface HashedToken {
  readonly hash: string;
  readonly token: TokenRecord;
}

/** The tenants that `where` (a clause over the columns of `tenants`) selects. */
export async function selectTenants(
  db: SqlRunner,
  where: string,
  params: readonly (string | number)[],
): Promise<Tenant[]> {
  const rows = await db.query<TenantRow>(`SELECT ${TENANT_COLUMNS} FROM tenants ${where}`, params);
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    org: row.org,
    state: row.state as TenantState,
    reason: row.reason,
    overrides: JSON.parse(row.limits) as LimitOverrides,
    createdMs: row.created_ms,
    changedMs: row.changed_ms,
  }));
}

/** The tokens that `where` (a clause over the columns of `tokens`) selects. */
export async function selectTokens(
  db: SqlRunner,
  where: string,
  params: readonly (string | number)[],
): Promise<HashedToken[]> {
  const rows = await db.query<TokenRow>(`SELECT ${TOKEN_COLUMNS} FROM tokens ${where}`, params);
  return rows.map((row) => ({
    hash: row.hash,
    token: {
      id: row.id,
      tenant: row.tenant,
      extraTenants: row.extra_tenants === '' ? [] : row.extra_tenants.split(SEPARATOR),
      name: row.name,
      scope: row.scope as TokenScope,
      status: row.status as TokenRecord['status'],
      createdMs: row.created_ms,
      lastUsedMs: row.last_used_ms ?? undefined,
      expiresMs: row.expires_ms ?? undefined,
    },
  }));
}

export async function insertToken(
  tx: SqlRunner,
  { hash, token }: HashedToken,
  change: number,
): Promise<void> {
  await tx.query(
    `INSERT INTO tokens (${TOKEN_COLUMNS}, change) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      token.id,
      token.tenant,
      token.extraTenants.join(SEPARATOR),
      token.name,
      hash,
      token.scope,
      token.status,
      token.createdMs,
      token.lastUsedMs ?? null,
      token.expiresMs ?? null,
      change,
    ],
  );
}

/** The number of the last change to tenants and tokens: what pollers ask for. */
export async function selectChange(db: SqlRunner): Promise<number> {
  const [row] = await db.query<{ change: number }>("SELECT change FROM changes WHERE name = 'tenants'");
  return row.change;
}

/** Takes the next change number; until the transaction ends nobody else gets one. */
export async function takeChange(tx: SqlRunner): Promise<number> {
  const [row] = await tx.query<{ change: number }>(
    "UPDATE changes SET change = change + 1 WHERE name = 'tenants' RETURNING change",
  );
  return row.change;
}

/** What is noted of a control action. */
export interface AuditRecord {
  readonly change: number;
  readonly atMs: number;
  readonly actor: Actor;
  readonly action: string;
  readonly tenant: string;
  readonly detail: string;
}

export async function insertAudit(tx: SqlRunner, record: AuditRecord): Promise<void> {
  const { change, atMs, actor, action, tenant, detail } = record;
  await tx.query(
    `INSERT INTO audit_log (change, at_ms, who, origin, action, tenant, detail)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [change, atMs, actor.who, actor.from, action, tenant, detail],
  );
}
