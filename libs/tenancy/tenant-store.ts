import type { Database, SqlRunner } from '@xscaler/database';
import { tenantIdFault } from '@xscaler/model';
import { generateTenantId, generateTokenId } from './generated-ids.ts';
import { noteShardSize, OBEYED_AFTER_MS } from './placement-rows.ts';
import { shardSizeFor } from './shard.ts';
import { insertAudit, insertToken, selectTenants, selectTokens, takeChange } from './tenancy-rows.ts';
import {
  type Actor,
  type AuditEntry,
  type LimitOverrides,
  TenancyError,
  type Tenant,
  type TenantState,
  type TokenRecord,
  type TokenScope,
} from './tenant.ts';
import { generateToken, hashToken, isTokenText } from './tokens.ts';

export interface NewTenant {
  /** Generated from the name if it is absent: `xs_<slug>_<8 base32>`. */
  readonly id?: string;
  readonly name: string;
  readonly org?: string;
  readonly overrides?: LimitOverrides;
  /** The series limit that it has if `overrides` has none; 0 by default, none. Decides over how many partitions it is spread. */
  readonly defaultSeriesLimit?: number;
}

export interface NewToken {
  readonly tenant: string;
  readonly name: string;
  readonly scope: TokenScope;
  /** Tenants besides `tenant` that it may read together with it. */
  readonly extraTenants?: readonly string[];
  readonly expiresMs?: number;
  /** A given text (bootstrap) in place of a generated one. */
  readonly text?: string;
}

/** What a control action is told: the change number its rows get, and the time. */
interface Action {
  readonly change: number;
  readonly nowMs: number;
}

/** What a control action leaves in the audit log. */
export interface Trace {
  readonly action: string;
  readonly tenant: string;
  readonly detail: string;
}

type AuditRow = {
  at_ms: number;
  who: string;
  origin: string;
  action: string;
  tenant: string;
  detail: string;
};

/**
 * Tenants and tokens in a migrated database. Every change has its audit row and moves the change counter, in one
 * transaction. Rejects with `TenancyError`, or `DatabaseError` if the database is at fault.
 */
export class TenantStore {
  readonly #db: Database;
  readonly #now: () => number;

