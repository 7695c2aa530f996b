import { type Database, DatabaseError, SqlBlockStore } from '@xscaler/database';
import { PlacementHistory } from './placement-history.ts';
import { type PlacementRow, selectPartitionCounts, selectShardSizes } from './placement-rows.ts';
import type { Shard } from './shard.ts';
import { selectChange } from './tenancy-rows.ts';

export interface PlacementDirectoryOptions {
  readonly db: Database;
  /** Wall clock, ms. */
  readonly now?: () => number;
  readonly pollIntervalMs?: number;
}

const DEFAULT_POLL_INTERVAL_MS = 1_000;
/** A reader's view is younger than this, */
const MAX_READ_AGE_MS = 4_000;
/** and a writer obeys no row that it has known for less: whatever their clocks say, readers know it first. */
const MIN_KNOWN_MS = 5_000;
/** A row whose effect began this long ago is known to every process. */
const SETTLED_MS = 60_000;
/** A writer that hasn't seen the rows for this long stops writing: far less than readers look back. */
const MAX_WRITE_AGE_MS = 3_600_000;
/**
 * How far readers look back: by then samples written to former partitions are in blocks, which are found by tenant. If they
 * aren't, because of a long outage, readers keep asking those partitions until they are.
 */
const READ_BACK_MS = 24 * 3_600_000;

/** The partitions that a tenant's samples are written to and read from: the database's rows as of the last poll. */
export class PlacementDirectory {
  readonly #db: Database;
  readonly #blocks: SqlBlockStore;
  readonly #now: () => number;
  readonly #pollIntervalMs: number;
  readonly #history = new PlacementHistory();
  #change = -1;
  /** When the present view was requested. */
  #viewMs = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;
  /** By partition, as of `#committedMs`: it only becomes more. */
  #committedUntil: ReadonlyMap<number, number> = new Map();
  #committedMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor({ db, now = Date.now, pollIntervalMs = DEFAULT_POLL_INTERVAL_MS }: PlacementDirectoryOptions) {
    this.#db = db;
    this.#blocks = new SqlBlockStore(db, now);
    this.#now = now;
    this.#pollIntervalMs = pollIntervalMs;
  }

  /** Loads the rows and keeps polling for new ones. Rejects with `DatabaseError` if the first load fails. */
  async start(): Promise<void> {
    await this.refresh();
    // The view keeps its age: a view that is too old is refused when it is requested.
    this.#timer = setInterval(() => void this.refresh().catch(() => undefined), this.#pollIntervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Refreshes the view; concurrent calls share one refresh. Rejects with `DatabaseError`. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#load().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** The partitions that a tenant's samples go to: the same object until they change. Undefined if that is unknown or outdated. */
  writeShard(tenant: string): Shard | undefined {
    const nowMs = this.#now();
    if (nowMs - this.#viewMs > MAX_WRITE_AGE_MS) return undefined;
    return this.#history.shard(tenant, nowMs);
  }

  /** Every partition that may hold samples of a tenant which no block has. Rejects with `DatabaseError` if that can't be known. */
  async readPartitions(tenant: string): Promise<readonly number[]> {
    // A refresh in flight may have begun too early; the next one hasn't.
    for (let looks = 0; this.#now() - this.#viewMs > MAX_READ_AGE_MS; looks++) {
      if (looks === 2) throw new DatabaseError('unavailable', 'tenant placement is not loaded yet');
      await this.refresh();
    }
    const partitions: number[] = [];
    for (const [partition, untilMs] of this.#history.usedUntil(tenant)) {
      const isRecent = untilMs > this.#now() - READ_BACK_MS;
      // Writers with an outdated view have stopped writing by then.
      if (isRecent || !(await this.#isCommitted(partition, untilMs + MAX_WRITE_AGE_MS)))
        partitions.push(partition);
    }
    return partitions;
  }

  /** Whether all records of a partition acknowledged by then are in blocks. */
  async #isCommitted(partition: number, untilMs: number): Promise<boolean> {
    const isKnown = () => (this.#committedUntil.get(partition) ?? 0) >= untilMs;
    const nowMs = this.#now();
    if (isKnown() || nowMs - this.#committedMs < MAX_READ_AGE_MS) return isKnown();
    this.#committedUntil = await this.#blocks.committedUntil();
    this.#committedMs = nowMs;
    return isKnown();
  }

  /** Reads the counter first: rows added after that are read by the next refresh. */
  async #load(): Promise<void> {
    const beganMs = this.#now();
    const change = await selectChange(this.#db);
    if (change !== this.#change) {
      const counts = await selectPartitionCounts(this.#db, this.#change);
      const sizes = await selectShardSizes(this.#db, 'WHERE change > $1', [this.#change]);
      const isNew = (row: PlacementRow) => row.change <= change;
      this.#history.addCounts(counts.filter(isNew).map((row) => this.#obeyed(row)));
      this.#history.addSizes(sizes.filter(isNew).map((row) => this.#obeyed(row)));
      this.#change = change;
    }
    this.#viewMs = beganMs;
  }

  #obeyed<Row extends PlacementRow>(row: Row): Row {
    const nowMs = this.#now();
    if (row.effectiveMs < nowMs - SETTLED_MS) return row;
    return { ...row, effectiveMs: Math.max(row.effectiveMs, nowMs + MIN_KNOWN_MS) };
  }
}
