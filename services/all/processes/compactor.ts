import { serveDatabase } from '@xscaler/database';
import { connect } from '@xscaler/rpc';
import type { Logger, Module, Readiness } from '@xscaler/runtime';
import type { Config } from '../configuration/config.ts';
import { opsServer } from '../network/ops-server.ts';
import { serviceTls } from '../network/service-network.ts';
import type { CompactorStatusApi } from '../status/compactor-status.ts';
import { clusterSelfMetrics } from '../wiring/cluster-self-metrics.ts';
import { type ClockServer, processClock } from '../wiring/process-clock.ts';
import { processIo } from '../wiring/process-io.ts';
import { ProcessParts } from '../wiring/process-parts.ts';
import { channel } from './upstream-process.ts';

/** Blocks in the background, as a process of its own: it needs PostgreSQL and nothing else, and nobody calls it. */
export function compactorProcess(config: Config, logger: Logger, readiness: Readiness): Module[] {
  const parts = new ProcessParts('compactor-main', logger);
  const io = processIo('compactor', config, logger);
  // It has no other use for Redis: without one PostgreSQL alone tells the time.
  const servers: readonly ClockServer[] = config.cluster.redis_url === '' ? [] : ['redis'];
  const processTime = processClock(config, io, servers, logger, parts.registry);
  // For its own metrics alone, which it sends to distributors.
  const tls = serviceTls(config, logger);
  const clock = channel();
  const database = channel();
  const main = channel();
  const status = connect<CompactorStatusApi>(main.here);
  return [
    opsServer({
      listen: config.ops_listen,
      metrics: parts.metrics,
      readiness,
      debug: () => status.inspect(undefined, AbortSignal.timeout(5_000)),
    }),
    io.database,
    ...(servers.length > 0 ? [io.redis] : []),
    processTime.module,
    {
      name: 'ports',
      needs: ['database', 'clock'],
      start: async () => {
        processTime.serve(clock.here);
        serveDatabase(io.db(), database.here);
      },
    },
    parts.thread(
      'compactor',
      { ...config, embedded: false },
      { clock: clock.there, database: database.there, main: main.there },
      ['ports'],
    ),
    clusterSelfMetrics(config, parts, io, tls, logger),
  ];
}
