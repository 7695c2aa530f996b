import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { DatabaseError, migrate, type Row, type SqlValue } from '@xscaler/database';

export interface Statement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/**
 * The tables of the current schema, in memory. Runs have them one after the other: to make them and to prepare what is
 * asked of them costs more than many a run's questions.
 */
export class Tables {
  readonly #db = new DatabaseSync(':memory:');
  readonly #prepared = new Map<string, StatementSync>();
  readonly #clearing: readonly StatementSync[];
  /** What the migrations put into them. */
  readonly #initial: readonly Statement[];

  private constructor(schema: readonly Statement[]) {
    const isInitial = ({ sql }: Statement) => /^\s*insert\b/i.test(sql);
    for (const { sql, params } of schema) this.run(sql, params);
    this.#initial = schema.filter(isInitial);
    const names = this.run("SELECT name FROM sqlite_master WHERE type = 'table'", []);
    this.#clearing = names.map(({ name }) => this.#db.prepare(`DELETE FROM ${name}`));
  }

  static async create(): Promise<Tables> {
    const schema: Statement[] = [];
    const query = async <R extends Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> => {
      if (!isSelect(sql)) schema.push({ sql, params });
      return [];
    };
    await migrate({
      dialect: 'sqlite',
      query,
      transaction: (work) => work({ query }),
      close: async () => undefined,
    });
    return new Tables(schema);
  }

  /** As if they had just been made. */
  clear(): void {
    this.run('BEGIN', []);
    for (const statement of this.#clearing) statement.run();
    for (const { sql, params } of this.#initial) this.run(sql, params);
    this.run('COMMIT', []);
  }

  /** @throws DatabaseError `invalid` */
  run(sql: string, params: readonly SqlValue[]): Row[] {
    try {
      return this.#statement(sql).all(...params) as Row[];
    } catch (error) {
      throw new DatabaseError('invalid', (error as Error).message, { cause: error });
    }
  }

  #statement(sql: string): StatementSync {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      // To SQLite `$1` is a name, and `?1` the first parameter.
      statement = this.#db.prepare(sql.replace(/\$(\d+)/g, '?$1'));
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}

export function isSelect(sql: string): boolean {
  return /^\s*select\b/i.test(sql);
}
