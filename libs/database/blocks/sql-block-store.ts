import type { MetricMetadata } from '@xscaler/model';
import { storeDeletions, TombstoneReader } from '../deletion/deletion-rows.ts';
import type { PartitionTombstone } from '../deletion/series-deletion.ts';
import { noteLog, requireLog } from '../log-identity/log-identity.ts';
import { type Database, DatabaseError, type SqlRunner } from '../sql/database.ts';
import { MAX_AHEAD_MS } from '../sql/max-ahead.ts';
import {
  BLOCK_COLUMNS,
  type BlockRow,
  blockOf,
  LEDGER_COLUMNS,
  type LedgerTableRow,
  ledgerRowOf,
  ledgerValues,
} from './block-rows.ts';
import type {
  BlockCommit,
  BlockMeta,
  BlockPart,
  BlockPartKind,
  BlockStore,
  LedgerRow,
} from './block-store.ts';
import {
  type CommitHistory,
  type CommitPoint,
  notingCommit,
  type PartitionProgress,
  randomCommitId,
  readLastCommits,
  readProgress,
  requireCommit,
} from './commit-history.ts';
import { makeLive, placeholders } from './live-blocks.ts';
import { type LogReplacement, replaceLog } from './log-replacement.ts';
import { readMetadata, storeMetadata } from './metadata-rows.ts';

/** What one staging transaction holds at most, unless a single part is larger. */
const STAGE_BYTES = 4 * 1024 * 1024;

/** A head's block has all that its head had. */
const NOTHING_PURGED = -1;

/** Blocks, the ledger and resume offsets as the tables of `migrations/0002_blocks.sql`. */
export class SqlBlockStore implements BlockStore {
  readonly #db: Database;
  readonly #now: () => number;
  readonly #maxAheadMs: number;
  readonly #tombstones = new TombstoneReader();

  /**
   * `now` is the wall clock in ms: the age of staged parts, and what is noted of the future. `maxAheadMs`: how far the clock of
   * another process may be ahead of it.
   */
  constructor(db: Database, now: () => number = Date.now, maxAheadMs: number = MAX_AHEAD_MS) {
    this.#db = db;
    this.#now = now;
    this.#maxAheadMs = maxAheadMs;
  }

