import type { Client } from '../harness/index.ts';
import { differenceOf, magnitudeOf, type Values, valuesOf } from './answers.ts';
import { type Expression, operandsOf, simplerThan, textOf } from './expression.ts';

/** When a query is asked, ms; a step of 0 is an instant query at its end. */
export interface QueryTimes {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

const TOLERANCE = 1e-12;

/**
 * Operators whose rounding has changed since 2.42: Prometheus 3 compensates sums that 2.42 added plainly, or the
 * other way round. Their error grows with what is summed, not with the sum.
 */
const SUMMING = new Set([
  'sum',
  'avg',
  'stddev',
  'stdvar',
  'sum_over_time',
  'avg_over_time',
  'stddev_over_time',
]);
for (const name of [
  'stdvar_over_time',
  'deriv',
  'predict_linear',
  'double_exponential_smoothing',
  'rate',
  'increase',
  'delta',
])
  SUMMING.add(name);
const FILTERS = new Set(['==', '!=', '<', '<=', '>', '>=']);
/** Squares of what is summed. */
const SQUARING = new Set(['stdvar', 'stdvar_over_time']);

/** What single values have become since 2.42, by operator. */
const CHANGED: Readonly<Record<string, (before: number, now: number) => boolean>> = {
  // Of a lone NaN or infinity they were 0 (prometheus/prometheus#14941).
  stddev: (before, now) => before === 0 && Number.isNaN(now),
  stdvar: (before, now) => before === 0 && Number.isNaN(now),
  // A compensated sum that overflowed had a NaN for its error; 3 leaves it out.
  deriv: (before, now) => Number.isNaN(before) && !Number.isFinite(now),
  predict_linear: (before, now) => Number.isNaN(before) && !Number.isFinite(now),
};

/** What came of a query in both servers. */
export type Verdict =
  | { readonly kind: 'same' | 'amplified'; readonly series: number; readonly failed: boolean }
  | {
      readonly kind: 'different';
      readonly at: Expression;
      readonly times: QueryTimes;
      readonly difference: string;
    };

/** Asks a Prometheus 2.42 and xscaler the same. */
export class Comparison {
  readonly #prometheus: Client;
  readonly #xscaler: Client;

  constructor(prometheus: Client, xscaler: Client) {
    this.#prometheus = prometheus;
    this.#xscaler = xscaler;
  }

  /**
   * Values are equal if they are within 1e-12 of each other, relatively. Where they are not, an operand whose last
   * bits differ may be why (the difference of two nearly equal sums, `floor`, `==`): then each operand is compared in
   * its turn, and only an operator that makes different values of the same operands is at fault.
   */
  async compare(expression: Expression, times: QueryTimes): Promise<Verdict> {
    const [expected, actual] = await this.#ask(expression, times);
    const changed = CHANGED[expression.kind];
    const isEqual = (a: number, b: number) => isClose(a, b) || (changed?.(a, b) ?? false);
    const difference = differenceOf(expected, actual, isEqual);
    if (difference === undefined) {
      return { kind: 'same', series: expected?.size ?? 0, failed: expected === undefined };
    }
    if (await this.#isFilteredTooLate(expression, times, expected, actual)) {
      return { kind: 'same', series: 0, failed: true };
    }
    let exact = true;
    let magnitude = 0;
    for (const operand of operandsOf(expression)) {
      const { inner, innerTimes } = evaluated(operand, times);
      if (inner === undefined) {
        magnitude = Math.max(magnitude, await this.#rangeMagnitude(operand, times));
        continue;
      }
      const verdict = await this.compare(inner, innerTimes);
      if (verdict.kind === 'different') return verdict;
      const [theirs, ours] = await this.#ask(inner, innerTimes);
      if (differenceOf(theirs, ours, Object.is) !== undefined) exact = false;
      magnitude = Math.max(magnitude, magnitudeOf(theirs));
    }
    const withinRounding = this.#isRounding(expression, magnitude, expected, actual);
    if (!exact || withinRounding) return { kind: 'amplified', series: expected?.size ?? 0, failed: false };
    return { kind: 'different', at: expression, times, difference };
  }

  /** The simplest expression within one that is different which is different too. */
  async shrink(expression: Expression, times: QueryTimes): Promise<Expression> {
    for (const simpler of simplerThan(expression)) {
      if ((await this.compare(simpler, times)).kind === 'different') return this.shrink(simpler, times);
    }
    return expression;
  }

  /**
   * Until prometheus/prometheus#17668 a filter by comparison looked for several matches of a series only among those
   * that pass it. We refuse as any other operator on the same vectors is refused.
   */
  async #isFilteredTooLate(
    expression: Expression,
    times: QueryTimes,
    expected: Values,
    actual: Values,
  ): Promise<boolean> {
    if (expected === undefined || actual !== undefined || !FILTERS.has(expression.kind)) return false;
    const parts = expression.parts.map((part) =>
      typeof part === 'string' ? part.replace(` ${expression.kind} `, ' - ') : part,
    );
    const query = textOf({ ...expression, parts });
    return (await this.#answer(this.#prometheus, query, times)) === undefined;
  }

  #isRounding(expression: Expression, magnitude: number, expected: Values, actual: Values): boolean {
    const { kind } = expression;
    if (!SUMMING.has(kind)) return false;
    const scale = SQUARING.has(kind) ? magnitude * magnitude : magnitude;
    const near = (a: number, b: number) =>
      isClose(a, b) || Math.abs(a - b) <= TOLERANCE * scale || isRootOfRounding(kind, a, b, scale);
    return differenceOf(expected, actual, near) === undefined;
  }

