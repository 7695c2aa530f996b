import { serveDatabase } from '@xscaler/database';
import type { Logger, Module, Readiness } from '@xscaler/runtime';
import { serveWriteLog } from '@xscaler/writelog';
import type { Config } from '../configuration/config.ts';
import { opsServer } from '../network/ops-server.ts';
import { serviceTls } from '../network/service-network.ts';
import { warnsOnly } from '../status/status-watch.ts';
import { clusterIngesters } from '../wiring/cluster-ingesters.ts';
import { clusterSelfMetrics } from '../wiring/cluster-self-metrics.ts';
import { processClock } from '../wiring/process-clock.ts';
import { processIo } from '../wiring/process-io.ts';
import { ProcessParts } from '../wiring/process-parts.ts';
import { channel, upstreamServer } from './upstream-process.ts';

/** Reads, as a process of its own: sockets in the main thread, queries in the querier's and its evaluation threads. */
export function querierProcess(config: Config, logger: Logger, readiness: Readiness): Module[] {
  const parts = new ProcessParts('querier-main', logger);
  const io = processIo('querier', config, logger);
  const processTime = processClock(config, io, ['kafka', 'redis'], logger, parts.registry);
  const clock = channel();
  const tls = serviceTls(config, logger);
  const database = channel();
  const log = channel();
  const gateway = channel();
  const ingester = channel();
  const ports = {
    clock: clock.there,
    database: database.there,
    log: log.there,
    gateway: gateway.there,
    ingester: ingester.there,
  };
  const ingesters = clusterIngesters(config, io, tls, logger, ingester.here);
  return [
    opsServer({
      listen: config.ops_listen,
      metrics: parts.metrics,
      readiness,
      debug: async () => ({ owners: ingesters.directory()?.owners() }),
    }),
    // Committed history is read without the log, Redis and ingesters, and nothing without the database.
    io.database,
    warnsOnly(io.log),
    warnsOnly(io.redis),
    processTime.module,
    warnsOnly({ ...ingesters.module, notReady: () => ingesters.directory()?.notReady() }),
    {
      name: 'ports',
      needs: ['database', 'write-log', 'clock'],
      start: async () => {
        processTime.serve(clock.here);
        serveDatabase(io.db(), database.here);
        serveWriteLog(io.writeLog(), log.here);
      },
    },
    parts.thread('querier', { ...config, embedded: false }, ports, ['ports', 'ingesters']),
    upstreamServer(config, tls, logger, gateway.here, readiness, ['querier']),
    clusterSelfMetrics(config, parts, io, tls, logger),
  ];
}
