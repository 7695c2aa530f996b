/** Thread of the ingester: every partition's heads. */
import { connectDatabase, SqlBlockStore } from '@xscaler/database';
import { Ingester, LoggedReads } from '@xscaler/ingester';
import { type IngesterApi, serve } from '@xscaler/rpc';
import { createLogger, createRegistry, runThread } from '@xscaler/runtime';
import { connectWriteLog } from '@xscaler/writelog';
import type { ThreadConfig } from '../configuration/config.ts';
import { connectClock } from '../wiring/process-clock.ts';
import type { IngesterStatusApi } from '../wiring/replay.ts';

runThread<ThreadConfig>(async ({ config, ports }) => {
  const registry = createRegistry('ingester');
  const log = await connectWriteLog(ports.log);
  const logger = createLogger({ service: 'ingester', level: config.log.level });
  const clock = config.embedded ? undefined : await connectClock(ports.clock, config);
  const db = connectDatabase(ports.database, config.embedded ? 'sqlite' : 'postgres');
  const settings = config.ingester;
  const ingester = new Ingester({
    // Of a cluster's log the main thread knows which are its own.
    partitions: config.embedded ? [...Array(log.partitionCount).keys()] : [],
    zone: config.cluster.zone,
    otherZoneMs: config.embedded ? 0 : config.cluster.other_zone_wait,
    truncatesLog: config.embedded,
    log,
    blocks: new SqlBlockStore(db, Date.now, 2 * config.cluster.max_clock_skew),
    cuts: {
      graceMs: settings.cut_grace,
      lateHeadAgeMs: settings.late_head_age,
      lateHeadBytes: settings.late_head_bytes,
      maxHeadBytes: settings.max_head_bytes,
    },
    committedHeadLingerMs: settings.committed_head_linger,
    clock: Date.now,
    clockFault: () => clock?.fault(),
    logger,
    registry,
  });
  const reads = new LoggedReads(ingester, logger);
  serve<IngesterApi>(ports.querier, reads);
  if (ports.distributor !== undefined) serve<IngesterApi>(ports.distributor, reads);
  serve<IngesterStatusApi>(ports.main, {
    status: async () => ingester.status(),
    inspect: () => ingester.inspect(),
    activeSeries: async () => ingester.activeSeries(),
    own: async (partitions) => {
      // A partition that is stopped has said so.
      ingester.own(partitions).catch((error) => logger.error({ err: error }, 'not all partitions are taken'));
    },
  });
  // A replay may be long; reads wait for its end, and the process asks for the status.
  ingester.start().catch((error) => logger.error({ err: error }, 'the ingester did not start'));
  return { registry, stop: () => ingester.stop() };
});
