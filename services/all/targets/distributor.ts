import { randomUUID } from 'node:crypto';
import { serveDatabase } from '@xscaler/database';
import { connect } from '@xscaler/rpc';
import type { Logger, Module } from '@xscaler/runtime';
import { serveWriteLog } from '@xscaler/writelog';
import { clusterIngesters } from '../cluster-ingesters.ts';
import { serveCluster } from '../cluster-port.ts';
import { clusterSelfMetrics } from '../cluster-self-metrics.ts';
import type { Config } from '../config.ts';
import type { DistributorStatusApi } from '../distributor-status.ts';
import { opsServer } from '../ops-server.ts';
import { processIo } from '../process-io.ts';
import { ProcessParts } from '../process-parts.ts';
import { ReadinessWatch } from '../readiness-watch.ts';
import { channel, upstreamServer } from './upstream-process.ts';

const INSPECT_TIMEOUT_MS = 5_000;

/** Writes, as a process of its own: sockets and Kafka in the main thread, everything else in the distributor's. */
export function distributorProcess(
  config: Config,
  logger: Logger,
  notReady: () => string | undefined,
): Module[] {
  const parts = new ProcessParts('distributor-main', logger);
  const io = processIo('distributor', config, logger);
  const database = channel();
  const log = channel();
  const gateway = channel();
  const cluster = channel();
  const ingester = channel();
  const main = channel();
  const ports = {
    database: database.there,
    log: log.there,
    gateway: gateway.there,
    cluster: cluster.there,
    ingester: ingester.there,
    main: main.there,
  };
  const ingesters = clusterIngesters(config, io, logger, ingester.here);
  const status = connect<DistributorStatusApi>(main.here);
  const watch = new ReadinessWatch(
    () => status.notReady(undefined, AbortSignal.timeout(INSPECT_TIMEOUT_MS)),
    'the write log has not been looked at yet',
  );
  return [
    opsServer({
      listen: config.ops_listen,
      metrics: parts.metrics,
      notReady,
      debug: async () => {
        const partitions = [...Array(io.writeLog().partitionCount).keys()];
        const ends = await Promise.all(partitions.map((partition) => io.writeLog().endOffset(partition)));
        const report = await status.inspect(undefined, AbortSignal.timeout(INSPECT_TIMEOUT_MS));
        return { endOffsets: Object.fromEntries(ends.entries()), ...report };
      },
    }),
    io.database,
    io.log,
    io.redis,
    ingesters.module,
    {
      name: 'ports',
      needs: ['database', 'write-log', 'redis'],
      start: async () => {
        serveDatabase(io.db(), database.here);
        serveWriteLog(io.writeLog(), log.here);
        serveCluster(cluster.here, io.cluster(), io.cluster().rateShares(randomUUID(), 'samples'));
      },
    },
    parts.thread('distributor', { ...config, embedded: false }, ports, ['ports', 'ingesters']),
    {
      name: 'watch',
      needs: ['distributor'],
      start: () => watch.start(),
      stop: async () => watch.stop(),
      notReady: () => watch.notReady(),
    },
    upstreamServer(config, gateway.here, notReady, ['distributor']),
    clusterSelfMetrics(config, parts, io, logger),
  ];
}
