import { createHash } from 'node:crypto';
import { type BlockMeta, type BlockStore, type DeletionStore, hidesOf } from '@xscaler/database';
import { Labels, SampleColumns, seriesId } from '@xscaler/model';
import { BlockReader, Head, SeriesMerger, writeBlock } from '@xscaler/tsdb';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WINDOW_MS = 2 * HOUR_MS;

export const TENANTS: readonly string[] = ['team-a', 'team-b'];
export const PARTITIONS: readonly number[] = [0, 1];

/** A day that ended long enough ago to be merged, and not so long that its samples are past their retention. */
export function dayBefore(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS) * DAY_MS - 3 * DAY_MS;
}

/** Blocks of one day as ingesters leave them, with doubles: every third window has a second head, of other values. */
export class StoredHeads {
  readonly #blocks: BlockStore;
  readonly #deletions: DeletionStore;
  readonly #dayStartMs: number;
  readonly #nextOffsets = new Map<number, number>(PARTITIONS.map((partition) => [partition, 0]));
  #deleted = 0;

  constructor(blocks: BlockStore, deletions: DeletionStore, dayStartMs: number) {
    this.#blocks = blocks;
    this.#deletions = deletions;
    this.#dayStartMs = dayStartMs;
  }

  async store(seriesCount: number, samplesPerWindow: number): Promise<void> {
    for (let window = 0; window < 12; window++) {
      for (const partition of PARTITIONS) {
        for (const tenant of TENANTS) {
          for (let copy = 0; copy <= (window % 3 === 0 ? 1 : 0); copy++) {
            const head = this.#head(tenant, partition, window);
            fill(head, seriesCount, samplesPerWindow, copy);
            await this.#commit(head);
          }
        }
      }
    }
  }

  /** Hides a metric of a tenant from the middle of one window to that of the next, as an acknowledged deletion does. */
  async delete(tenant: string, name: string, window: number): Promise<string> {
    const offsets = new Map(this.#nextOffsets);
    for (const [partition, offset] of offsets) this.#nextOffsets.set(partition, offset + 1);
    const startMs = this.#dayStartMs + window * WINDOW_MS + HOUR_MS;
    const deletionId = `deletion-${++this.#deleted}`;
    const deletion = {
      ...{ deletionId, tenant, requestedMs: Date.now(), startMs, endMs: startMs + WINDOW_MS },
      matcherSets: [[{ type: '=' as const, name: '__name__', value: name }]],
    };
    await this.#deletions.hide(deletion, offsets);
    for (const [partition, offset] of offsets) {
      const expectedResumeOffset = await this.#blocks.resumeOffset(partition);
      const nothing = { meta: undefined, partCount: 0, metadata: [] };
      await this.#blocks.commit({ ...nothing, partition, expectedResumeOffset, resumeOffset: offset + 1 });
    }
    return deletionId;
  }

  /** What a tenant's queries see: by series, a digest of all its samples. */
  async answers(tenant: string): Promise<ReadonlyMap<string, string>> {
    const ever = [this.#dayStartMs, this.#dayStartMs + DAY_MS] as const;
    const [metas, tombstones] = await Promise.all([
      this.#blocks.list(tenant, ...ever),
      this.#blocks.tombstones(tenant, ...ever),
    ]);
    const merger = new SeriesMerger();
    const { signal } = new AbortController();
    for (const meta of metas) {
      const read = this.#blocks.readPart.bind(this.#blocks, meta.blockId);
      const hiding = tombstones.filter((tombstone) => hidesOf(tombstone, meta));
      const reader = new BlockReader(meta, { read }, undefined, hiding);
      for await (const frame of reader.select([], ...ever, signal)) merger.addFrame(frame);
    }
    const found = new Map<string, string>();
    const columns = new SampleColumns();
    for (const series of merger.finish(...ever)) {
      columns.reset();
      series.read(columns);
      const hash = createHash('sha256');
      hash.update(columns.timestamps.subarray(0, columns.length));
      hash.update(columns.valueWords.subarray(0, 2 * columns.length));
      found.set(series.labels.toString(), `${columns.length} ${hash.digest('hex')}`);
    }
    return found;
  }

  #head(tenant: string, partition: number, window: number): Head {
    const fromOffset = this.#nextOffsets.get(partition) as number;
    this.#nextOffsets.set(partition, fromOffset + 2);
    const windowStartMs = this.#dayStartMs + window * WINDOW_MS;
    const identity = { tenant, partition, seq: fromOffset, fromOffset };
    return new Head({ ...identity, windowStartMs, windowMs: WINDOW_MS });
  }

  async #commit(head: Head): Promise<void> {
    const { tenant, partition, seq, fromOffset, windowStartMs, windowMs } = head;
    const blockId = `head-${tenant}-${partition}-${seq}`;
    const writing = writeBlock(head);
    let partCount = 0;
    for (let step = writing.next(); ; step = writing.next()) {
      if (!step.done) {
        if (step.value === undefined) continue;
        await this.#blocks.stage(blockId, tenant, [step.value]);
        partCount++;
        continue;
      }
      const toOffset = fromOffset + 1;
      const where = {
        blockId,
        tenant,
        partition,
        level: 0,
        windowStartMs,
        windowMs,
        seq,
        fromOffset,
        toOffset,
      };
      const meta: BlockMeta = { ...where, ...step.value };
      const expectedResumeOffset = await this.#blocks.resumeOffset(partition);
      const commit = { meta, partCount, partition, expectedResumeOffset, resumeOffset: toOffset + 1 };
      await this.#blocks.commit({ ...commit, metadata: [] });
      return;
    }
  }
}

/** Series of ten metrics, each in all partitions: if they meet, the first one's samples stand. */
function fill(head: Head, seriesCount: number, samplesPerWindow: number, copy: number): void {
  const value = new Float64Array(1);
  const words = new Int32Array(value.buffer);
  const stepMs = Math.floor(WINDOW_MS / samplesPerWindow);
  for (let i = 0; i < seriesCount; i++) {
    const labels = Labels.of({ __name__: `metric_${i % 10}`, pod: `pod-${i}` });
    const id = new Int32Array(seriesId(head.tenant, labels).slice().buffer);
    const slot = head.create(id[0], id[1], id[2], id[3], labels);
    for (let step = 0; step < samplesPerWindow; step++) {
      // The second head of a window lies between the samples of the first, and on every other of them.
      const timeMs = head.windowStartMs + step * stepMs + (copy === 1 && step % 2 === 0 ? stepMs >> 1 : 0);
      value[0] = ((i * 31 + step * 7) % 1_000) + copy + head.partition;
      head.append(slot, timeMs, words[0], words[1]);
    }
  }
}
