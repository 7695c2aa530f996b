import type { MessagePort } from 'node:worker_threads';
import type { WriteLog } from './write-log.ts';

/** Serves `log` to the client at the other end of `port`, until that end closes. Any number of ports may share one log. */
export function serveWriteLog(log: WriteLog, port: MessagePort): void {
  throw new Error(`not built yet: ${log} ${port}`);
}
