export { EXEMPLAR_MAX_LABEL_LENGTH, type Exemplar, exemplarKey } from './exemplar.ts';
export type { BucketSpan, CounterResetHint, FloatHistogram } from './histogram.ts';
export { Labels, METRIC_NAME } from './labels.ts';
export { Matcher, type MatchType } from './matcher.ts';
export { METRIC_TYPES, type MetricMetadata, type MetricType } from './metadata.ts';
export { MAX_MATCH_STEPS, MAX_PATTERN_STATES, matchSteps, patternStates } from './pattern-cost.ts';
export { PatternCostError, PatternTime } from './pattern-time.ts';
export { SampleColumns } from './sample-columns.ts';
export { ID_BYTES, ID_WORDS, seriesId } from './series-id.ts';
export {
  isStaleWords,
  STALE_HIGH,
  STALE_LOW,
} from './special-values.ts';
export { tenantIdFault } from './tenant-id.ts';
export { compareUtf8, sortedUnion } from './utf8-order.ts';
