import type { Database } from '../sql/database.ts';
import { MAX_AHEAD_MS } from '../sql/max-ahead.ts';

/** A time, over now, in which no distributor accepted writes. Wall clock, ms. */
export interface Outage {
  readonly startMs: number;
  readonly endMs: number;
}

/** Outages of writes, as distributors note them together. Rejects with `DatabaseError`. */
export interface OutageStore {
  /**
   * A distributor says that it accepts writes, and has done so since `sinceMs`. If nobody had accepted any for longer than
   * `shortestMs` before that, it was an outage. What a wrong clock noted of the future is taken back.
   * @returns as `all`
   */
  note(nowMs: number, sinceMs: number, shortestMs: number): Promise<Outage[]>;
  /**
   * All outages that are kept: those of the last thirty days, the first ones first. None ends in the future. Those with less than
   * two minutes between them are one.
   */
  all(nowMs: number): Promise<Outage[]>;
}

/** After an outage senders have this long to catch up: until then their samples may be later by its length. */
export const CATCH_UP_MS = 2 * 3_600_000;

/** A distributor that starts in the middle of an outage accepts writes, as far as it knows, until the first of them has failed. */
const BETWEEN_MS = 120_000;

const KEPT_MS = 30 * 86_400_000;

/** Outages as the tables of `migrations/0007_outages.sql`. */
export class SqlOutageStore implements OutageStore {
  readonly #db: Database;
  readonly #maxAheadMs: number;

  /** `maxAheadMs`: how far the clocks of two distributors may be apart. */
  constructor(db: Database, maxAheadMs: number = MAX_AHEAD_MS) {
    this.#db = db;
    this.#maxAheadMs = maxAheadMs;
  }

  async note(nowMs: number, sinceMs: number, shortestMs: number): Promise<Outage[]> {
    const latestMs = nowMs + this.#maxAheadMs;
    await this.#db.transaction(async (tx) => {
      // The row's lock has distributors come one after the other.
      const [row] = await tx.query<{ until_ms: number }>(
        `UPDATE accepted_writes SET until_ms = until_ms WHERE name = 'writes' RETURNING until_ms`,
      );
      if (row !== undefined && sinceMs - row.until_ms > shortestMs) {
        await tx.query(
          'INSERT INTO outages (start_ms, end_ms) VALUES ($1, $2) ON CONFLICT (start_ms) DO NOTHING',
          [row.until_ms, sinceMs],
        );
      }
      await tx.query(
        `INSERT INTO accepted_writes (name, until_ms) VALUES ('writes', $1) ON CONFLICT (name)
         DO UPDATE SET until_ms = excluded.until_ms
         WHERE accepted_writes.until_ms < excluded.until_ms OR accepted_writes.until_ms > $2`,
        [nowMs, latestMs],
      );
      await tx.query('DELETE FROM outages WHERE end_ms < $1 OR end_ms > $2', [nowMs - KEPT_MS, latestMs]);
    });
    return this.all(nowMs);
  }

  async all(nowMs: number): Promise<Outage[]> {
    const rows = await this.#db.query<{ start_ms: number; end_ms: number }>(
      'SELECT start_ms, end_ms FROM outages WHERE end_ms <= $1 ORDER BY start_ms',
      [nowMs + this.#maxAheadMs],
    );
    return joined(rows.map(({ start_ms: startMs, end_ms: endMs }) => ({ startMs, endMs })));
  }
}

/** Those with little time between them as one. */
function joined(outages: readonly Outage[]): Outage[] {
  const whole: Outage[] = [];
  for (const outage of outages) {
    const before = whole.at(-1);
    if (before === undefined || outage.startMs - before.endMs > BETWEEN_MS) whole.push(outage);
    else whole[whole.length - 1] = { startMs: before.startMs, endMs: Math.max(before.endMs, outage.endMs) };
  }
  return whole;
}
