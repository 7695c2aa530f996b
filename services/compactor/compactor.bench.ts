/*
 * A day of blocks merged in SQLite: CPU a million samples, memory, bytes before and after.
 * Run: node services/compactor/compactor.bench.ts [series] [samples of a series in two hours] [windows]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  COMPACTION_DAY_MS,
  migrate,
  openSqliteDatabase,
  SqlBlockStore,
  SqlCompactionStore,
} from '@xscaler/database';
import { Labels, seriesId } from '@xscaler/model';
import { Head, writeBlock } from '@xscaler/tsdb';
import { Registry } from 'prom-client';
import { Compactor } from './index.ts';

const TENANT = 'bench';
const DAY_START_MS = 100 * COMPACTION_DAY_MS;
const WINDOW_MS = 7_200_000;
const MB = 1024 * 1024;

const [seriesCount, samplesEach, windows] = [2, 3, 4].map((i, place) =>
  Number(process.argv[i] ?? [50_000, 120, 12][place]),
);
const path = process.argv[5];
let state = 1;

if (path === undefined) bench();
else await prepare(path);

/** Blocks are made by a process of its own, whose memory doesn't count. */
async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'compactor-bench-'));
  const file = join(folder, 'db.sqlite');
  const numbers = [seriesCount, samplesEach, windows].map(String);
  execFileSync(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    fileURLToPath(import.meta.url),
    ...numbers,
    file,
  ]);
  await merge(file);
  rmSync(folder, { recursive: true });
}

async function merge(file: string): Promise<void> {
  const db = openSqliteDatabase(file);
  const blocks = new SqlBlockStore(db);
  const quiet = { debug() {}, info() {}, warn: console.error, error: console.error };
  const compactor = new Compactor({
    owner: 'bench',
    store: new SqlCompactionStore(db),
    blocks,
    tenants: async () => [],
    policy: { settleMs: 0, freshBlocks: 64, lateBlocks: 64 },
    bounds: { maxBlocks: 64, maxSeries: 16_000_000 },
    housekeeping: {
      defaultRetentionMs: 0,
      tenantCleanupDelayMs: 0,
      purgeDelayMs: COMPACTION_DAY_MS,
      stagedLiveMs: COMPACTION_DAY_MS,
      receiptKeepMs: 0,
    },
    intervalMs: 1_000,
    leaseMs: 600_000,
    newBlockId: () => 'merged',
    clock: Date.now,
    logger: quiet,
    registry: new Registry(),
  });
  const sizeOf = async (ids: string) => {
    const [row] = await db.query<{ bytes: number }>(
      `SELECT SUM(LENGTH(bytes)) AS bytes FROM block_parts WHERE block_id ${ids}`,
    );
    return row.bytes;
  };
  const before = await sizeOf("<> 'merged'");
  const restRss = process.memoryUsage().rss;
  const cpu = process.cpuUsage();
  await compactor.runOnce();
  const { user, system } = process.cpuUsage(cpu);
  // The greatest since the start, as the kernel has it: nothing here lets a timer run.
  const mostRss = process.resourceUsage().maxRSS * 1024;
  const [merged, ...others] = await blocks.list(TENANT, 0, Number.MAX_SAFE_INTEGER);
  if (merged?.level !== 1 || others.length > 0) throw new Error('nothing was merged');
  const samples = merged.sampleCount;
  const after = await sizeOf("= 'merged'");
  console.log(
    `${merged.seriesCount} series × ${windows} blocks, ${(samples / 1e6).toFixed(1)} M samples: ` +
      `${((user + system) / samples).toFixed(2)} s CPU a million samples, ` +
      `${((mostRss - restRss) / MB).toFixed(0)} MB of memory above ${(restRss / MB).toFixed(0)} MB, ` +
      `${(before / samples).toFixed(2)} to ${(after / samples).toFixed(2)} B/sample`,
  );
  await db.close();
}

function random(): number {
  state = (Math.imul(state, 1103515245) + 12345) >>> 0;
  return state / 2 ** 32;
}

async function prepare(file: string): Promise<void> {
  const counters = new Float64Array(seriesCount);
  const db = openSqliteDatabase(file);
  await migrate(db);
  const blocks = new SqlBlockStore(db);
  const value = new Float64Array(1);
  const words = new Int32Array(value.buffer);
  for (let window = 0; window < windows; window++) {
    const windowStartMs = DAY_START_MS + window * WINDOW_MS;
    const place = { tenant: TENANT, partition: 0, windowStartMs, windowMs: WINDOW_MS };
    const head = new Head({ ...place, seq: window, fromOffset: window });
    for (let i = 0; i < seriesCount; i++) {
      const labels = Labels.of({
        __name__: `metric_family_${i % 25}_total`,
        cluster: 'production-eu-1',
        handler: `/api/v1/handler_${Math.floor(i / 25) % 20}`,
        instance: `10.0.${Math.floor(i / 500)}.1:9100`,
        job: `job-${Math.floor(i / 500) % 10}`,
        pod: `pod-${Math.floor(i / 500)}-5b8c7d`,
        shard: `${i % 20}`,
      });
      const id = new Int32Array(seriesId(TENANT, labels).slice().buffer);
      const slot = head.create(id[0], id[1], id[2], id[3], labels);
      for (let step = 0; step < samplesEach; step++) {
        counters[i] += Math.floor(random() * 100);
        value[0] = counters[i];
        head.append(slot, windowStartMs + Math.floor((step * WINDOW_MS) / samplesEach), words[0], words[1]);
      }
    }
    await commit(blocks, head);
    head.release();
  }
  await db.close();
}

async function commit(blocks: SqlBlockStore, head: Head): Promise<void> {
  const { tenant, partition, windowStartMs, windowMs, seq, fromOffset } = head;
  const blockId = `head-${seq}`;
  const writing = writeBlock(head);
  let partCount = 0;
  for (let step = writing.next(); ; step = writing.next()) {
    if (!step.done) {
      if (step.value === undefined) continue;
      await blocks.stage(blockId, tenant, [step.value]);
      partCount++;
      continue;
    }
    const place = { blockId, tenant, partition, level: 0, windowStartMs, windowMs, seq, fromOffset };
    const meta = { ...place, toOffset: fromOffset, ...step.value };
    const move = { partition, expectedResumeOffset: fromOffset, resumeOffset: fromOffset + 1 };
    await blocks.commit({ meta, partCount, ...move, metadata: [] });
    return;
  }
}
