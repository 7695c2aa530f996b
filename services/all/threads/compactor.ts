/** Thread of the compactor. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Compactor, type CompactorTenant } from '@xscaler/compactor';
import { connectDatabase, SqlBlockStore, SqlCompactionStore } from '@xscaler/database';
import { serve } from '@xscaler/rpc';
import { createLogger, createRegistry, runThread } from '@xscaler/runtime';
import { TenantDirectory, TenantStore } from '@xscaler/tenancy';
import type { ThreadConfig } from '../configuration/config.ts';
import type { CompactorStatusApi } from '../status/compactor-status.ts';
import { connectClock } from '../wiring/process-clock.ts';
import { untilDatabase } from '../wiring/until-database.ts';

/** Parts that were staged this long ago belong to a commit or merge that nobody continues. */
const STAGED_LIVE_MS = 3_600_000;

runThread<ThreadConfig>(async ({ config, ports, waitsFor }) => {
  const registry = createRegistry('compactor');
  const logger = createLogger({ service: 'compactor', level: config.log.level });
  const db = connectDatabase(ports.database, config.embedded ? 'sqlite' : 'postgres');
  const clock = config.embedded ? undefined : await connectClock(ports.clock, config);
  const directory = new TenantDirectory({ db, defaults: config.limits });
  await untilDatabase(() => directory.start(), { waitsFor, logger });
  const store = new TenantStore(db);
  const retentionOf = (id: string) =>
    (directory.tenant(id)?.limits ?? config.limits).compactor_blocks_retention_period;
  const settings = config.compactor;
  const compactor = new Compactor({
    owner: `${hostname()}-${process.pid}-${randomUUID()}`,
    store: new SqlCompactionStore(db),
    blocks: new SqlBlockStore(db),
    tenants: async (): Promise<CompactorTenant[]> =>
      (await store.tenants()).map(({ id, state, changedMs }) => ({
        id,
        retentionMs: retentionOf(id),
        deletedMs: state === 'deleted' ? changedMs : undefined,
      })),
    policy: {
      settleMs: settings.settle,
      freshBlocks: settings.fresh_blocks,
      lateBlocks: settings.late_blocks,
    },
    bounds: { maxBlocks: settings.max_blocks, maxSeries: settings.max_series },
    housekeeping: {
      defaultRetentionMs: config.limits.compactor_blocks_retention_period,
      tenantCleanupDelayMs: settings.tenant_cleanup_delay,
      purgeDelayMs: settings.purge_delay,
      stagedLiveMs: STAGED_LIVE_MS,
      receiptKeepMs: settings.receipt_keep,
    },
    intervalMs: settings.interval,
    leaseMs: settings.lease,
    newBlockId: randomUUID,
    clock: Date.now,
    clockFault: () => clock?.fault(),
    logger,
    registry,
  });
  serve<CompactorStatusApi>(ports.main, { inspect: () => compactor.inspect() });
  compactor.start();
  return {
    registry,
    stop: async () => {
      await compactor.stop();
      directory.stop();
    },
  };
});
