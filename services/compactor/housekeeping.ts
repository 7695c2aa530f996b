import type { BlockStore, CompactionStore } from '@xscaler/database';
import type { LogWriter } from '@xscaler/runtime';
import type { CompactorMetrics } from './compactor-metrics.ts';
import type { CompactorTenant } from './compactor-tenant.ts';

export interface HousekeepingSettings {
  /** How long samples of a tenant that nobody knows are kept, ms; 0: for ever. */
  readonly defaultRetentionMs: number;
  /** From a tenant's deletion until its data goes. */
  readonly tenantCleanupDelayMs: number;
  /** How long retired blocks and the tombstones of deletions that are done stay: longer than a read lives. */
  readonly purgeDelayMs: number;
  /** Parts that were staged this long ago belong to a commit or merge that nobody continues. */
  readonly stagedLiveMs: number;
  /** How long the receipt of a deletion that is done can be asked for. */
  readonly receiptKeepMs: number;
}

export interface HousekeepingOptions {
  readonly store: CompactionStore;
  readonly blocks: Pick<BlockStore, 'sweepStaged'>;
  readonly tenants: () => Promise<readonly CompactorTenant[]>;
  readonly settings: HousekeepingSettings;
  readonly clock: () => number;
  readonly clockFault?: () => string | undefined;
  readonly logger: LogWriter;
  readonly metrics: CompactorMetrics;
}

/** Everything that goes by time: retention, deleted tenants, retired blocks, parts that nobody finished, deletions that are done. */
export class Housekeeping {
  readonly #options: HousekeepingOptions;
  /** Deleted tenants of whom nothing was left. */
  readonly #forgotten = new Set<string>();

  constructor(options: HousekeepingOptions) {
    this.#options = options;
  }

  /** Each duty by itself: one that fails is tried again the next time and holds no other up. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, blocks, settings, clock, clockFault, logger, metrics } = this.#options;
    const nowMs = clock();
    const duties: readonly [string, () => Promise<void>][] = [
      ['retention', () => this.#retain(nowMs)],
      ['tenant_cleanup', () => this.#forgetTenants(nowMs)],
      [
        'settle_deletions',
        async () => {
          const { purgeDelayMs, receiptKeepMs } = settings;
          const settled = await store.settleDeletions(nowMs - purgeDelayMs, nowMs - receiptKeepMs);
          metrics.settledTombstones.inc(settled);
        },
      ],
      [
        'purge',
        async () => metrics.purgedBlocks.inc(await store.purgeRetired(nowMs - settings.purgeDelayMs)),
      ],
      ['sweep', async () => metrics.sweptBlocks.inc(await blocks.sweepStaged(nowMs - settings.stagedLiveMs))],
      ['counts', async () => metrics.observe(await store.counts())],
    ];
    for (const [duty, work] of duties) {
      if (signal.aborted || clockFault?.() !== undefined) return;
      try {
        await work();
      } catch (error) {
        metrics.failures.inc({ duty });
        logger.warn({ duty, err: error }, 'housekeeping failed; trying again later');
      }
    }
  }

  async #retain(nowMs: number): Promise<void> {
    const { store, tenants, settings, logger, metrics } = this.#options;
    const retention = new Map((await tenants()).map(({ id, retentionMs }) => [id, retentionMs]));
    for (const tenant of await store.tenantsWithBlocks()) {
      const retentionMs = retention.get(tenant) ?? settings.defaultRetentionMs;
      if (retentionMs === 0) continue;
      const retired = await store.retireBefore(tenant, nowMs - retentionMs);
      if (retired === 0) continue;
      metrics.expiredBlocks.inc(retired);
      logger.info({ tenant, blocks: retired }, 'blocks past their retention were retired');
    }
  }

  async #forgetTenants(nowMs: number): Promise<void> {
    const { store, tenants, settings, logger } = this.#options;
    const withBlocks = new Set(await store.tenantsWithBlocks());
    for (const { id, deletedMs } of await tenants()) {
      if (deletedMs === undefined) {
        this.#forgotten.delete(id);
        continue;
      }
      if (nowMs - deletedMs < settings.tenantCleanupDelayMs) continue;
      // Heads that were open when it was deleted become blocks later.
      if (this.#forgotten.has(id) && !withBlocks.has(id)) continue;
      const forgotten = await store.forgetTenant(id);
      if (forgotten > 0) logger.info({ tenant: id, rows: forgotten }, 'data of a deleted tenant was deleted');
      this.#forgotten.add(id);
    }
  }
}
