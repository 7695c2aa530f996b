import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteWriteLog, serveWriteLog } from '../index.ts';

/** The thread of a log under test: serves every port it is sent, closes the log on `close`. */
const log = openSqliteWriteLog(workerData);
parentPort!.on('message', async (message) => {
  if (message !== 'close') {
    serveWriteLog(log, message);
    return;
  }
  await log.close();
  parentPort!.close();
});
