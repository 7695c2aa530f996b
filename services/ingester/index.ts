export type { ActiveSeriesCounts } from './heads/active-series.ts';
export type { CutSettings } from './heads/cut-policy.ts';
export { Ingester, type IngesterOptions, type IngesterStatus } from './ingester.ts';
export { acceptLoss, type LossParts } from './log/accept-loss.ts';
export { judgeLog, type LogVerdict } from './log/log-verdict.ts';
export { LoggedReads } from './logged-reads.ts';
export type { PartitionReport } from './partition-report.ts';
