import type { Database } from './database.ts';

/** Brings the schema up to date; safe when many services start at once. Returns the names of the migrations it applied. */
export async function migrate(db: Database): Promise<string[]> {
  throw new Error(`not built yet: ${db}`);
}
