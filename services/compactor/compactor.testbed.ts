import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BlockMeta,
  type BlockStore,
  COMPACTION_DAY_MS,
  type CompactionStore,
  type Database,
  hidesOf,
  migrate,
  openSqliteDatabase,
  SqlBlockStore,
  SqlCompactionStore,
  SqlDeletionStore,
} from '@xscaler/database';
import { Labels, SampleColumns, seriesId } from '@xscaler/model';
import { BlockReader, Head, SeriesMerger, writeBlock } from '@xscaler/tsdb';
import { Registry } from 'prom-client';
import { Compactor, type CompactorOptions, type CompactorTenant } from './index.ts';

export const DAY_MS = COMPACTION_DAY_MS;
export const HOUR_MS = 3_600_000;
export const WINDOW_MS = 2 * HOUR_MS;
export const TENANT = 'acme';
/** The day that samples of these tests are of. */
export const DAY_START_MS = 100 * DAY_MS;

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const { signal } = new AbortController();

/** Samples of one head: name of the series, time within the test's day, value. */
export type Samples = readonly (readonly [name: string, timeMs: number, value: number])[];

export interface HeadOf {
  readonly tenant?: string;
  readonly partition?: number;
  readonly windowStartMs?: number;
}

/** A database with blocks, and compactors that come and go. */
export class Machine {
  readonly #dir = mkdtempSync(join(tmpdir(), 'compactor-'));
  readonly db: Database;
  nowMs = DAY_START_MS + 3 * DAY_MS;
  tenants: CompactorTenant[] = [];
  readonly blocks: BlockStore;
  readonly store: CompactionStore;
  readonly deletions: SqlDeletionStore;
  readonly #nextOffsets = new Map<number, number>();
  #blocks = 0;

