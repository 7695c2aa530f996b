import { serveDatabase } from '@xscaler/database';
import { connect } from '@xscaler/rpc';
import type { Logger, Module, Readiness } from '@xscaler/runtime';
import { clusterSelfMetrics } from '../cluster-self-metrics.ts';
import type { CompactorStatusApi } from '../compactor-status.ts';
import type { Config } from '../config.ts';
import { opsServer } from '../ops-server.ts';
import { processIo } from '../process-io.ts';
import { ProcessParts } from '../process-parts.ts';
import { channel } from './upstream-process.ts';

/** Blocks in the background, as a process of its own: it needs PostgreSQL and nothing else, and nobody calls it. */
export function compactorProcess(config: Config, logger: Logger, readiness: Readiness): Module[] {
  const parts = new ProcessParts('compactor-main', logger);
  const io = processIo('compactor', config, logger);
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
    {
      name: 'ports',
      needs: ['database'],
      start: async () => serveDatabase(io.db(), database.here),
    },
    parts.thread(
      'compactor',
      { ...config, embedded: false },
      { database: database.there, main: main.there },
      ['ports'],
    ),
    clusterSelfMetrics(config, parts, io, logger),
  ];
}
