import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteDatabase, serveDatabase } from '../index.ts';

/** The thread of a database under test: serves every port it is sent, closes the database on `close`. */
const db = openSqliteDatabase(workerData.path);
parentPort!.on('message', async (message) => {
  if (message !== 'close') {
    serveDatabase(db, message, workerData.options);
    return;
  }
  await db.close();
  parentPort!.close();
});
