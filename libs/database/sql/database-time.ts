import type { Database } from './database.ts';
import { DIALECTS } from './dialect.ts';

/** The wall clock of the machine that the database runs on, ms. @throws DatabaseError */
export async function databaseTimeMs(db: Database): Promise<number> {
  const [{ now_ms: nowMs }] = await db.query<{ now_ms: number }>(
    `SELECT ${DIALECTS[db.dialect].wallClockMs} AS now_ms`,
  );
  return nowMs;
}
