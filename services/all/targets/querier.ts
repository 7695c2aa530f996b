import { serveDatabase } from '@xscaler/database';
import { type IngesterApi, serve } from '@xscaler/rpc';
import { ReplicatedIngesters } from '@xscaler/rpc/network';
import type { Logger, Module } from '@xscaler/runtime';
import { serveWriteLog } from '@xscaler/writelog';
import type { Config } from '../config.ts';
import { IngesterDirectory } from '../ingester-directory.ts';
import { opsServer } from '../ops-server.ts';
import { processIo } from '../process-io.ts';
import { ProcessParts } from '../process-parts.ts';
import { channel, upstreamServer } from './upstream-process.ts';

/** Reads, as a process of its own: sockets in the main thread, queries in the querier's and its evaluation threads. */
export function querierProcess(config: Config, logger: Logger, notReady: () => string | undefined): Module[] {
  const parts = new ProcessParts('querier-main', logger);
  const io = processIo('querier', config, logger);
  const database = channel();
  const log = channel();
  const gateway = channel();
  const ingester = channel();
  const ports = {
    database: database.there,
    log: log.there,
    gateway: gateway.there,
    ingester: ingester.there,
  };
  let directory: IngesterDirectory | undefined;
  return [
    opsServer({
      listen: config.ops_listen,
      metrics: parts.metrics,
      notReady,
      debug: async () => ({ owners: directory?.owners() }),
    }),
    io.database,
    io.log,
    io.redis,
    {
      name: 'ingesters',
      needs: ['redis'],
      start: async () => {
        directory = new IngesterDirectory(io.cluster().owners, config.cluster.secret);
        await directory.start();
        const known = directory;
        const replicated = new ReplicatedIngesters({
          replicas: () => known.replicas(),
          isFinal: isEveryones,
          onFailover: ({ replica, partitions }, error) =>
            logger.warn(
              { replica: replica.name, partitions, err: error },
              'an ingester failed, another one is asked',
            ),
        });
        serve<IngesterApi>(ingester.here, replicated);
      },
      stop: async () => directory?.stop(),
      notReady: () => directory?.notReady(),
    },
    {
      name: 'ports',
      needs: ['database', 'write-log'],
      start: async () => {
        serveDatabase(io.db(), database.here);
        serveWriteLog(io.writeLog(), log.here);
      },
    },
    parts.thread('querier', { ...config, embedded: false }, ports, ['ports', 'ingesters']),
    upstreamServer(config, gateway.here, notReady, ['querier']),
  ];
}

/** What both zones would say alike: the fault is the request's, and asking again costs them the same once more. */
function isEveryones(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string };
  return name === 'SyntaxError' || code === 'too_large';
}
