export { acceptLoss, type LossParts } from './accept-loss.ts';
export type { ActiveSeriesCounts } from './active-series.ts';
export type { CutSettings } from './cut-policy.ts';
export { Ingester, type IngesterOptions, type IngesterStatus } from './ingester.ts';
export { judgeLog, type LogVerdict } from './log-verdict.ts';
export { LoggedReads } from './logged-reads.ts';
export type { PartitionReport } from './partition-report.ts';
