import type { CompactorReport } from '@xscaler/compactor';

/** What the main thread asks of the compactor's. */
export interface CompactorStatusApi {
  inspect(request: undefined, signal: AbortSignal): Promise<CompactorReport>;
}
