/** Thread of the embedded write log: the SQLite file, served to writers and readers. */
import { createRegistry, runThread } from '@xscaler/runtime';
import { openSqliteWriteLog, serveWriteLog } from '@xscaler/writelog';
import { exposeStats } from '../status/thread-gauges.ts';

runThread<{ path: string; partitionCount: number }>(async ({ config, ports }) => {
  const log = openSqliteWriteLog(config);
  for (const port of Object.values(ports)) serveWriteLog(log, port);
  const registry = createRegistry('write-log');
  exposeStats(registry, () => log.stats, {
    commits: ['xscaler_writelog_commits', 'Transactions committed since the start.'],
    records: ['xscaler_writelog_records', 'Records appended since the start.'],
    bytes: ['xscaler_writelog_bytes', 'Bytes appended since the start.'],
    commitMs: ['xscaler_writelog_commit_milliseconds', 'Time spent in commits since the start.'],
    upkeepMs: [
      'xscaler_writelog_upkeep_milliseconds',
      'Time spent in checkpoints and deletions since the start.',
    ],
    refused: ['xscaler_writelog_refused', 'Appends refused since the start.'],
    pendingBytes: ['xscaler_writelog_pending_bytes', 'Bytes that wait for a commit.'],
    tailBytes: ['xscaler_writelog_tail_bytes', 'Bytes of new records kept in memory for readers.'],
  });
  return { registry, stop: () => log.close() };
});