  async stage(blockId: string, tenant: string, parts: readonly BlockPart[]): Promise<void> {
    for (const group of groupsOf(parts)) {
      await this.#db.transaction(async (tx) => {
        await tx.query(
          `INSERT INTO staged_blocks (block_id, tenant, staged_ms) VALUES ($1, $2, $3)
           ON CONFLICT (block_id) DO UPDATE SET staged_ms = excluded.staged_ms`,
          [blockId, tenant, this.#now()],
        );
        for (const { kind, number, bytes } of group) {
          await tx.query(
            `INSERT INTO block_parts (block_id, kind, number, bytes) VALUES ($1, $2, $3, $4)
             ON CONFLICT (block_id, kind, number) DO NOTHING`,
            [blockId, kind, number, bytes],
          );
        }
      });
    }
  }

  commit(commit: BlockCommit): Promise<'committed' | 'already'> {
    return this.#db.transaction(async (tx) => {
      const outcome =
        commit.meta === undefined ? 'committed' : await commitBlock(tx, commit.meta, commit.partCount);
      const standsAt = await moveResumeOffset(tx, commit, outcome);
      if (commit.log !== undefined) await noteLog(tx, commit.partition, commit.log);
      // A replica that comes late with a head others have gone on from holds what was the last metadata then.
      if (standsAt === commit.resumeOffset) {
        for (const { tenant, entries } of commit.metadata) await storeMetadata(tx, tenant, entries);
      }
      await storeDeletions(tx, commit.partition, commit.deletions ?? []);
      return outcome;
    });
  }

  replaceLog(replacement: LogReplacement): Promise<void> {
    return this.#db.transaction((tx) => replaceLog(tx, replacement));
  }

  async resumeOffset(partition: number): Promise<number> {
    return (await readProgress(this.#db, partition)).resumeOffset;
  }

  progress(
    partition: number,
    minToOffset = 0,
  ): Promise<PartitionProgress & { readonly ledger: readonly LedgerRow[] }> {
    // One connection, which doesn't outlive its server: what it reads is of one history.
    return this.#db.transaction(async (tx) => {
      for (;;) {
        const before = await readProgress(tx, partition);
        const ledger = await readLedger(tx, partition, minToOffset);
        const after = await readProgress(tx, partition);
        if (after.history.last.number === before.history.last.number) return { ...after, ledger };
      }
    });
  }

  async commitHistory(partition: number): Promise<CommitHistory> {
    return (await readProgress(this.#db, partition)).history;
  }

  lastCommits(): Promise<ReadonlyMap<number, CommitPoint>> {
    return readLastCommits(this.#db);
  }

  async noteCommitted(partition: number, endOffset: number, timeMs: number): Promise<void> {
    await this.#db.transaction(async (tx) => {
      await insertResumeOffset(tx, partition);
      await forgetFuture(tx, partition, this.#latestMs());
      await tx.query(
        `UPDATE resume_offsets SET committed_until_ms = $3
         WHERE partition = $1 AND resume_offset >= $2 AND committed_until_ms < $3`,
        [partition, endOffset, timeMs],
      );
    });
  }

  forgetFutureNotes(partition: number): Promise<boolean> {
    return forgetFuture(this.#db, partition, this.#latestMs());
  }

  async committedUntil(): Promise<ReadonlyMap<number, number>> {
    const rows = await this.#db.query<{ partition: number; committed_until_ms: number }>(
      `SELECT partition, committed_until_ms FROM resume_offsets
       WHERE committed_until_ms > 0 AND committed_until_ms <= $1`,
      [this.#latestMs()],
    );
    return new Map(rows.map((row) => [row.partition, row.committed_until_ms]));
  }

  /** The latest instant that a clock which is right may show. */
  #latestMs(): number {
    return Math.ceil(this.#now()) + this.#maxAheadMs;
  }

  async skippedRecords(partition: number): Promise<number[]> {
    const rows = await this.#db.query<{ log_offset: number }>(
      'SELECT log_offset FROM skipped_records WHERE partition = $1 ORDER BY log_offset',
      [partition],
    );
    return rows.map((row) => row.log_offset);
  }

  async skipRecord(partition: number, offset: number): Promise<void> {
    await this.#db.transaction((tx) =>
      tx.query(
        'INSERT INTO skipped_records (partition, log_offset) VALUES ($1, $2) ON CONFLICT (partition, log_offset) DO NOTHING',
        [partition, offset],
      ),
    );
  }

  ledger(partition: number, minToOffset = 0): Promise<LedgerRow[]> {
    return readLedger(this.#db, partition, minToOffset);
  }

  async pruneLedger(partition: number, offset: number): Promise<void> {
    await this.#db.query('DELETE FROM ledger WHERE partition = $1 AND to_offset < $2', [partition, offset]);
  }

  async list(tenant: string, minTimeMs: number, maxTimeMs: number): Promise<BlockMeta[]> {
    const rows = await this.#db.query<BlockRow>(
      `SELECT ${BLOCK_COLUMNS.join(', ')} FROM blocks
       WHERE tenant = $1 AND max_time_ms >= $2 AND min_time_ms <= $3 ORDER BY min_time_ms`,
      [tenant, minTimeMs, maxTimeMs],
    );
    return rows.map(blockOf);
  }

  async readPart(
    blockId: string,
    kind: BlockPartKind,
    number: number,
    offset = 0,
    length?: number,
  ): Promise<Uint8Array> {
    if (offset < 0 || (length !== undefined && length < 0)) {
      throw new DatabaseError('invalid', `no slice of ${length} bytes at ${offset}`);
    }
    const where = 'FROM block_parts WHERE block_id = $1 AND kind = $2 AND number = $3';
    const part = [blockId, kind, number];
    // `substr` counts from 1.
    const rows =
      length !== undefined
        ? this.#db.query(`SELECT substr(bytes, $4, $5) AS bytes ${where}`, [...part, offset + 1, length])
        : offset > 0
          ? this.#db.query(`SELECT substr(bytes, $4) AS bytes ${where}`, [...part, offset + 1])
          : this.#db.query(`SELECT bytes ${where}`, part);
    const [row] = await rows;
    if (row === undefined)
      throw new DatabaseError('invalid', `block ${blockId} has no part ${kind} ${number}`);
    // SQLite's slice of an empty part, as a damaged one may be, is NULL.
    return (row.bytes ?? new Uint8Array(0)) as Uint8Array;
  }

  tombstones(tenant: string, minTimeMs: number, maxTimeMs: number): Promise<PartitionTombstone[]> {
    return this.#tombstones.read(this.#db, tenant, minTimeMs, maxTimeMs);
  }

  metadata(tenant: string, metric: string | undefined): Promise<MetricMetadata[]> {
    return readMetadata(this.#db, tenant, metric);
  }

  async sweepStaged(beforeMs: number): Promise<number> {
    const stale = await this.#db.query<{ block_id: string }>(
      'SELECT block_id FROM staged_blocks WHERE staged_ms < $1',
      [beforeMs],
    );
    let swept = 0;
    for (const { block_id } of stale) {
      swept += await this.#db.transaction((tx) => sweepBlock(tx, block_id, beforeMs));
    }
    return swept;
  }
}

async function readLedger(sql: SqlRunner, partition: number, minToOffset: number): Promise<LedgerRow[]> {
  const rows = await sql.query<LedgerTableRow>(
    `SELECT ${LEDGER_COLUMNS.join(', ')} FROM ledger WHERE partition = $1 AND to_offset >= $2
     ORDER BY to_offset, from_offset`,
    [partition, minToOffset],
  );
  return rows.map(ledgerRowOf);
}

