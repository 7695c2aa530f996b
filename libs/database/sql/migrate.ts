import { readdir, readFile } from 'node:fs/promises';
import type { Database } from './database.ts';
import { DIALECTS } from './dialect.ts';

const MIGRATIONS = new URL('../migrations/', import.meta.url);
const FILE_NAME = /^\d{4}_\w+\.sql$/;

interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/**
 * Brings the schema up to date; safe when many services start at once. Returns the names of the migrations it applied.
 *
 * Migrations are the files `migrations/NNNN_name.sql`, applied in the order of their names, all in one transaction,
 * and never changed once released. See `statementsOf` for what they may hold.
 */
export async function migrate(db: Database): Promise<string[]> {
  const migrations = await readMigrations(db.dialect);
  return db.transaction(async (tx) => {
    const lock = DIALECTS[db.dialect].migrationLock;
    if (lock !== undefined) await tx.query(lock);
    await tx.query('CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY)');
    const rows = await tx.query<{ name: string }>('SELECT name FROM schema_migrations');
    const done = new Set(rows.map(({ name }) => name));
    const applied: string[] = [];
    for (const { name, statements } of migrations) {
      if (done.has(name)) continue;
      for (const statement of statements) await tx.query(statement);
      await tx.query('INSERT INTO schema_migrations (name) VALUES ($1)', [name]);
      applied.push(name);
    }
    return applied;
  });
}

/** How a database's schema stands to this release's migrations. */
export interface SchemaState {
  /** Migrations that this release knows and the database has not had. */
  readonly missing: readonly string[];
  /** Migrations of a newer release. */
  readonly unknown: readonly string[];
}

/** Changes nothing. Rejects with `DatabaseError`, code `invalid` if no migration was ever applied. */
export async function schemaState(db: Database): Promise<SchemaState> {
  const known = (await readMigrations(db.dialect)).map(({ name }) => name);
  const rows = await db.query<{ name: string }>('SELECT name FROM schema_migrations');
  const applied = new Set(rows.map(({ name }) => name));
  return {
    missing: known.filter((name) => !applied.has(name)),
    unknown: [...applied].filter((name) => !known.includes(name)),
  };
}

async function readMigrations(dialect: Database['dialect']): Promise<Migration[]> {
  const names = (await readdir(MIGRATIONS)).filter((name) => FILE_NAME.test(name)).sort();
  return Promise.all(
    names.map(async (name) => ({
      name: name.slice(0, -'.sql'.length),
      statements: statementsOf(await readFile(new URL(name, MIGRATIONS), 'utf8'), dialect),
    })),
  );
}

/**
 * The statements of a migration for one side. Each ends with `;` at the end of a line; a comment line `-- only: postgres`
 * (or `sqlite`) above one leaves it out on the other side; `${NAME}` is a word of the dialect.
 */
export function statementsOf(text: string, dialect: Database['dialect']): string[] {
  const { words } = DIALECTS[dialect];
  return text
    .split(/;\s*$/m)
    .filter((statement) => {
      const only = /^-- only: (\w+)$/m.exec(statement)?.[1];
      return only === undefined || only === dialect;
    })
    .map((statement) => statement.replace(/^--.*$/gm, '').trim())
    .filter((statement) => statement !== '')
    .map((statement) =>
      statement.replace(/\$\{(\w+)\}/g, (_, name: string) => {
        const word = words[name];
        if (word === undefined) throw new Error(`the ${dialect} dialect has no word ${name}`);
        return word;
      }),
    );
}
