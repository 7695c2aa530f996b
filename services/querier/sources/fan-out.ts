import { type BlockStore, type CommitPoint, NO_COMMIT } from '@xscaler/database';
import {
  compareUtf8,
  type Exemplar,
  exemplarKey,
  Labels,
  Matcher,
  type MetricMetadata,
  PatternTime,
  sortedUnion,
} from '@xscaler/model';
import type { IngesterApi, IngesterRead, PartitionCardinality, WireMatcher } from '@xscaler/rpc';
import { type BlockReader, bytesOfExemplars, bytesOfTexts, type SeriesCounts } from '@xscaler/tsdb';
import { ApiError } from '../answer/api-error.ts';
import type { BlockReaders } from './block-readers.ts';
import type { LookupBudget } from './lookup-budget.ts';
import { streamsInTurn } from './streams-in-turn.ts';

/** Blocks that a query reads at once, each one frame ahead, so that it does not wait for the database once per block. */
const CONCURRENT_BLOCKS = 4;

/** The subject of one read. Times in ms, inclusive. */
export interface Scope {
  readonly tenant: string;
  readonly startMs: number;
  readonly endMs: number;
  /**
   * For each partition to read, the offset that its ingester waits for. Undefined if blocks hold the whole range, so that
   * no ingester is asked.
   */
  readonly minOffsets: Readonly<Record<number, number>> | undefined;
  /** Each partition's last commit in the database, read before anything else. */
  readonly commits: ReadonlyMap<number, CommitPoint>;
  /** Of the client's request. */
  readonly requestId: string;
}

/**
 * Reads heads and blocks as one. Blocks are listed after the ingesters have begun to answer, so a head that is committed in
 * between is seen twice rather than missed; duplicates merge by (series id, timestamp). If the database was restored to an
 * earlier state, ingesters may have dropped samples that it has lost, so both sides compare commits.
 */
export class FanOut {
  readonly #ingesters: readonly IngesterApi[];
  readonly #blocks: BlockStore;
  readonly #readers: BlockReaders;

  constructor(ingesters: readonly IngesterApi[], blocks: BlockStore, readers: BlockReaders) {
    this.#ingesters = ingesters;
    this.#blocks = blocks;
    this.#readers = readers;
  }

