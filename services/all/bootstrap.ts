import type { Database } from '@xscaler/database';
import { type Actor, TenantStore } from '@xscaler/tenancy';

export interface Bootstrapped {
  /** The tenant that own metrics are written into. */
  readonly tenant: string;
  /** The token's text, at the first start alone: it is stored only as a hash. */
  readonly token: string | undefined;
}

const ACTOR: Actor = { who: 'bootstrap', from: 'bootstrap' };

/** Creates the first tenant and its token where the database has no tenant yet. */
export async function bootstrapTenant(db: Database, id: string, tokenText: string): Promise<Bootstrapped> {
  const store = new TenantStore(db);
  const known = await store.tenants();
  const oldest = known.reduce<(typeof known)[number] | undefined>(
    (first, tenant) => (first && first.createdMs <= tenant.createdMs ? first : tenant),
    undefined,
  );
  // A crash between tenant and token leaves a tenant without one: it gets its token now.
  if (oldest && (await store.tokens(oldest.id)).length > 0) return { tenant: oldest.id, token: undefined };
  const tenant = oldest ?? (await store.createTenant({ id, name: id }, ACTOR));
  const token = { tenant: tenant.id, name: 'bootstrap', scope: 'read+write' as const };
  const { text } = await store.createToken(tokenText === '' ? token : { ...token, text: tokenText }, ACTOR);
  return { tenant: tenant.id, token: text };
}
