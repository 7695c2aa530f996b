import { join } from 'node:path';
import { openSqliteDatabase } from '@xscaler/database';
import { type AuditEntry, type LimitOverrides, TenantStore, type TokenScope } from '@xscaler/tenancy';

/** Creates a tenant, and a token for each scope given, in the data folder of a stopped program; returns the tokens' texts. */
export async function createTenant(
  dataDir: string,
  id: string,
  scopes: readonly TokenScope[],
): Promise<string[]> {
  return inStore(dataDir, async (store) => {
    await store.createTenant({ id, name: id }, ACTOR);
    return createTokens(store, id, scopes);
  });
}

/** Further tokens of a tenant that exists. */
export async function addTokens(
  dataDir: string,
  id: string,
  scopes: readonly TokenScope[],
): Promise<string[]> {
  return inStore(dataDir, (store) => createTokens(store, id, scopes));
}

/** Replaces a tenant's limits; a running program learns of it. */
export async function setLimits(dataDir: string, id: string, overrides: LimitOverrides): Promise<void> {
  await inStore(dataDir, (store) => store.setLimits(id, overrides, ACTOR));
}

/** The control actions so far, the newest first. */
export async function auditLog(dataDir: string): Promise<AuditEntry[]> {
  return inStore(dataDir, (store) => store.auditLog(100));
}

const ACTOR = { who: 'e2e', from: 'cli' };

async function createTokens(
  store: TenantStore,
  tenant: string,
  scopes: readonly TokenScope[],
): Promise<string[]> {
  const texts: string[] = [];
  for (const scope of scopes)
    texts.push((await store.createToken({ tenant, name: scope, scope }, ACTOR)).text);
  return texts;
}

async function inStore<T>(dataDir: string, work: (store: TenantStore) => Promise<T>): Promise<T> {
  const db = openSqliteDatabase(join(dataDir, 'database.sqlite'));
  try {
    return await work(new TenantStore(db));
  } finally {
    await db.close();
  }
}
