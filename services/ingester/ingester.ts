import type { BlockStore } from '@xscaler/database';
import { type Labels, Matcher, type MetricMetadata, PatternTime, sortedUnion } from '@xscaler/model';
import {
  type ActiveIdsRead,
  type CardinalityRead,
  type IngesterApi,
  type IngesterExemplars,
  type IngesterRead,
  type MetadataRead,
  type PartitionCardinality,
  UnavailableError,
  type WireMatcher,
} from '@xscaler/rpc';
import type { LogWriter } from '@xscaler/runtime';
import { HeadMemory } from '@xscaler/tsdb';
import type { WriteLog } from '@xscaler/writelog';
import type { Registry } from 'prom-client';
import { type ActiveSeriesCounts, activeIdsOf, activeSeriesOf } from './heads/active-series.ts';
import { countedHeads } from './heads/counted-heads.ts';
import type { CutSettings } from './heads/cut-policy.ts';
import { exemplarAnswer } from './heads/exemplar-answer.ts';
import { labelNamesOf, labelValuesOf, maskedFrames, maskOf, seriesLabelsOf } from './heads/masked-heads.ts';
import type { HeldHead } from './heads/partition-heads.ts';
import { IngesterMetrics } from './metrics/ingester-metrics.ts';
import { PartitionOwner } from './partition-owner.ts';
import type { PartitionReport } from './partition-report.ts';

export interface IngesterOptions {
  /** Partitions owned from the start; `own` adds more. */
  readonly partitions: readonly number[];
  /** Each replica of a partition is in a different zone. */
  readonly zone: string;
  /** How long to wait for another zone's block. */
  readonly otherZoneMs: number;
  /** Whether only this ingester reads the log, and so trims records that are in blocks. */
  readonly truncatesLog: boolean;
  readonly log: WriteLog;
  readonly blocks: BlockStore;
  readonly cuts: CutSettings;
  readonly committedHeadLingerMs: number;
  readonly clock: () => number;
  /** Why the clock can't be trusted; undefined while it can. If absent, it is always trusted. */
  readonly clockFault?: () => string | undefined;
  readonly logger: LogWriter;
  readonly registry: Registry;
}

/** Memory of dropped heads kept for reuse. */
const FREE_PAGES_BYTES = 64 * 1024 * 1024;

/** Parts staged this long ago belong to an abandoned commit. */
const STAGED_LIVE_MS = 3_600_000;
const SWEEP_EVERY_MS = 600_000;

/** Target size of a frame of series. */
const FRAME_BYTES = 1024 * 1024;

/** By partition: its state, and the offset of the next record to apply. */
export type IngesterStatus = Readonly<
  Record<number, { readonly state: PartitionOwner['state']; readonly nextOffset: number }>
>;

