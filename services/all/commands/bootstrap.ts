import type { Database } from '@xscaler/database';
import { type Actor, TenantStore } from '@xscaler/tenancy';

const ACTOR: Actor = { who: 'bootstrap', from: 'bootstrap' };

/** Creates the first tenant if the database has none yet. @returns the oldest tenant */
export async function bootstrapTenant(db: Database, id: string): Promise<string> {
  const store = new TenantStore(db);
  const known = await store.tenants();
  const oldest = known.reduce<(typeof known)[number] | undefined>(
    (first, tenant) => (first && first.createdMs <= tenant.createdMs ? first : tenant),
    undefined,
  );
  return (oldest ?? (await store.createTenant({ id, name: id }, ACTOR))).id;
}

/**
 * Creates the first tenant's token if it has none yet; random if `tokenText` is empty, and then to be called when
 * nothing else of a start can fail: the text is to be shown, and a later start doesn't know it, since it is stored only as a hash.
 * @returns the text, at the first start alone
 */
export async function bootstrapToken(
  db: Database,
  tenant: string,
  tokenText: string,
): Promise<string | undefined> {
  const store = new TenantStore(db);
  if ((await store.tokens(tenant)).length > 0) return undefined;
  const token = { tenant, name: 'bootstrap', scope: 'read+write' as const };
  const { text } = await store.createToken(tokenText === '' ? token : { ...token, text: tokenText }, ACTOR);
  return text;
}
