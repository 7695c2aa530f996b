export { dropBootLeftovers } from './boot-leftovers.ts';
export { type DataDirLock, DataDirLockedError, LOCK_FILES, lockDataDir } from './data-dir-lock.ts';
export { type ClosedPaths, closeDataDir, type KeptOpen, type OpenPath } from './data-dir-modes.ts';
export {
  Lifecycle,
  type LifecycleOptions,
  type LifecycleState,
  type Module,
  type Readiness,
  readinessAnswer,
} from './lifecycle.ts';
export type { LogWriter } from './log-writer.ts';
export { createLogger, type Logger, type LoggerOptions, type LogLevel } from './logging.ts';
export {
  type CollectedMetrics,
  collectThreads,
  createRegistry,
  type MetricFamily,
  type MetricSample,
  type MetricsRegistry,
  type MetricsSource,
  registrySource,
} from './metrics.ts';
export { type RunningThread, runThread, type ThreadContext } from './thread-worker.ts';
export { startThread, type Thread, type ThreadOptions } from './threads.ts';