  async *select(
    request: Scope & { readonly matchers: readonly WireMatcher[] },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    const { matchers, startMs, endMs } = request;
    const read: IngesterRead = { ...ingesterRead(request, []), matcherSets: [matchers] };
    for (const ingester of this.#ingestersFor(request)) yield* ingester.select(read, signal);
    const sets = timed([matchers]);
    const readers = await this.#listed(request);
    const streams = readers.map((reader) => reader.select(sets, startMs, endMs, signal));
    yield* streamsInTurn(streams, CONCURRENT_BLOCKS);
  }

  /** Sorted; with a limit in the budget, the first of them. Rejects as it does, too. */
  async labelNames(
    scope: Scope,
    sets: readonly Matcher[][],
    budget: LookupBudget,
    signal: AbortSignal,
  ): Promise<string[]> {
    const read = ingesterRead(scope, sets);
    const heads = (ingester: IngesterApi) => ingester.labelNames(read, signal);
    const stored = timed(sets);
    return this.#texts(scope, heads, (reader) => reader.labelNames(stored, signal), budget, signal);
  }

  /** Like `labelNames`. */
  async labelValues(
    scope: Scope,
    name: string,
    sets: readonly Matcher[][],
    budget: LookupBudget,
    signal: AbortSignal,
  ): Promise<string[]> {
    const read = { ...ingesterRead(scope, sets), name };
    const heads = (ingester: IngesterApi) => ingester.labelValues(read, signal);
    const stored = timed(sets);
    const blocks = (reader: BlockReader) => reader.labelValues(name, stored, signal, budget);
    return this.#texts(scope, heads, blocks, budget, signal);
  }

  /** Sorted texts of all sources, each once; one source's at a time is held beside those of the sources before it. */
  async #texts(
    scope: Scope,
    askHeads: (ingester: IngesterApi) => Promise<string[]>,
    askBlock: (reader: BlockReader) => Promise<string[]>,
    budget: LookupBudget,
    signal: AbortSignal,
  ): Promise<string[]> {
    if (isEmpty(scope)) return [];
    let found: string[] = [];
    const add = (texts: string[]) => {
      found = sortedUnion([found, texts]);
      if (found.length > budget.most) found = found.slice(0, budget.most);
      budget.merged(0, bytesOfTexts(found));
    };
    for (const texts of await Promise.all(this.#ingestersFor(scope).map(askHeads))) add(texts);
    for (const reader of await this.#listed(scope)) {
      signal.throwIfAborted();
      add(await askBlock(reader));
    }
    return found;
  }

  /** Like `labelNames`. */
  async series(
    scope: Scope,
    sets: readonly Matcher[][],
    budget: LookupBudget,
    signal: AbortSignal,
  ): Promise<Labels[]> {
    if (isEmpty(scope)) return [];
    const found = new Map<string, Labels>();
    let bytes = 0;
    const add = (labels: Labels) => {
      if (found.has(labels.key)) return;
      found.set(labels.key, labels);
      bytes += bytesOfTexts(labels.pairs);
    };
    const read = ingesterRead(scope, sets);
    for (const answer of await Promise.all(
      this.#ingestersFor(scope).map((ingester) => ingester.series(read, signal)),
    )) {
      for (const pairs of answer) add(Labels.fromSorted(pairs));
      budget.merged(found.size, bytes);
    }
    const stored = timed(sets);
    for (const reader of await this.#listed(scope)) {
      signal.throwIfAborted();
      for (const labels of await reader.series(stored, signal, budget)) add(labels);
      budget.merged(found.size, bytes);
    }
    return [...found.values()].sort((a, b) => a.compare(b)).slice(0, budget.most);
  }

  /** By series, each exemplar once, in time. Rejects as the budget does, too. */
  async exemplars(
    scope: Scope,
    sets: readonly Matcher[][],
    budget: LookupBudget,
    signal: AbortSignal,
  ): Promise<{ labels: Labels; exemplars: Exemplar[] }[]> {
    const found = new Map<string, { labels: Labels; byKey: Map<string, Exemplar> }>();
    let bytes = 0;
    const add = (labels: Labels, exemplars: readonly Exemplar[]) => {
      let entry = found.get(labels.key);
      if (entry === undefined) {
        entry = { labels, byKey: new Map() };
        found.set(labels.key, entry);
        bytes += bytesOfTexts(labels.pairs);
      }
      const fresh = new Map<string, Exemplar>();
      for (const exemplar of exemplars) {
        const key = exemplarKey(exemplar);
        if (!entry.byKey.has(key)) fresh.set(key, exemplar);
      }
      for (const [key, exemplar] of fresh) entry.byKey.set(key, exemplar);
      bytes += bytesOfTexts([...fresh.keys()]) + bytesOfExemplars([...fresh.values()]);
    };
    const { startMs, endMs } = scope;
    const { maxBytes } = budget;
    const read = { ...ingesterRead(scope, sets), ...(maxBytes > 0 && { maxBytes }) };
    const asked = this.#ingestersFor(scope).map((ingester) => ingester.exemplars(read, signal));
    for (const answer of await Promise.all(asked).catch((error) => budget.rethrow(error))) {
      for (const { labels, exemplars } of answer) {
        const parsed = exemplars.map((e) => ({ ...e, labels: Labels.fromSorted(e.labels) }));
        add(Labels.fromSorted(labels), parsed);
        budget.merged(found.size, bytes);
      }
    }
    const stored = timed(sets);
    for (const reader of await this.#listed(scope)) {
      signal.throwIfAborted();
      const older = await reader.exemplars(stored, startMs, endMs, signal, budget);
      for (const { labels, exemplars } of older) add(labels, exemplars);
      budget.merged(found.size, bytes);
    }
    return [...found.values()]
      .sort((a, b) => a.labels.compare(b.labels))
      .map(({ labels, byKey }) => ({
        labels,
        exemplars: [...byKey.values()].sort((a, b) => a.timestampMs - b.timestampMs),
      }));
  }

  /** What the log said last stands over what is stored. */
  async metadata(scope: Scope, metric: string | undefined, signal: AbortSignal): Promise<MetricMetadata[]> {
    const { tenant, requestId } = scope;
    const read = { tenant, metric, requestId, ...partitionsOf(scope) };
    const fresh = await Promise.all(
      this.#ingestersFor(scope).map((ingester) => ingester.metadata(read, signal)),
    );
    const byMetric = new Map<string, MetricMetadata>();
    for (const entry of await this.#blocks.metadata(tenant, metric)) byMetric.set(entry.metric, entry);
    for (const entry of fresh.flat()) byMetric.set(entry.metric, entry);
    return [...byMetric.values()].sort((a, b) => compareUtf8(a.metric, b.metric));
  }

  /** What every source counts, by the partition that its series are of: a partition's heads are one source, each block is. */
  async counts(
    scope: Scope,
    sets: readonly Matcher[][],
    names: readonly string[] | undefined,
    budget: LookupBudget,
    signal: AbortSignal,
  ): Promise<{ heads: PartitionCardinality[]; blocks: { partition: number; counts: SeriesCounts }[] }> {
    const read = { ...ingesterRead(scope, sets), ...(names && { names }) };
    const heads = await Promise.all(
      this.#ingestersFor(scope).map((ingester) => ingester.cardinality(read, signal)),
    );
    for (const { labels } of heads.flat())
      for (const { values } of labels) budget.take(0, bytesOfTexts(values));
    const wanted = names && new Set(names);
    const stored = timed(sets);
    const blocks = await this.#fromBlocks(scope, signal, async (reader) => ({
      partition: reader.partition,
      counts: await reader.labelCounts(stored, wanted, signal, budget),
    }));
    return { heads: heads.flat(), blocks };
  }

