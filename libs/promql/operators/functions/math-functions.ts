import type { FunctionName } from '../../syntax/signatures.ts';
import { CANCELLATION_SAMPLES } from '../../vectors/cancellation.ts';
import { FLOAT } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';

/** Functions of one value. */
export type UnaryMathName = Extract<
  FunctionName,
  | 'abs'
  | 'acos'
  | 'acosh'
  | 'asin'
  | 'asinh'
  | 'atan'
  | 'atanh'
  | 'ceil'
  | 'cos'
  | 'cosh'
  | 'deg'
  | 'exp'
  | 'floor'
  | 'ln'
  | 'log10'
  | 'log2'
  | 'rad'
  | 'sgn'
  | 'sin'
  | 'sinh'
  | 'sqrt'
  | 'tan'
  | 'tanh'
>;

const functions: Record<UnaryMathName, (value: number) => number> = {
  abs: Math.abs,
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  ceil: Math.ceil,
  cos: Math.cos,
  cosh: Math.cosh,
  deg: (value) => (value * 180) / Math.PI,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  rad: (value) => (value * Math.PI) / 180,
  sgn: Math.sign,
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  tan: Math.tan,
  tanh: Math.tanh,
};

export function unaryMath(name: FunctionName): ((value: number) => number) | undefined {
  return (functions as Partial<Record<FunctionName, (value: number) => number>>)[name];
}

/**
 * Applies a function to every float of a block, in place, and removes its histograms.
 * @param fn gets the value and its step
 */
export function mapFloats(block: StepBlock, fn: (value: number, step: number) => number): StepBlock {
  const { budget, present, values, steps } = block;
  const cells = block.rows * steps;
  let step = 0;
  for (let from = 0; from < cells; from += CANCELLATION_SAMPLES) {
    const to = Math.min(cells, from + CANCELLATION_SAMPLES);
    budget.work(to - from);
    for (let i = from; i < to; i++) {
      if (present[i] === FLOAT) values[i] = fn(values[i], step);
      else present[i] = 0;
      if (++step === steps) step = 0;
    }
  }
  block.histograms = undefined;
  return block;
}

/** `round`: half up, to a multiple. */
export function roundTo(value: number, nearest: number): number {
  const inverse = 1 / nearest;
  return Math.floor(value * inverse + 0.5) / inverse;
}

/** Go's `math.Min`, to which −Inf is less than NaN. */
export function leastOf(a: number, b: number): number {
  if (a === Number.NEGATIVE_INFINITY || b === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  return Math.min(a, b);
}

/** Go's `math.Max`, to which +Inf is more than NaN. */
export function greatestOf(a: number, b: number): number {
  if (a === Number.POSITIVE_INFINITY || b === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  return Math.max(a, b);
}

/** Go's `math.Pow`, which differs from JavaScript's at powers of one. */
export function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY)) return 1;
  return base ** exponent;
}
