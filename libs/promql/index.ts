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
export { expressionTree, type JsonValue } from './expression-tree.ts';
export { combineHistograms, isHistogramReset, withHint } from './histograms/arithmetic.ts';
export { escapedJson } from './json-text.ts';
export { formatSampleValue, formatTimestampMs } from './number-format.ts';
export { parseExpression, parseSelector } from './parser.ts';
export { prettyExpression } from './pretty-printer.ts';
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
export { QueryMemory } from './query-memory.ts';
export { type EncodeOptions, encodeResult, labelsJson } from './result-json.ts';
export { selectorsOf } from './selectors-of.ts';