  /** `now` is the wall clock, ms. */
  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
  }

  /** `exists` if the id is taken, also by a deleted tenant. */
  async createTenant(tenant: NewTenant, actor: Actor): Promise<Tenant> {
    const { id = generateTenantId(tenant.name), name, org = '', overrides = {} } = tenant;
    const fault = tenantIdFault(id);
    if (fault !== undefined) throw new TenancyError('invalid', fault);
    await checkOverrides(overrides);
    const limits = JSON.stringify(overrides);
    const trace = { action: 'tenant.create', tenant: id, detail: JSON.stringify({ name, org, overrides }) };
    return this.#act(actor, trace, async (tx, { change, nowMs }) => {
      const rows = await tx.query(
        `INSERT INTO tenants (id, name, org, state, reason, limits, created_ms, changed_ms, change)
         VALUES ($1, $2, $3, 'active', '', $4, $5, $5, $6) ON CONFLICT (id) DO NOTHING RETURNING id`,
        [id, name, org, limits, nowMs, change],
      );
      if (rows.length === 0) throw new TenancyError('exists', `tenant ${id} exists`);
      const seriesLimit = overrides.max_global_series_per_user ?? tenant.defaultSeriesLimit;
      await noteSeriesLimit(tx, id, seriesLimit, { change, nowMs });
      return { id, name, org, state: 'active', reason: '', overrides, createdMs: nowMs, changedMs: nowMs };
    });
  }

  /** All tenants, deleted ones too, the oldest first. */
  tenants(): Promise<Tenant[]> {
    return selectTenants(this.#db, 'ORDER BY created_ms, change', []);
  }

  async tenant(id: string): Promise<Tenant | undefined> {
    const [tenant] = await selectTenants(this.#db, 'WHERE id = $1', [id]);
    return tenant;
  }

  /** `reason` is what clients of a suspended or locked tenant are told. */
  setState(id: string, state: TenantState, reason: string, actor: Actor): Promise<void> {
    const trace = { action: `tenant.${state}`, tenant: id, detail: reason };
    return this.#act(actor, trace, (tx, action) =>
      changeTenant(tx, id, action, 'state = $4, reason = $5', [state, reason]),
    );
  }

  /** Replaces the tenant's overrides; a limit that isn't among them goes back to its default. */
  async setLimits(id: string, overrides: LimitOverrides, actor: Actor): Promise<void> {
    await checkOverrides(overrides);
    const limits = JSON.stringify(overrides);
    const trace = { action: 'tenant.limits', tenant: id, detail: limits };
    await this.#act(actor, trace, async (tx, action) => {
      await changeTenant(tx, id, action, 'limits = $4', [limits]);
      await noteSeriesLimit(tx, id, overrides.max_global_series_per_user, action);
    });
  }

  /** The token's text is in the answer and nowhere else. */
  async createToken(token: NewToken, actor: Actor): Promise<{ text: string; token: TokenRecord }> {
    const text = token.text ?? generateToken();
    if (!isTokenText(text)) {
      throw new TenancyError('invalid', 'a token is 1 to 256 visible ASCII characters');
    }
    const id = generateTokenId();
    const trace = { action: 'token.create', tenant: token.tenant, detail: id };
    return this.#act(actor, trace, async (tx, { change, nowMs }) => {
      const record: TokenRecord = {
        id,
        tenant: token.tenant,
        extraTenants: token.extraTenants ?? [],
        name: token.name,
        scope: token.scope,
        status: 'active',
        createdMs: nowMs,
        lastUsedMs: undefined,
        expiresMs: token.expiresMs,
      };
      for (const tenant of [record.tenant, ...record.extraTenants]) {
        const [found] = await selectTenants(tx, "WHERE id = $1 AND state <> 'deleted'", [tenant]);
        if (found === undefined) throw new TenancyError('not_found', `there is no tenant ${tenant}`);
      }
      const hash = hashToken(text);
      const taken = await selectTokens(tx, 'WHERE hash = $1', [hash]);
      if (taken.length > 0) throw new TenancyError('exists', 'this token already exists');
      await insertToken(tx, { hash, token: record }, change);
      return { text, token: record };
    });
  }

  /** A tenant's tokens, revoked ones too, the oldest first. */
  async tokens(tenant: string): Promise<TokenRecord[]> {
    const found = await selectTokens(this.#db, 'WHERE tenant = $1 ORDER BY created_ms, change', [tenant]);
    return found.map(({ token }) => token);
  }

  /** The same again is not a fault. */
  async revokeToken(tokenId: string, actor: Actor): Promise<void> {
    const { tenant } = await this.#mustFindToken(this.#db, tokenId);
    const trace = { action: 'token.revoke', tenant, detail: tokenId };
    await this.#act(actor, trace, async (tx, { change }) => {
      await tx.query("UPDATE tokens SET status = 'revoked', change = $2 WHERE id = $1", [tokenId, change]);
    });
  }

  /** A new token in place of an active one, which lives on for `graceMs` (not at all with 0). */
  async rotateToken(
    tokenId: string,
    graceMs: number,
    actor: Actor,
  ): Promise<{ text: string; token: TokenRecord }> {
    const { tenant } = await this.#mustFindToken(this.#db, tokenId);
    const text = generateToken();
    const id = generateTokenId();
    const trace = { action: 'token.rotate', tenant, detail: `${tokenId} to ${id}` };
    return this.#act(actor, trace, async (tx, { change, nowMs }) => {
      const old = await this.#mustFindToken(tx, tokenId);
      if (old.status !== 'active' || (old.expiresMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
        throw new TenancyError('invalid', `token ${tokenId} is not active`);
      }
      const token: TokenRecord = { ...old, id, createdMs: nowMs, lastUsedMs: undefined };
      await insertToken(tx, { hash: hashToken(text), token }, change);
      const status = graceMs > 0 ? 'active' : 'revoked';
      const endMs = Math.min(old.expiresMs ?? Number.POSITIVE_INFINITY, nowMs + graceMs);
      await tx.query('UPDATE tokens SET status = $2, expires_ms = $3, change = $4 WHERE id = $1', [
        tokenId,
        status,
        endMs,
        change,
      ]);
      return { text, token };
    });
  }

  /** A control action of somebody else's, which is about to be done. */
  async noteAction(trace: Trace, actor: Actor): Promise<void> {
    await this.#act(actor, trace, async () => undefined);
  }

  /** The newest `limit` control actions, the newest first. */
  async auditLog(limit: number): Promise<AuditEntry[]> {
    const rows = await this.#db.query<AuditRow>(
      'SELECT at_ms, who, origin, action, tenant, detail FROM audit_log ORDER BY change DESC LIMIT $1',
      [limit],
    );
    return rows.map(({ at_ms, who, origin, action, tenant, detail }) => ({
      atMs: at_ms,
      who,
      from: origin,
      action,
      tenant,
      detail,
    }));
  }

  /** Does `work`, its audit row and its change number in one transaction. */
  #act<T>(
    actor: Actor,
    { action, tenant, detail }: Trace,
    work: (tx: SqlRunner, action: Action) => Promise<T>,
  ): Promise<T> {
    return this.#db.transaction(async (tx) => {
      const change = await takeChange(tx);
      const nowMs = this.#now();
      const result = await work(tx, { change, nowMs });
      await insertAudit(tx, { change, atMs: nowMs, actor, action, tenant, detail });
      return result;
    });
  }

  async #mustFindToken(db: SqlRunner, tokenId: string): Promise<TokenRecord> {
    const [found] = await selectTokens(db, 'WHERE id = $1', [tokenId]);
    if (found === undefined) throw new TenancyError('not_found', `there is no token ${tokenId}`);
    return found.token;
  }
}

/** `assignments` use the parameters from $4 on. */
async function changeTenant(
  tx: SqlRunner,
  id: string,
  { change, nowMs }: Action,
  assignments: string,
  values: readonly string[],
): Promise<void> {
  const rows = await tx.query(
    `UPDATE tenants SET changed_ms = $2, change = $3, ${assignments} WHERE id = $1 RETURNING id`,
    [id, nowMs, change, ...values],
  );
  if (rows.length === 0) throw new TenancyError('not_found', `there is no tenant ${id}`);
}

/** A tenant's series limit says over how many partitions it is spread, unless an operator did. One that isn't named says nothing. */
async function noteSeriesLimit(
  tx: SqlRunner,
  tenant: string,
  seriesLimit: string | number | undefined,
  { change, nowMs }: Action,
): Promise<void> {
  if (seriesLimit === undefined) return;
  const size = shardSizeFor(Number(seriesLimit));
  const row = { change, tenant, size, isFixed: false, effectiveMs: nowMs + OBEYED_AFTER_MS };
  await noteShardSize(tx, row, 'limit');
}

/** Whether they are limits at all doesn't depend on the defaults they are laid over. */
async function checkOverrides(overrides: LimitOverrides): Promise<void> {
  if (Object.keys(overrides).length === 0) return;
  const [{ limitsSchema }, { mergeLimits }] = await Promise.all([
    import('./limits.ts'),
    import('./tenant-limits.ts'),
  ]);
  mergeLimits(limitsSchema.parse({}), overrides);
}
