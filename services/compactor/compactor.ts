import { setTimeout as sleep } from 'node:timers/promises';
import type {
  BlockStore,
  CompactionCounts,
  CompactionJob,
  CompactionPolicy,
  CompactionStore,
} from '@xscaler/database';
import type { LogWriter } from '@xscaler/runtime';
import type { Registry } from 'prom-client';
import { BlockRewriter } from './block-rewriter.ts';
import { CompactorMetrics } from './compactor-metrics.ts';
import type { CompactorTenant } from './compactor-tenant.ts';
import { Housekeeping, type HousekeepingSettings } from './housekeeping.ts';
import { Lease } from './lease.ts';
import { groupsToMerge, type MergeBounds } from './merge-groups.ts';

export interface CompactorOptions {
  /** Its name among compactors; no two running ones share it. */
  readonly owner: string;
  readonly store: CompactionStore;
  readonly blocks: Pick<BlockStore, 'readPart' | 'sweepStaged'>;
  readonly tenants: () => Promise<readonly CompactorTenant[]>;
  readonly policy: CompactionPolicy;
  readonly bounds: MergeBounds;
  readonly housekeeping: HousekeepingSettings;
  /** How often it looks for work. */
  readonly intervalMs: number;
  /** A job is another's if nothing was heard of its owner for this long. */
  readonly leaseMs: number;
  readonly newBlockId: () => string;
  /** Wall clock, ms. */
  readonly clock: () => number;
  /** Why the clock can't be gone by: then nothing is merged or deleted. Undefined while it can; absent: it always can. */
  readonly clockFault?: () => string | undefined;
  readonly logger: LogWriter;
  readonly registry: Registry;
}

/** A compactor as `/debug` shows it. */
export interface CompactorReport {
  readonly owner: string;
  readonly job: CompactionJob | undefined;
  readonly lastFailure: string | undefined;
  /** Undefined if the database is unreachable. */
  readonly counts: CompactionCounts | undefined;
}

/**
 * Merges blocks, writes them without what was deleted, and clears away what nobody reads any more. Any number of them
 * work on one database: each day of a tenant and partition is one job, which one of them has at a time; were it two,
 * the second to swap would find the old blocks gone and do nothing.
 */
export class Compactor {
  readonly #options: CompactorOptions;
  readonly #metrics: CompactorMetrics;
  readonly #rewriter: BlockRewriter;
  readonly #housekeeping: Housekeeping;
  readonly #stopping = new AbortController();
  #job: CompactionJob | undefined;
  #lastFailure: string | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(options: CompactorOptions) {
    this.#options = options;
    this.#metrics = new CompactorMetrics(options.registry);
    this.#rewriter = new BlockRewriter(options);
    this.#housekeeping = new Housekeeping({
      ...options,
      settings: options.housekeeping,
      metrics: this.#metrics,
    });
  }

  start(): void {
    this.#work = this.#run();
  }

  /** Leaves a merge that is under way; another compactor does it again. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the compactor is stopping'));
    await this.#work;
  }

  async inspect(): Promise<CompactorReport> {
    const { owner, store } = this.#options;
    const counts = await store.counts().catch(() => undefined);
    return { owner, job: this.#job, lastFailure: this.#lastFailure, counts };
  }

  /** Does what is due now. Never rejects: what fails is tried again. */
  async runOnce(): Promise<void> {
    const { store, policy, leaseMs, owner, clock, clockFault } = this.#options;
    const { signal } = this.#stopping;
    // By a clock a year ahead everything is past its retention.
    if (clockFault?.() !== undefined) return;
    await this.#housekeeping.run(signal);
    const isPlanned = await this.#attempt('plan', () => store.plan(policy));
    while (!signal.aborted && clockFault?.() === undefined) {
      const job = await this.#attempt('claim', () => store.claim(owner, leaseMs));
      if (job === undefined) break;
      await this.#merge(job);
    }
    if (isPlanned !== undefined) this.#metrics.lastRun.set(clock() / 1_000);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.runOnce();
      await sleep(this.#options.intervalMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #merge(job: CompactionJob): Promise<void> {
    const { store, leaseMs } = this.#options;
    const { signal } = this.#stopping;
    this.#job = job;
    const done = await this.#attempt('merge', async () => {
      using lease = new Lease(store, job, leaseMs, signal);
      await this.#mergeDay(job, lease.signal);
      await store.finish(job);
      return true;
    });
    this.#job = undefined;
    if (done || signal.aborted) return;
    await this.#attempt('postpone', () => store.postpone(job));
  }

  async #mergeDay(job: CompactionJob, signal: AbortSignal): Promise<void> {
    const { store, bounds, clock, logger } = this.#options;
    const inputs = await store.inputs(job);
    for (const group of groupsToMerge(job, inputs, bounds)) {
      const startedMs = clock();
      const rewritten = await this.#rewriter.rewrite(job, group, inputs, signal);
      const { inputSamples, outputSamples, outputBytes } = rewritten;
      const seconds = Math.max(0, clock() - startedMs) / 1_000;
      const metrics = this.#metrics;
      metrics.merges.inc();
      metrics.mergedBlocks.inc(group.length);
      metrics.inputSamples.inc(inputSamples);
      metrics.outputSamples.inc(outputSamples);
      metrics.outputBytes.inc(outputBytes);
      metrics.mergeSeconds.observe(seconds);
      const { tenant, partition, dayStartMs } = job;
      const day = new Date(dayStartMs).toISOString().slice(0, 10);
      const what = { tenant, partition, day, blocks: group.length, samples: outputSamples, seconds };
      logger.info(what, 'blocks were merged');
    }
  }

  /** What `work` resolves with, or undefined if it failed, which is counted and told. */
  async #attempt<T>(duty: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (this.#stopping.signal.aborted) return undefined;
      this.#lastFailure = error instanceof Error ? error.message : String(error);
      this.#metrics.failures.inc({ duty });
      this.#options.logger.warn(
        { duty, job: this.#job, err: error },
        'the compactor failed; trying again later',
      );
      return undefined;
    }
  }
}
