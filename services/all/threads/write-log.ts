/** Thread of the embedded write log: the SQLite file, served to whoever appends and reads. */
import { createRegistry, runThread } from '@xscaler/runtime';
import { openSqliteWriteLog, serveWriteLog } from '@xscaler/writelog';

runThread<{ path: string; partitionCount: number }>(async ({ config, ports }) => {
  const log = openSqliteWriteLog(config);
  for (const port of Object.values(ports)) serveWriteLog(log, port);
  return { registry: createRegistry('write-log'), stop: () => log.close() };
});
