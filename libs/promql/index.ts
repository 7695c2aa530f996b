export type { Expr, MatrixSelector, ValueType, VectorSelector } from './ast.ts';
export { type Cancellation, SharedCancellation } from './cancellation.ts';
export {
  ExecutionError,
  LimitError,
  type LimitName,
  ParseError,
  QueryCancelledError,
  QueryTimeoutError,
} from './errors.ts';
export { evaluateInstant, evaluateRange } from './evaluate.ts';
export { combineHistograms, isHistogramReset, withHint } from './histograms/arithmetic.ts';
export { formatSampleValue } from './number-format.ts';
export { parseExpression, parseSelector } from './parser.ts';
export { printExpression } from './printer.ts';
export {
  ABSENT,
  FLOAT,
  HISTOGRAM,
  type InstantQueryOptions,
  type QueryLimits,
  type QueryOptions,
  type QueryResult,
  type QueryStats,
  type RangeQueryOptions,
  type SampleRun,
  type SeriesBlock,
  type StepGrid,
} from './query.ts';
export { type EncodeOptions, encodeResult } from './result-json.ts';
export { selectorsOf } from './selectors-of.ts';
