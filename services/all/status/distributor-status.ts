import type { DistributorReport } from '@xscaler/distributor';

/** What the distributor's thread tells the main thread. */
export interface DistributorStatusApi {
  inspect(request: undefined, signal: AbortSignal): Promise<DistributorReport>;
  /** Why writes are refused at the moment; undefined while they are not. */
  refusal(request: undefined, signal: AbortSignal): Promise<string | undefined>;
}
