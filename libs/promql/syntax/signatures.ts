import type { ValueType } from './value-type.ts';

export interface FunctionSignature {
  readonly name: FunctionName;
  readonly args: readonly ValueType[];
  /** How many arguments beyond `args.length − 1` may follow; −1: any number; 0: exactly `args`. */
  readonly variadic: number;
  readonly returns: ValueType;
}

type Shape = readonly [args: readonly ValueType[], returns: ValueType, variadic?: number];

const overRange = [['matrix'], 'vector'] as const satisfies Shape;
const perSample = [['vector'], 'vector'] as const satisfies Shape;
const datePart = [['vector'], 'vector', 1] as const satisfies Shape;
const constant = [[], 'scalar'] as const satisfies Shape;
const ofTwo = [['scalar', 'scalar'], 'scalar'] as const satisfies Shape;

const shapes = {
  abs: perSample,
  absent: perSample,
  absent_over_time: overRange,
  acos: perSample,
  acosh: perSample,
  asin: perSample,
  asinh: perSample,
  atan: perSample,
  atanh: perSample,
  avg_over_time: overRange,
  ceil: perSample,
  changes: overRange,
  clamp: [['vector', 'scalar', 'scalar'], 'vector'],
  clamp_max: [['vector', 'scalar'], 'vector'],
  clamp_min: [['vector', 'scalar'], 'vector'],
  cos: perSample,
  cosh: perSample,
  count_over_time: overRange,
  day_of_month: datePart,
  day_of_week: datePart,
  day_of_year: datePart,
  days_in_month: datePart,
  deg: perSample,
  delta: overRange,
  deriv: overRange,
  double_exponential_smoothing: [['matrix', 'scalar', 'scalar'], 'vector'],
  end: constant,
  exp: perSample,
  first_over_time: overRange,
  floor: perSample,
  histogram_avg: perSample,
  histogram_count: perSample,
  histogram_fraction: [['scalar', 'scalar', 'vector'], 'vector'],
  histogram_quantile: [['scalar', 'vector'], 'vector'],
  histogram_quantiles: [['vector', 'string', 'scalar', 'scalar'], 'vector', 9],
  histogram_stddev: perSample,
  histogram_stdvar: perSample,
  histogram_sum: perSample,
  hour: datePart,
  idelta: overRange,
  increase: overRange,
  info: [['vector', 'vector'], 'vector', 1],
  irate: overRange,
  label_join: [['vector', 'string', 'string', 'string'], 'vector', -1],
  label_replace: [['vector', 'string', 'string', 'string', 'string'], 'vector'],
  last_over_time: overRange,
  ln: perSample,
  log10: perSample,
  log2: perSample,
  mad_over_time: overRange,
  max_of: ofTwo,
  max_over_time: overRange,
  min_of: ofTwo,
  min_over_time: overRange,
  minute: datePart,
  month: datePart,
  pi: constant,
  predict_linear: [['matrix', 'scalar'], 'vector'],
  present_over_time: overRange,
  quantile_over_time: [['scalar', 'matrix'], 'vector'],
  rad: perSample,
  range: constant,
  rate: overRange,
  resets: overRange,
  round: [['vector', 'scalar'], 'vector', 1],
  scalar: [['vector'], 'scalar'],
  sgn: perSample,
  sin: perSample,
  sinh: perSample,
  sort: perSample,
  sort_by_label: [['vector', 'string'], 'vector', -1],
  sort_by_label_desc: [['vector', 'string'], 'vector', -1],
  sort_desc: perSample,
  sqrt: perSample,
  start: constant,
  start_timestamp: perSample,
  stddev_over_time: overRange,
  stdvar_over_time: overRange,
  step: constant,
  sum_over_time: overRange,
  tan: perSample,
  tanh: perSample,
  time: constant,
  timestamp: perSample,
  ts_of_first_over_time: overRange,
  ts_of_last_over_time: overRange,
  ts_of_max_over_time: overRange,
  ts_of_min_over_time: overRange,
  vector: [['scalar'], 'vector'],
  year: datePart,
} as const satisfies Record<string, Shape>;

export type FunctionName = keyof typeof shapes;

/** Functions that give a scalar. */
export type ScalarFunctionName = {
  [Name in FunctionName]: (typeof shapes)[Name][1] extends 'scalar' ? Name : never;
}[FunctionName];

/** Every function of the language with its argument and result types. */
export const SIGNATURES: ReadonlyMap<string, FunctionSignature> = new Map(
  Object.entries<Shape>(shapes).map(([name, [args, returns, variadic = 0]]) => [
    name,
    { name: name as FunctionName, args, returns, variadic },
  ]),
);