  /** The largest finite magnitude among a range selector's samples. */
  async #rangeMagnitude(range: Expression, times: QueryTimes): Promise<number> {
    let largest = 0;
    for (const name of ['max_over_time', 'min_over_time']) {
      const values = await this.#answer(this.#prometheus, `${name}(${textOf(range)})`, times);
      largest = Math.max(largest, magnitudeOf(values));
    }
    return largest;
  }

  async #ask(expression: Expression, times: QueryTimes): Promise<[Values, Values]> {
    const query = textOf(expression);
    // The function's name until Prometheus 3.
    const old = query.replaceAll('double_exponential_smoothing', 'holt_winters');
    return Promise.all([
      this.#answer(this.#prometheus, old, times),
      this.#answer(this.#xscaler, query, times),
    ]);
  }

  async #answer(client: Client, query: string, { startMs, endMs, stepMs }: QueryTimes): Promise<Values> {
    if (stepMs === 0) return valuesOf(await client.post('/api/v1/query', { query, time: endMs / 1_000 }));
    const range = { start: startMs / 1_000, end: endMs / 1_000, step: stepMs / 1_000 };
    return valuesOf(await client.post('/api/v1/query_range', { query, ...range }));
  }
}

function isClose(a: number, b: number): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

/** A standard deviation near zero is the root of a rounding error. */
function isRootOfRounding(kind: string, a: number, b: number, scale: number): boolean {
  return kind.startsWith('stddev') && Math.abs(a * a - b * b) <= TOLERANCE * scale * scale;
}

/** What an operand is evaluated as, and when: within a subquery on that one's steps. */
function evaluated(
  operand: Expression,
  times: QueryTimes,
): { inner: Expression | undefined; innerTimes: QueryTimes } {
  if (operand.type !== 'matrix') return { inner: operand, innerTimes: times };
  const { window } = operand;
  if (window === undefined) return { inner: undefined, innerTimes: times };
  const { rangeMs, stepMs, offsetMs, at } = window;
  const edges = { start: times.startMs, end: times.endMs };
  const fixed = typeof at === 'string' ? edges[at] : at;
  const first = times.stepMs === 0 ? times.endMs : times.startMs;
  const fromMs = (fixed ?? first) - offsetMs - rangeMs;
  const untilMs = (fixed ?? times.endMs) - offsetMs;
  const startMs = Math.ceil(fromMs / stepMs) * stepMs;
  return { inner: operandsOf(operand)[0], innerTimes: { startMs, endMs: untilMs, stepMs } };
}