/** Flips a staged block to live and writes its ledger row, unless its head has one. */
async function commitBlock(
  tx: SqlRunner,
  meta: BlockMeta,
  partCount: number,
): Promise<'committed' | 'already'> {
  const values = ledgerValues(meta);
  const inserted = await tx.query(
    `INSERT INTO ledger (${LEDGER_COLUMNS.join(', ')}) VALUES (${placeholders(values.length)})
     ON CONFLICT (tenant, partition, window_start_ms, seq) DO NOTHING RETURNING seq`,
    values,
  );
  if (inserted.length === 0) {
    const [row] = await tx.query(
      'SELECT digest FROM ledger WHERE tenant = $1 AND partition = $2 AND window_start_ms = $3 AND seq = $4',
      [meta.tenant, meta.partition, meta.windowStartMs, meta.seq],
    );
    if (row?.digest === meta.digest) return 'already';
    throw new DatabaseError(
      'conflict',
      `head ${meta.seq} of window ${meta.windowStartMs} of ${meta.tenant} in partition ${meta.partition} was committed ` +
        `with digest ${row?.digest}, not ${meta.digest}`,
    );
  }
  await makeLive(tx, meta, partCount, NOTHING_PURGED);
  return 'committed';
}

async function insertResumeOffset(tx: SqlRunner, partition: number): Promise<void> {
  await tx.query(
    'INSERT INTO resume_offsets (partition, resume_offset) VALUES ($1, 0) ON CONFLICT (partition) DO NOTHING',
    [partition],
  );
}

/** Takes back what a clock that was wrong noted; true if there was such a note. */
async function forgetFuture(sql: SqlRunner, partition: number, latestMs: number): Promise<boolean> {
  const forgotten = await sql.query(
    `UPDATE resume_offsets SET committed_until_ms = 0
     WHERE partition = $1 AND committed_until_ms > $2 RETURNING partition`,
    [partition, latestMs],
  );
  return forgotten.length > 0;
}

/** Returns the resume offset that stands then: beyond the commit's own if `already` and others have gone on. */
async function moveResumeOffset(
  tx: SqlRunner,
  commit: BlockCommit,
  outcome: 'committed' | 'already',
): Promise<number> {
  const {
    partition,
    expectedResumeOffset,
    resumeOffset,
    expectedCommit,
    commitId = randomCommitId(),
  } = commit;
  await insertResumeOffset(tx, partition);
  const { history, logIdentity } = await readProgress(tx, partition);
  requireLog(partition, logIdentity, commit.log?.identity);
  if (outcome === 'already') {
    // Who relies on commits that are gone would move the offset over what only they held.
    requireCommit(history, expectedCommit);
    const [row] = await tx.query<{ resume_offset: number }>(
      `UPDATE resume_offsets SET ${notingCommit('$3')},
         resume_offset = CASE WHEN resume_offset < $2 THEN $2 ELSE resume_offset END
       WHERE partition = $1 RETURNING resume_offset`,
      [partition, resumeOffset, commitId],
    );
    return row.resume_offset;
  }
  const update = `UPDATE resume_offsets SET ${notingCommit('$4')}, resume_offset = $2
     WHERE partition = $1 AND resume_offset = $3`;
  const values = [partition, resumeOffset, expectedResumeOffset, commitId];
  const moved =
    expectedCommit === undefined
      ? await tx.query(`${update} RETURNING partition`, values)
      : await tx.query(`${update} AND commits = $5 RETURNING partition`, [...values, expectedCommit.number]);
  if (moved.length > 0 && (expectedCommit === undefined || history.last.id === expectedCommit.id)) {
    return resumeOffset;
  }
  const after = expectedCommit === undefined ? '' : ` after commit ${expectedCommit.number}`;
  throw new DatabaseError(
    'conflict',
    `partition ${partition} does not resume at ${expectedResumeOffset}${after} any more: another replica has moved its resume offset`,
  );
}

/** Deletes a block that was staged before `beforeMs`, and its parts unless it went live; 1 if there was one. */
async function sweepBlock(tx: SqlRunner, blockId: string, beforeMs: number): Promise<number> {
  const stale = await tx.query(
    'DELETE FROM staged_blocks WHERE block_id = $1 AND staged_ms < $2 RETURNING block_id',
    [blockId, beforeMs],
  );
  if (stale.length === 0) return 0;
  const live = await tx.query('SELECT block_id FROM blocks WHERE block_id = $1', [blockId]);
  if (live.length > 0) return 0;
  await tx.query('DELETE FROM block_parts WHERE block_id = $1', [blockId]);
  return 1;
}

function* groupsOf(parts: readonly BlockPart[]): Generator<readonly BlockPart[]> {
  let group: BlockPart[] = [];
  let bytes = 0;
  for (const part of parts) {
    if (group.length > 0 && bytes + part.bytes.length > STAGE_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(part);
    bytes += part.bytes.length;
  }
  if (group.length > 0) yield group;
}
