import { randomUUID } from 'node:crypto';
import { serveDatabase } from '@xscaler/database';
import { connect } from '@xscaler/rpc';
import type { Logger, Module, Readiness } from '@xscaler/runtime';
import { serveWriteLog } from '@xscaler/writelog';
import type { Config } from '../configuration/config.ts';
import { opsServer } from '../network/ops-server.ts';
import { serviceTls } from '../network/service-network.ts';
import type { DistributorStatusApi } from '../status/distributor-status.ts';
import { statusWatch, warnsOnly } from '../status/status-watch.ts';
import { clusterIngesters } from '../wiring/cluster-ingesters.ts';
import { serveCluster } from '../wiring/cluster-port.ts';
import { clusterSelfMetrics } from '../wiring/cluster-self-metrics.ts';
import { processClock } from '../wiring/process-clock.ts';
import { processIo } from '../wiring/process-io.ts';
import { ProcessParts } from '../wiring/process-parts.ts';
import { channel, upstreamServer } from './upstream-process.ts';

const INSPECT_TIMEOUT_MS = 5_000;

/** Writes, as a process of its own: sockets and Kafka in the main thread, everything else in the distributor's. */
export function distributorProcess(config: Config, logger: Logger, readiness: Readiness): Module[] {
  const parts = new ProcessParts('distributor-main', logger);
  const io = processIo('distributor', config, logger);
  const processTime = processClock(config, io, ['kafka', 'redis'], logger, parts.registry);
  const clock = channel();
  const tls = serviceTls(config, logger);
  const database = channel();
  const log = channel();
  const gateway = channel();
  const cluster = channel();
  const ingester = channel();
  const main = channel();
  const ports = {
    clock: clock.there,
    database: database.there,
    log: log.there,
    gateway: gateway.there,
    cluster: cluster.there,
    ingester: ingester.there,
    main: main.there,
  };
  const ingesters = clusterIngesters(config, io, tls, logger, ingester.here);
  const status = connect<DistributorStatusApi>(main.here);
  return [
    opsServer({
      listen: config.ops_listen,
      metrics: parts.metrics,
      readiness,
      debug: async () => {
        const partitions = [...Array(io.writeLog().partitionCount).keys()];
        const ends = await Promise.all(partitions.map((partition) => io.writeLog().endOffset(partition)));
        const report = await status.inspect(undefined, AbortSignal.timeout(INSPECT_TIMEOUT_MS));
        return { endOffsets: Object.fromEntries(ends.entries()), ...report };
      },
    }),
    warnsOnly(io.database),
    // What the log refuses, or that it does not answer, the module `appends` says.
    warnsOnly(io.log),
    warnsOnly(io.redis),
    processTime.module,
    ingesters.module,
    {
      name: 'ports',
      needs: ['database', 'write-log', 'redis', 'clock'],
      start: async () => {
        processTime.serve(clock.here);
        serveDatabase(io.db(), database.here);
        serveWriteLog(io.writeLog(), log.here);
        serveCluster(cluster.here, io.cluster(), io.cluster().rateShares(randomUUID(), 'samples'));
      },
    },
    parts.thread('distributor', { ...config, embedded: false }, ports, ['ports', 'ingesters']),
    statusWatch('appends', ['distributor'], () =>
      status.refusal(undefined, AbortSignal.timeout(INSPECT_TIMEOUT_MS)),
    ),
    upstreamServer(config, tls, logger, gateway.here, readiness, ['distributor']),
    clusterSelfMetrics(config, parts, io, tls, logger),
  ];
}
