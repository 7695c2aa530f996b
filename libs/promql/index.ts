export { evaluateInstant, evaluateRange } from './engine/evaluate.ts';
export { combineHistograms, isHistogramReset, withHint } from './histograms/arithmetic.ts';
export { escapedJson } from './json/json-text.ts';
export { type EncodeOptions, encodeResult, labelsJson } from './json/result-json.ts';
export { formatSampleValue, formatTimestampMs } from './numbers/number-format.ts';
export type { Expr, MatrixSelector, VectorSelector } from './syntax/ast.ts';
export {
  ExecutionError,
  LimitError,
  type LimitName,
  ParseError,
  QueryCancelledError,
  QueryTimeoutError,
} from './syntax/errors.ts';
export { expressionTree, type JsonValue } from './syntax/expression-tree.ts';
export { parseExpression, parseSelector } from './syntax/parser.ts';
export { prettyExpression } from './syntax/pretty-printer.ts';
export { printExpression } from './syntax/printer.ts';
export { selectorsOf } from './syntax/selectors-of.ts';
export type { ValueType } from './syntax/value-type.ts';
export { type Cancellation, SharedCancellation } from './vectors/cancellation.ts';
export {
  ABSENT,
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
} from './vectors/query.ts';
export { QueryMemory } from './vectors/query-memory.ts';
