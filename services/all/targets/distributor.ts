import { serveDatabase } from '@xscaler/database';
import type { Logger, Module } from '@xscaler/runtime';
import { serveWriteLog } from '@xscaler/writelog';
import type { Config } from '../config.ts';
import { opsServer } from '../ops-server.ts';
import { processIo } from '../process-io.ts';
import { ProcessParts } from '../process-parts.ts';
import { channel, upstreamServer } from './upstream-process.ts';

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
  const ports = { database: database.there, log: log.there, gateway: gateway.there };
  return [
    opsServer({
      listen: config.ops_listen,
      metrics: parts.metrics,
      notReady,
      debug: async () => {
        const partitions = [...Array(io.writeLog().partitionCount).keys()];
        const ends = await Promise.all(partitions.map((partition) => io.writeLog().endOffset(partition)));
        return { endOffsets: Object.fromEntries(ends.entries()) };
      },
    }),
    io.database,
    io.log,
    {
      name: 'ports',
      needs: ['database', 'write-log'],
      start: async () => {
        serveDatabase(io.db(), database.here);
        serveWriteLog(io.writeLog(), log.here);
      },
    },
    parts.thread('distributor', { ...config, embedded: false }, ports, ['ports']),
    upstreamServer(config, gateway.here, notReady, ['distributor']),
  ];
}
