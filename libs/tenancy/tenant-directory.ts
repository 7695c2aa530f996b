import type { Database } from '@xscaler/database';
import type { Limits } from './limits.ts';
import { overriddenLimits } from './overridden-limits.ts';
import { type HashedToken, selectChange, selectTenants, selectTokens } from './tenancy-rows.ts';
import type { Authentication, RefusalCode, Tenant, TenantView, TokenScope } from './tenant.ts';
import { hashToken, isTokenText, sameHash } from './tokens.ts';

/** What a request wants to do. */
export type Access = 'read' | 'write' | 'admin';

export interface TenantDirectoryOptions {
  readonly db: Database;
  /** What a tenant gets if it has no override. */
  readonly defaults: Limits;
  /** Wall clock, ms. */
  readonly now?: () => number;
  readonly pollIntervalMs?: number;
  /** Runs `poll` once after `delayMs`; returns what cancels it. */
  readonly schedule?: (poll: () => void, delayMs: number) => () => void;
  /** Told about stored limits that this version doesn't know or accept; their defaults hold. */
  readonly onFault?: (message: string) => void;
}

const DEFAULT_POLL_INTERVAL_MS = 500;
/** A poll that has been silent for this long has not come back: the database is unreachable. */
const SILENT_MS = 5_000;
/** How long what is known stays good without the database. */
const MAX_AWAY_MS = 5 * 60_000;
/** How often the times at which tokens were used go to the database. */
const USE_INTERVAL_MS = 60_000;

const GRANTED: Record<TokenScope, readonly Access[]> = {
  read: ['read'],
  write: ['write'],
  'read+write': ['read', 'write'],
  admin: ['admin'],
};

type Refusal = Extract<Authentication, { ok: false }>;

function refusal(code: RefusalCode, reason: string): Refusal {
  return { ok: false, code, reason };
}

/** One answer for every token that opens nothing here: a caller never learns which tenants or tokens exist. */
const UNAUTHENTICATED = refusal('unauthenticated', 'invalid or missing token');
const FORBIDDEN = refusal('forbidden_scope', "the token's scope does not allow this");
const ONE_TENANT = refusal('forbidden_scope', 'a request for several tenants can only read');
const UNAVAILABLE = refusal('unavailable', 'tokens cannot be checked right now');

/**
 * All tokens (hashes), tenants and limits in memory, a poll behind the database.
 *
 * While the database is unreachable known tokens work on for five minutes; unknown ones get `unavailable`, since they may
 * be new.
 */
export class TenantDirectory {
  readonly #db: Database;
  readonly #defaults: Limits;
  readonly #now: () => number;
  readonly #pollIntervalMs: number;
  readonly #schedule: (poll: () => void, delayMs: number) => () => void;
  readonly #onFault: (message: string) => void;
  readonly #tenants = new Map<string, TenantView>();
  readonly #tokens = new Map<string, HashedToken>();
  /** When tokens were used last, by id, as far as the database wasn't told. */
  readonly #uses = new Map<string, number>();
  #lastRefresh: Promise<void> = Promise.resolve();
  #change = -1;
  /** The last time the database answered; undefined before the first. */
  #lastAnswerMs: number | undefined;
  #lastPollFailed = false;
  #lastUsesMs = 0;
  #cancelPoll: (() => void) | undefined;
  #isStopped = false;

  constructor(options: TenantDirectoryOptions) {
    this.#db = options.db;
    this.#defaults = options.defaults;
    this.#now = options.now ?? Date.now;
    this.#pollIntervalMs = options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS;
    this.#schedule = options.schedule ?? scheduleByTimer;
    this.#onFault = options.onFault ?? (() => {});
  }

  /** Loads everything and starts polling. Rejects with `DatabaseError` if the first load fails. */
  async start(): Promise<void> {
    await this.refresh();
    this.#lastUsesMs = this.#now();
    this.#scheduleNext();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelPoll?.();
  }

  /** Brings the view up to date now. Rejects with `DatabaseError`; the view stays as before. */
  refresh(): Promise<void> {
    // One after another: an older answer must not overwrite a newer one.
    const refreshed = this.#lastRefresh.then(() => this.#refresh());
    this.#lastRefresh = refreshed.catch(() => undefined);
    return refreshed;
  }