  #ingestersFor({ minOffsets }: Scope): readonly IngesterApi[] {
    return minOffsets === undefined ? [] : this.#ingesters;
  }

  async #listed({ tenant, startMs, endMs, commits }: Scope): Promise<BlockReader[]> {
    const [metas, tombstones] = await Promise.all([
      this.#blocks.list(tenant, startMs, endMs),
      this.#blocks.tombstones(tenant, startMs, endMs),
    ]);
    await this.#requireCommits(commits);
    return metas.map((meta) => this.#readers.reader(meta, tombstones));
  }

  /** @throws ApiError `unavailable` if the database has lost commits since the read began */
  async #requireCommits(commits: ReadonlyMap<number, CommitPoint>): Promise<void> {
    const now = await this.#blocks.lastCommits();
    for (const [partition, { number, id }] of commits) {
      const last = now.get(partition);
      if (last?.number === number && last.id === id) continue;
      const history = await this.#blocks.commitHistory(partition);
      if (history.includes({ number, id })) continue;
      throw new ApiError(
        'unavailable',
        `the database has gone back in time: commit ${number} of partition ${partition} is gone`,
      );
    }
  }

  async #fromBlocks<T>(
    scope: Scope,
    signal: AbortSignal,
    ask: (reader: BlockReader) => Promise<T>,
  ): Promise<T[]> {
    const answers: T[] = [];
    for (const reader of await this.#listed(scope)) {
      signal.throwIfAborted();
      answers.push(await ask(reader));
    }
    return answers;
  }
}

/** What one read may take of this thread for its regular expressions, ms. */
const MAX_PATTERN_MS = 3_000;

/** The matchers for all blocks of one read, which have the time for it together. */
function timed(sets: readonly (readonly WireMatcher[])[]): Matcher[][] {
  const time = new PatternTime(() => performance.now(), MAX_PATTERN_MS);
  return sets.map((set) => set.map(({ type, name, value }) => new Matcher(type, name, value, time)));
}

/** A range that ends before it starts is empty, like in Prometheus. */
function isEmpty({ startMs, endMs }: Scope): boolean {
  return endMs < startMs;
}

function ingesterRead(scope: Scope, sets: readonly Matcher[][]): IngesterRead {
  const { tenant, startMs, endMs, requestId } = scope;
  const matcherSets = sets.map((set) => set.map(({ type, name, value }) => ({ type, name, value })));
  return { tenant, matcherSets, startMs, endMs, requestId, ...partitionsOf(scope), ...commitsOf(scope) };
}

/** For ingesters, which compare them with the commits that they rely on. */
function commitsOf({ commits, minOffsets = {} }: Scope): Pick<IngesterRead, 'commits'> {
  const found = Object.keys(minOffsets).map((partition) => [
    partition,
    commits.get(Number(partition)) ?? NO_COMMIT,
  ]);
  return { commits: Object.fromEntries(found) };
}

/** Partitions are named: one that nobody has is an error, and who has none of them isn't asked. */
function partitionsOf({ minOffsets = {} }: Scope): Pick<IngesterRead, 'minOffsets' | 'partitions'> {
  return { minOffsets, partitions: Object.keys(minOffsets).map(Number) };
}
