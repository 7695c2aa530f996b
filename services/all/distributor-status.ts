import type { DistributorReport } from '@xscaler/distributor';

/** What the distributor's thread tells the main thread. */
export interface DistributorStatusApi {
  inspect(request: undefined, signal: AbortSignal): Promise<DistributorReport>;
}
