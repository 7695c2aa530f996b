import type { DistributorReport } from '@xscaler/distributor';

/** What the distributor's thread tells the main thread. */
export interface DistributorStatusApi {
  /** Why it accepts no writes; undefined if it does. */
  notReady(request: undefined, signal: AbortSignal): Promise<string | undefined>;
  inspect(request: undefined, signal: AbortSignal): Promise<DistributorReport>;
}