/** Owns partitions of the log and answers reads from their heads. */
export class Ingester implements IngesterApi {
  /** By partition. */
  #owners: readonly PartitionOwner[] = [];
  readonly #clock: () => number;
  readonly #newOwner: (partition: number) => PartitionOwner;
  readonly #sweep: () => Promise<void>;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(options: IngesterOptions) {
    const memory = new HeadMemory(FREE_PAGES_BYTES);
    const metrics = new IngesterMetrics(options.registry);
    const { blocks, clock, clockFault, logger } = options;
    this.#clock = clock;
    this.#sweep = async () => {
      if (clockFault?.() !== undefined) return;
      try {
        await blocks.sweepStaged(clock() - STAGED_LIVE_MS);
      } catch (error) {
        logger.warn({ err: error }, 'parts of unfinished blocks could not be swept');
      }
    };
    this.#newOwner = (partition) => {
      const onCommitsLost = () => void this.#readAgain(owner, logger);
      const owner: PartitionOwner = new PartitionOwner({
        ...options,
        partition,
        metrics,
        memory,
        onCommitsLost,
      });
      return owner;
    };
    this.#add(options.partitions);
  }

  /** Resolves when every partition has replayed what the log held. */
  async start(): Promise<void> {
    // A partition added during the sweep is started by the code that adds it.
    const owners = this.#owners;
    await this.#sweep();
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_EVERY_MS);
    await Promise.all(owners.map((owner) => owner.start()));
  }

  /**
   * Adds partitions while the present ones continue. Resolves when the new ones have replayed the log; rejects if one of
   * them is stopped.
   */
  async own(partitions: readonly number[]): Promise<void> {
    await Promise.all(this.#add(partitions).map((owner) => owner.start()));
  }

  /** Returns the new owners. */
  #add(partitions: readonly number[]): PartitionOwner[] {
    const known = new Set(this.#owners.map(({ partition }) => partition));
    const added = partitions.filter((partition) => !known.has(partition)).map(this.#newOwner);
    this.#owners = [...this.#owners, ...added].sort((a, b) => a.partition - b.partition);
    return added;
  }

  /** Replaces an owner that relied on lost commits by one that starts from the database's present state. */
  async #readAgain(owner: PartitionOwner, logger: LogWriter): Promise<void> {
    const fresh = this.#newOwner(owner.partition);
    this.#owners = this.#owners.map((other) => (other === owner ? fresh : other));
    await owner.giveUp();
    // Why it stops is in its logs and its status.
    fresh
      .start()
      .catch((err) => logger.warn({ partition: owner.partition, err }, 'the partition is not read'));
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeping);
    await Promise.all(this.#owners.map((owner) => owner.stop()));
  }

  /** Each partition's status. */
  status(): IngesterStatus {
    return Object.fromEntries(
      this.#owners.map(({ partition, state, nextOffset }) => [partition, { state, nextOffset }]),
    );
  }

  /** Active series by partition and tenant, of the partitions that are read. */
  activeSeries(): ActiveSeriesCounts[] {
    const nowMs = this.#clock();
    return this.#owners
      .filter(({ state }) => state === 'live' || state === 'replaying')
      .map(({ partition, heads }) => activeSeriesOf(partition, heads, nowMs));
  }

  /** Each partition in detail, for operators. */
  inspect(): Promise<PartitionReport[]> {
    return Promise.all(this.#owners.map((owner) => owner.inspect()));
  }

  async *select(read: IngesterRead, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const owners = await this.#caughtUp(read, signal);
    const matchers = compileMatchers(read.matcherSets);
    // All selections are made before the first await, so that a record shows in all of them or in none.
    const selections = headsOf(owners, read).map((held) => ({
      selection: held.head.select(matchers, read.startMs, read.endMs),
      mask: maskOf(held),
    }));
    try {
      for (const { selection, mask } of selections) {
        for (const frame of maskedFrames(selection, mask, FRAME_BYTES)) {
          signal.throwIfAborted();
          yield frame;
        }
      }
    } finally {
      for (const { selection } of selections) selection.close();
    }
  }

  async labelNames(read: IngesterRead, signal: AbortSignal): Promise<string[]> {
    const owners = await this.#caughtUp(read, signal);
    const matchers = compileMatchers(read.matcherSets);
    return sortedUnion(headsOf(owners, read).map((held) => labelNamesOf(held, matchers)));
  }

  async labelValues(read: IngesterRead & { readonly name: string }, signal: AbortSignal): Promise<string[]> {
    const owners = await this.#caughtUp(read, signal);
    const matchers = compileMatchers(read.matcherSets);
    return sortedUnion(headsOf(owners, read).map((held) => labelValuesOf(held, read.name, matchers)));
  }

  async series(read: IngesterRead, signal: AbortSignal): Promise<string[][]> {
    const owners = await this.#caughtUp(read, signal);
    const matchers = compileMatchers(read.matcherSets);
    const found = new Map<string, Labels>();
    for (const held of headsOf(owners, read)) {
      for (const labels of seriesLabelsOf(held, matchers)) found.set(labels.key, labels);
    }
    return [...found.values()].map((labels) => [...labels.pairs]);
  }

  async exemplars(read: IngesterRead, signal: AbortSignal): Promise<IngesterExemplars[]> {
    const owners = await this.#caughtUp(read, signal);
    return exemplarAnswer(headsOf(owners, read), compileMatchers(read.matcherSets), read, signal);
  }

  async cardinality(read: CardinalityRead, signal: AbortSignal): Promise<PartitionCardinality[]> {
    const owners = await this.#caughtUp(read, signal);
    const matchers = compileMatchers(read.matcherSets);
    const names = read.names === undefined ? undefined : new Set(read.names);
    const counts: Promise<PartitionCardinality>[] = owners.map((owner) => {
      const heads = headsOf([owner], read);
      return countedHeads(owner.partition, heads, matchers, read.startMs, names, signal);
    });
    return Promise.all(counts);
  }

  async activeIds(read: ActiveIdsRead, signal: AbortSignal): Promise<Uint8Array> {
    const owners = await this.#caughtUp(read, signal);
    const nowMs = this.#clock();
    const ids = Buffer.concat(owners.map(({ heads }) => activeIdsOf(heads, read.tenant, nowMs)));
    // In a separate buffer, which a port can transfer.
    return new Uint8Array(ids);
  }

  async metadata(read: MetadataRead, signal: AbortSignal): Promise<MetricMetadata[]> {
    const owners = await this.#caughtUp(read, signal);
    return owners.flatMap((owner) => owner.metadata.of(read.tenant, read.metric));
  }

  /**
   * The owners of a read's partitions, once they have applied what it waits for. The caller must select from them before its
   * next await. @throws UnavailableError if an owner has ended meanwhile and its replacement has yet to replay
   */
  async #caughtUp(
    read: Pick<IngesterRead, 'tenant' | 'minOffsets' | 'partitions' | 'commits'>,
    signal: AbortSignal,
  ): Promise<readonly PartitionOwner[]> {
    signal.throwIfAborted();
    const owners = this.#ownersFor(read);
    await Promise.all(
      owners.map(async (owner) => {
        await owner.waitFor(read.minOffsets[owner.partition] ?? 0, signal);
        const found = read.commits?.[owner.partition];
        if (found !== undefined) await owner.requireIn(found, read.tenant, signal);
      }),
    );
    const ended = owners.find(({ state }) => state === 'stopped');
    if (ended !== undefined) throw new UnavailableError(`partition ${ended.partition} is stopped`);
    return owners;
  }

  /** @throws UnavailableError if a requested partition is not owned here: its data would be missing from the answer */
  #ownersFor({ partitions }: Pick<IngesterRead, 'partitions'>): readonly PartitionOwner[] {
    if (partitions === undefined) return this.#owners;
    return partitions.map((partition) => {
      const owner = this.#owners.find((candidate) => candidate.partition === partition);
      if (owner === undefined) throw new UnavailableError(`partition ${partition} is not owned here`);
      return owner;
    });
  }
}

function headsOf(owners: readonly PartitionOwner[], { tenant, startMs, endMs }: IngesterRead): HeldHead[] {
  return owners
    .flatMap((owner) => [...owner.heads.ofTenant(tenant)])
    .filter(({ head }) => head.windowStartMs <= endMs && head.windowStartMs + head.windowMs > startMs);
}

/** Limit of the thread time that a read's regular expressions may use, ms. */
const MAX_PATTERN_MS = 3_000;

function compileMatchers(sets: readonly (readonly WireMatcher[])[]): Matcher[][] {
  const time = new PatternTime(() => performance.now(), MAX_PATTERN_MS);
  return sets.map((set) => set.map(({ type, name, value }) => new Matcher(type, name, value, time)));
}