  private constructor() {
    this.db = openSqliteDatabase(join(this.#dir, 'db.sqlite'));
    const now = () => this.nowMs;
    this.blocks = new SqlBlockStore(this.db, now);
    this.store = new SqlCompactionStore(this.db, now);
    this.deletions = new SqlDeletionStore(this.db);
  }

  static async make(): Promise<Machine> {
    const machine = new Machine();
    await migrate(machine.db);
    return machine;
  }

  async close(): Promise<void> {
    await this.db.close();
    rmSync(this.#dir, { recursive: true });
  }

  /** Stores a head as an ingester does; it covers two offsets of the log, and the resume offset moves behind them. */
  async addHead(
    samples: Samples,
    { tenant = TENANT, partition = 0, windowStartMs = DAY_START_MS }: HeadOf = {},
  ) {
    const fromOffset = this.#nextOffsets.get(partition) ?? 0;
    const toOffset = fromOffset + 1;
    this.#nextOffsets.set(partition, toOffset + 1);
    const window = { windowStartMs, windowMs: WINDOW_MS };
    const head = new Head({ tenant, partition, seq: fromOffset, fromOffset, ...window });
    const value = new Float64Array(1);
    const words = new Int32Array(value.buffer);
    for (const [name, timeMs, number] of samples) {
      const labels = Labels.of({ __name__: name });
      const id = new Int32Array(seriesId(tenant, labels).slice().buffer);
      const found = head.find(id[0], id[1], id[2], id[3]);
      const slot = found >= 0 ? found : head.create(id[0], id[1], id[2], id[3], labels);
      value[0] = number;
      head.append(slot, DAY_START_MS + timeMs, words[0], words[1]);
    }
    const blockId = `head-${this.#blocks++}`;
    const writing = writeBlock(head);
    let partCount = 0;
    for (let step = writing.next(); ; step = writing.next()) {
      if (step.done) {
        const meta: BlockMeta = {
          ...{ blockId, tenant, partition, level: 0, seq: fromOffset, fromOffset, toOffset },
          ...window,
          ...step.value,
        };
        const expectedResumeOffset = await this.blocks.resumeOffset(partition);
        const resumeOffset = toOffset + 1;
        await this.blocks.commit({
          meta,
          partCount,
          partition,
          expectedResumeOffset,
          resumeOffset,
          metadata: [],
        });
        return meta;
      }
      if (step.value === undefined) continue;
      await this.blocks.stage(blockId, tenant, [step.value]);
      partCount++;
    }
  }

  /** Deletes as a distributor and an ingester without such a head do: the log of each partition goes on behind it. */
  async delete(
    deletionId: string,
    name: string,
    range: readonly [number, number] = [0, DAY_MS],
  ): Promise<void> {
    const offsets = new Map<number, number>();
    for (const [partition, offset] of this.#nextOffsets) {
      offsets.set(partition, offset);
      this.#nextOffsets.set(partition, offset + 1);
    }
    const [startMs, endMs] = range.map((ms) => DAY_START_MS + ms);
    const matcherSets = [[{ type: '=' as const, name: '__name__', value: name }]];
    const deletion = { deletionId, tenant: TENANT, requestedMs: this.nowMs, startMs, endMs, matcherSets };
    await this.deletions.hide(deletion, offsets);
    for (const [partition, offset] of offsets) {
      const expectedResumeOffset = await this.blocks.resumeOffset(partition);
      const commit = { meta: undefined, partCount: 0, partition, expectedResumeOffset, metadata: [] };
      await this.blocks.commit({ ...commit, resumeOffset: offset + 1 });
    }
  }

  /** What a query sees: `name → [[time within the day, value], …]`. */
  async read(tenant = TENANT): Promise<Record<string, [number, number][]>> {
    const [listed, tombstones] = await Promise.all([
      this.blocks.list(tenant, 0, 1e15),
      this.blocks.tombstones(tenant, 0, 1e15),
    ]);
    return this.readBlocks(listed, tombstones);
  }

  async readBlocks(
    listed: readonly BlockMeta[],
    tombstones: Awaited<ReturnType<BlockStore['tombstones']>>,
  ): Promise<Record<string, [number, number][]>> {
    const merger = new SeriesMerger();
    for (const meta of listed) {
      const read = this.blocks.readPart.bind(this.blocks, meta.blockId);
      const hiding = tombstones.filter((tombstone) => hidesOf(tombstone, meta));
      const reader = new BlockReader(meta, { read }, undefined, hiding);
      for await (const frame of reader.select([], 0, 1e15, signal)) merger.addFrame(frame);
    }
    const found: Record<string, [number, number][]> = {};
    const columns = new SampleColumns();
    for (const series of merger.finish(0, 1e15)) {
      columns.reset();
      series.read(columns);
      found[series.labels.metricName] = Array.from({ length: columns.length }, (_, i) => [
        columns.timestamps[i] - DAY_START_MS,
        columns.values[i],
      ]);
    }
    return found;
  }

  /** One that goes by the machine's clock; several need an owner each. */
  compactor(changes: Partial<CompactorOptions> = {}): Compactor {
    return new Compactor({
      owner: 'one',
      store: this.store,
      blocks: this.blocks,
      tenants: async () => this.tenants,
      policy: { settleMs: HOUR_MS, freshBlocks: 16, lateBlocks: 2 },
      bounds: { maxBlocks: 64, maxSeries: 1e6 },
      housekeeping: {
        defaultRetentionMs: 30 * DAY_MS,
        tenantCleanupDelayMs: DAY_MS,
        purgeDelayMs: 10 * 60_000,
        stagedLiveMs: HOUR_MS,
        receiptKeepMs: 30 * DAY_MS,
      },
      intervalMs: 10,
      leaseMs: 60_000,
      newBlockId: () => `merged-${this.#blocks++}`,
      clock: () => this.nowMs,
      logger: quiet,
      registry: new Registry(),
      ...changes,
    });
  }

  async listed(tenant = TENANT): Promise<string[]> {
    return (await this.blocks.list(tenant, 0, 1e15)).map(({ blockId }) => blockId).sort();
  }
}
