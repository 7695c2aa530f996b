/** Thread of the querier; its evaluation threads are its own. */
import { connectDatabase, SqlBlockStore, SqlOutageStore } from '@xscaler/database';
import { Querier } from '@xscaler/querier';
import { connect, type IngesterApi, serve, type Upstream } from '@xscaler/rpc';
import { createLogger, createRegistry, runThread } from '@xscaler/runtime';
import { overriddenLimits, PlacementDirectory, TenantDirectory, TenantStore } from '@xscaler/tenancy';
import { connectWriteLog } from '@xscaler/writelog';
import type { ThreadConfig } from '../configuration/config.ts';
import { VERSION } from '../configuration/version.ts';
import { connectClock } from '../wiring/process-clock.ts';
import { untilDatabase } from '../wiring/until-database.ts';

runThread<ThreadConfig>(async ({ config, ports, waitsFor }) => {
  const registry = createRegistry('querier');
  const logger = createLogger({ service: 'querier', level: config.log.level });
  const db = connectDatabase(ports.database, config.embedded ? 'sqlite' : 'postgres');
  const clock = config.embedded ? undefined : await connectClock(ports.clock, config);
  const maxAheadMs = 2 * config.cluster.max_clock_skew;
  const directory = new TenantDirectory({ db, defaults: config.limits });
  await untilDatabase(() => directory.start(), { waitsFor, logger });
  const placement = new PlacementDirectory({ db });
  await untilDatabase(() => placement.start(), { waitsFor, logger });
  const tenants = new TenantStore(db);
  const outageStore = new SqlOutageStore(db, maxAheadMs);
  const settings = config.querier;
  const querier = new Querier({
    ingesters: [connect<IngesterApi>(ports.ingester, { streams: { select: true } })],
    log: await connectWriteLog(ports.log),
    blocks: new SqlBlockStore(db, Date.now, maxAheadMs),
    limitsOf: (tenant) => directory.tenant(tenant)?.limits ?? config.limits,
    partitionsOf: (tenant) => placement.readPartitions(tenant),
    latenessOf: async (id) => {
      const [tenant, outages] = await Promise.all([tenants.tenant(id), outageStore.all(Date.now())]);
      // Of one that isn't known nothing is known to be settled.
      if (tenant === undefined) return { windowMs: Number.POSITIVE_INFINITY, changedMs: 0, outages };
      const { limits } = await overriddenLimits(config.limits, tenant.overrides);
      return { windowMs: limits.out_of_order_time_window, changedMs: tenant.changedMs, outages };
    },
    maxClockSkewMs: config.cluster.max_clock_skew,
    clock: Date.now,
    clockFault: () => clock?.fault(),
    logger,
    registry,
    version: VERSION,
    evaluationThreads: settings.evaluation_threads,
    evaluationHeapMb: settings.evaluation_heap_mb,
    maxQueuedQueries: settings.max_queued_queries,
    maxBlockIndexBytes: settings.max_block_index_bytes,
    maxBlockChunkBytes: settings.max_block_chunk_bytes,
    queryTimeoutMs: settings.timeout,
    lookbackDeltaMs: settings.lookback_delta,
  });
  serve<Upstream>(ports.gateway, querier);
  return {
    registry,
    stop: async () => {
      directory.stop();
      placement.stop();
      await querier.stop();
    },
  };
});
