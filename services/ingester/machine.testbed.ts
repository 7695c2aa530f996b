import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BlockMeta,
  type Database,
  hidesOf,
  migrate,
  openSqliteDatabase,
  SqlBlockStore,
} from '@xscaler/database';
import { ByteWriter } from '@xscaler/encoding';
import { type Exemplar, Labels, SampleColumns, seriesId } from '@xscaler/model';
import { BlockReader, SeriesMerger, type Tombstone } from '@xscaler/tsdb';
import { writeLabelSet } from '@xscaler/wire/labels';
import { LogRecordWriter } from '@xscaler/wire/log-record';
import { openSqliteWriteLog, type WriteLog } from '@xscaler/writelog';
import { Registry } from 'prom-client';
import { Ingester, type IngesterOptions } from './index.ts';

export const WINDOW_MS = 1_000;
export const TENANT = 'acme';
export const quiet = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * A machine's write log and database, which outlive its ingesters. Disposing it stops the ingesters first, so that a
 * failing test ends too.
 */
export class Machine implements AsyncDisposable {
  readonly dir = mkdtempSync(join(tmpdir(), 'ingester-'));
  log = this.#openLog('log.sqlite');
  readonly db: Database = openSqliteDatabase(join(this.dir, 'db.sqlite'));
  readonly blocks = new SqlBlockStore(this.db);
  nowMs = 0;
  readonly #writer = new LogRecordWriter();
  readonly #ingesters: Ingester[] = [];

  static async make(): Promise<Machine> {
    const machine = new Machine();
    await migrate(machine.db);
    return machine;
  }

  ingester(changes: Partial<IngesterOptions> = {}): Ingester {
    const ingester = new Ingester({
      partitions: [0],
      zone: 'a',
      otherZoneMs: 60_000,
      truncatesLog: true,
      log: this.log,
      blocks: this.blocks,
      cuts: { graceMs: 100, lateHeadAgeMs: 100, lateHeadBytes: 1 << 30, maxHeadBytes: 1 << 30 },
      committedHeadLingerMs: 200,
      clock: () => this.nowMs,
      logger: quiet,
      registry: new Registry(),
      ...changes,
    });
    this.#ingesters.push(ingester);
    return ingester;
  }

  /** Logs samples [timestamp, value] and exemplars of series `name`. */
  async write(
    name: string,
    samples: readonly (readonly [number, number])[],
    partition = 0,
    exemplars: readonly Exemplar[] = [],
  ): Promise<void> {
    const labels = Labels.of({ __name__: name });
    const id = seriesId(TENANT, labels);
    const words = new Uint32Array(id.slice().buffer);
    const source = new ByteWriter();
    writeLabelSet(labels.pairs, source);
    const value = new Float64Array(1);
    const valueWords = new Uint32Array(value.buffer);
    this.#writer.reset(TENANT, WINDOW_MS);
    this.#writer.addSeries(words[0], words[1], words[2], words[3], source.written(), 0, source.length);
    for (const [timestampMs, number] of samples) {
      value[0] = number;
      this.#writer.addSample(timestampMs, valueWords[0], valueWords[1]);
    }
    for (const exemplar of exemplars) this.#writer.addExemplar(exemplar);
    await this.log.append(partition, this.#writer.finish());
  }

  /** Closes the log and continues with the one in another file, which may be empty. */
  async useLog(name: string): Promise<void> {
    await this.log.close();
    this.log = this.#openLog(name);
  }

  #openLog(name: string): WriteLog {
    return openSqliteWriteLog({ path: join(this.dir, name), partitionCount: 2 });
  }

  async endOffset(): Promise<number> {
    return this.log.endOffset(0);
  }

  /** All that a query sees, read from heads, then blocks, and merged: `name → [[t, v], …]`. */
  async read(ingester: Ingester): Promise<Record<string, [number, number][]>> {
    const { signal } = new AbortController();
    const merger = new SeriesMerger();
    const minOffsets = { 0: await this.endOffset() };
    const all = { tenant: TENANT, startMs: -1e12, endMs: 1e12 };
    for await (const frame of ingester.select({ ...all, matcherSets: [], minOffsets }, signal))
      merger.addFrame(frame);
    const tombstones = await this.blocks.tombstones(TENANT, all.startMs, all.endMs);
    for (const meta of await this.blocks.list(TENANT, all.startMs, all.endMs)) {
      const reader = this.reader(
        meta,
        tombstones.filter((tombstone) => hidesOf(tombstone, meta)),
      );
      for await (const frame of reader.select([], all.startMs, all.endMs, signal)) merger.addFrame(frame);
    }
    const found: Record<string, [number, number][]> = {};
    const columns = new SampleColumns();
    for (const series of merger.finish(all.startMs, all.endMs)) {
      columns.reset();
      series.read(columns);
      found[series.labels.metricName] = Array.from({ length: columns.length }, (_, i) => [
        columns.timestamps[i],
        columns.values[i],
      ]);
    }
    return found;
  }

  reader(block: BlockMeta, tombstones: readonly Tombstone[] = []): BlockReader {
    const read = this.blocks.readPart.bind(this.blocks, block.blockId);
    return new BlockReader(block, { read }, undefined, tombstones);
  }

  /** Lets the policy cut every window and waits until `count` blocks are live. */
  async untilBlocks(count: number): Promise<void> {
    this.nowMs += 3_600_000;
    for (let tries = 0; tries < 200; tries++) {
      if ((await this.blocks.list(TENANT, -1e12, 1e12)).length >= count) return;
      this.nowMs += 20_000;
      await sleep(25);
    }
    assert.fail(`no ${count} blocks`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#ingesters.map((ingester) => ingester.stop()));
    await this.log.close();
    await this.db.close();
    rmSync(this.dir, { recursive: true });
  }
}
