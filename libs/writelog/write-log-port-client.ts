import type { MessagePort } from 'node:worker_threads';
import type { WriteLog } from './write-log.ts';

/** A `WriteLog` on the other end of `port`, where `serveWriteLog` runs. `close` closes the port, not the log. */
export function connectWriteLog(port: MessagePort, partitionCount: number): WriteLog {
  throw new Error(`not built yet: ${port} ${partitionCount}`);
}