  async #refresh(): Promise<void> {
    try {
      await this.#load();
      this.#lastPollFailed = false;
      this.#lastAnswerMs = this.#now();
    } catch (error) {
      this.#lastPollFailed = true;
      throw error;
    }
  }

  /**
   * Whether a token opens a tenant for `access`. `tenantId` is as the request names it, well-formed; for reads it may be
   * several, `a|b`, which the token must open all. Never waits: what it knows is a poll old.
   */
  authenticate(tokenText: string | undefined, tenantId: string, access: Access): Authentication {
    if (tokenText === undefined || !isTokenText(tokenText)) return UNAUTHENTICATED;
    const nowMs = this.#now();
    if (!this.#isGood(nowMs)) return UNAVAILABLE;
    const hash = hashToken(tokenText);
    const found = this.#tokens.get(hash);
    if (found === undefined || !sameHash(found.hash, hash)) {
      return this.#isDatabaseAway(nowMs) ? UNAVAILABLE : UNAUTHENTICATED;
    }
    const { token } = found;
    if (token.status !== 'active' || (token.expiresMs ?? Number.POSITIVE_INFINITY) <= nowMs) {
      return UNAUTHENTICATED;
    }
    const tenants: TenantView[] = [];
    for (const id of new Set(tenantId.split('|'))) {
      const tenant = this.#tenants.get(id);
      const isOpen = id === token.tenant || token.extraTenants.includes(id);
      if (!isOpen || tenant === undefined || tenant.state === 'deleted') return UNAUTHENTICATED;
      tenants.push(tenant);
    }
    if (!GRANTED[token.scope].includes(access)) return FORBIDDEN;
    if (tenants.length > 1 && access !== 'read') return ONE_TENANT;
    for (const tenant of tenants) {
      const closed = stateRefusal(tenant, access);
      if (closed !== undefined) return closed;
    }
    this.#uses.set(token.id, nowMs);
    return { ok: true, tenant: tenants[0], tenants, tokenId: token.id };
  }

  /** A tenant that isn't deleted. */
  tenant(id: string): TenantView | undefined {
    const tenant = this.#tenants.get(id);
    return tenant?.state === 'deleted' ? undefined : tenant;
  }

  /** All tenants that aren't deleted. */
  *tenants(): IterableIterator<TenantView> {
    for (const tenant of this.#tenants.values()) if (tenant.state !== 'deleted') yield tenant;
  }

  /** Whether what is known is young enough to go by: otherwise every token gets `unavailable`. */
  get canAuthenticate(): boolean {
    return this.#isGood(this.#now());
  }

  #isGood(nowMs: number): boolean {
    return this.#lastAnswerMs !== undefined && nowMs - this.#lastAnswerMs <= MAX_AWAY_MS;
  }

  /** Whether the last poll failed or hasn't come back: what is known may be out of date. */
  get isDatabaseAway(): boolean {
    return this.#isDatabaseAway(this.#now());
  }

  #isDatabaseAway(nowMs: number): boolean {
    return this.#lastPollFailed || this.#lastAnswerMs === undefined || nowMs - this.#lastAnswerMs > SILENT_MS;
  }

  #scheduleNext(): void {
    if (this.#isStopped) return;
    this.#cancelPoll = this.#schedule(() => void this.#poll(), this.#pollIntervalMs);
  }

  async #poll(): Promise<void> {
    try {
      await this.refresh();
      await this.#storeUses();
    } catch {
      // `refresh` has noted it, and uses that weren't stored are kept for the next time.
    }
    this.#scheduleNext();
  }

  /** The counter first: rows that change after it was read come again with the next poll. */
  async #load(): Promise<void> {
    const change = await selectChange(this.#db);
    if (change === this.#change) return;
    const tenants = await selectTenants(this.#db, 'WHERE change > $1', [this.#change]);
    const tokens = await selectTokens(this.#db, 'WHERE change > $1', [this.#change]);
    const views = await Promise.all(tenants.map((tenant) => this.#viewOf(tenant)));
    for (const view of views) this.#tenants.set(view.id, view);
    for (const token of tokens) this.#tokens.set(token.hash, token);
    this.#change = change;
  }

  async #viewOf({ id, state, reason, overrides }: Tenant): Promise<TenantView> {
    const { limits, faults } = await overriddenLimits(this.#defaults, overrides);
    for (const fault of faults) this.#onFault(`limits of tenant ${id}: ${fault}`);
    return { id, state, reason, limits };
  }

  async #storeUses(): Promise<void> {
    const nowMs = this.#now();
    if (nowMs - this.#lastUsesMs < USE_INTERVAL_MS || this.#uses.size === 0) return;
    this.#lastUsesMs = nowMs;
    // In one order for all gateways, so that two of them never wait for each other's rows.
    const uses = [...this.#uses].sort(([a], [b]) => (a < b ? -1 : 1));
    await this.#db.transaction(async (tx) => {
      for (const [tokenId, usedMs] of uses) {
        await tx.query(
          'UPDATE tokens SET last_used_ms = $2 WHERE id = $1 AND (last_used_ms IS NULL OR last_used_ms < $2)',
          [tokenId, usedMs],
        );
      }
    });
    for (const [tokenId, usedMs] of uses) {
      if (this.#uses.get(tokenId) === usedMs) this.#uses.delete(tokenId);
    }
  }
}

/** Suspended and locked tenants stay open to the control API. */
function stateRefusal({ state, reason }: TenantView, access: Access): Refusal | undefined {
  if (access === 'admin' || state === 'active') return undefined;
  if (state === 'suspended') return refusal('tenant_suspended', reason || 'the tenant is suspended');
  if (state === 'soft_locked' && access === 'write') {
    return refusal('tenant_soft_locked', reason || 'the tenant is locked for writes');
  }
  return undefined;
}

function scheduleByTimer(poll: () => void, delayMs: number): () => void {
  const timer = setTimeout(poll, delayMs);
  return () => clearTimeout(timer);
}
