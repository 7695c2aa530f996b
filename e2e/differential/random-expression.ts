import type { Random } from '../harness/index.ts';
import type { Expression, SubqueryWindow } from './expression.ts';

/** Functions of a range that are the same since 2.42; `quantile_over_time` and others with scalars come apart. */
const RANGE_FUNCTIONS = [
  ...['irate', 'delta', 'idelta', 'deriv', 'changes', 'resets'],
  ...['avg', 'min', 'max', 'sum', 'count', 'last', 'present', 'stddev', 'stdvar'].map(
    (f) => `${f}_over_time`,
  ),
];
const MATH_FUNCTIONS = [
  ...['abs', 'ceil', 'floor', 'sgn', 'exp', 'sqrt', 'ln', 'log2', 'log10', 'deg', 'rad'],
  ...['sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh'],
];
const DATE_FUNCTIONS = [
  ...['minute', 'hour', 'day_of_month', 'day_of_week', 'day_of_year', 'days_in_month', 'month', 'year'],
];
const AGGREGATIONS = ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'];
const ARITHMETIC = ['+', '-', '*', '/', '%', '^'];
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const SELECTORS = [
  ...['load', 'load{zone="z1"}', 'load{host!="a"}', 'temp', 'temp{sensor=~"c.+"}', 'temp{host=~"a|b"}'],
  ...['requests_total', 'requests_total{code="500"}', 'requests_total{code!~"2..",zone="z2"}'],
  ...['errors_total', 'errors_total{host="c"}', '{__name__=~"errors_total|requests_total",host="d"}'],
  ...['latency_bucket{host="a"}', 'latency_sum', 'latency_count', 'build', 'weight', 'weight{tier!=""}'],
  ...['odd', 'odd{kind="nan"}', 'odd{kind!="nan"}', 'brief', 'nothing', '{zone="z1",host=~".*"}'],
];
const COUNTERS = [
  'requests_total',
  'errors_total',
  'requests_total{host="a"}',
  'latency_count',
  'latency_bucket',
];
/** Two vectors and how they are joined. */
const JOINS: readonly (readonly [left: string, matching: string, right: string])[] = [
  ['load', 'on (host)', 'build'],
  ['load', '', 'load'],
  ['requests_total', 'on (host, code)', 'errors_total'],
  ['requests_total', 'ignoring (zone)', 'errors_total'],
  ['temp', 'on (host) group_left (version)', 'build'],
  ['build', 'on (host) group_right ()', 'requests_total'],
  ['load', 'on (zone) group_left (tier)', 'weight'],
  ['weight', 'on (zone) group_right (tier)', 'load'],
  ['latency_sum', '', 'latency_count'],
  ['requests_total', 'on (host)', 'errors_total'],
  ['load', 'ignoring (host)', 'weight'],
];
const GROUPINGS = [
  '',
  ' by (host)',
  ' by (zone)',
  ' by (code, host)',
  ' without (host)',
  ' by ()',
  ' without ()',
];

const DURATIONS_SECONDS = [30, 45, 60, 90, 120, 300, 420, 600];
const STEPS_SECONDS = [15, 30, 60, 70, 120];

/**
 * Writes random expressions over the seeded data. Left out is what has changed since Prometheus 2.42:
 *
 * - what is new: functions and aggregations that 2.42 has not, durations as expressions and as numbers, `fill`,
 *   `anchored` and `smoothed`, names in quotes; native histograms, whose functions came of age in 3
 * - the left end of ranges and of the lookback: no sample stands there (see the data's and the queries' times)
 * - `atan2` keeps the metric's name in 2.42: its operands have none here
 * - `rate` and `increase` of what is near zero (prometheus/prometheus#13725): they get counters far from it
 * - `timestamp` of a selector with both `@` and `offset` loses the offset in 2.42, and answers nothing
 * - `predict_linear` moves a range fixed by `@` (prometheus/prometheus#11708): it gets none
 * - `holt_winters` is `double_exponential_smoothing` now: each server is asked by its own name
 * - which of equal values `topk` and `bottomk` take is nobody's promise: their operands are all different
 */
export class RandomExpression {
  readonly #random: Random;
  readonly #startMs: number;
  readonly #endMs: number;

  /** @param startMs of the queries; half a second past a whole one, as all times of queries */
  constructor(random: Random, startMs: number, endMs: number) {
    this.#random = random;
    this.#startMs = startMs;
    this.#endMs = endMs;
  }

  /** @param depth of nested operations */
  query(depth: number): Expression {
    return this.#random.next() < 0.05 ? this.#scalar(depth, false) : this.#vector(depth, false);
  }

  /** @param nested within a subquery */
  #vector(depth: number, nested: boolean): Expression {
    if (depth === 0) return this.#selector();
    const makers: readonly (readonly [weight: number, make: () => Expression])[] = [
      [2, () => this.#selector()],
      [7, () => this.#rangeCall(depth, nested)],
      [3, () => call('vector', this.#pick(MATH_FUNCTIONS), this.#vector(depth - 1, nested))],
      [1, () => this.#dateCall(depth, nested)],
      [6, () => this.#aggregation(depth, nested)],
      [6, () => this.#join(depth, nested)],
      [4, () => this.#withScalar(depth, nested)],
      [2, () => this.#setOperation(depth, nested)],
      [2, () => this.#adjusted(depth, nested)],
      [2, () => this.#relabelled(depth, nested)],
      [2, () => this.#histogramQuantile(depth, nested)],
      [1, () => this.#absent(depth, nested)],
      [1, () => this.#top(depth, nested)],
      [1, () => call('vector', this.#pick(['sort', 'sort_desc']), this.#vector(depth - 1, nested))],
      [1, () => this.#atan2(depth, nested)],
      [1, () => this.#timestamp(depth, nested)],
      [1, () => node('vector', '-', ['-', this.#grouped(this.#vector(depth - 1, nested))])],
      [1, () => call('vector', 'vector', this.#scalar(depth - 1, nested))],
    ];
    let dice = this.#random.next() * makers.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, make] of makers) {
      dice -= weight;
      if (dice < 0) return make();
    }
    return this.#selector();
  }

  #scalar(depth: number, nested: boolean): Expression {
    const dice = this.#random.next();
    if (depth === 0 || dice < 0.5) return this.#number();
    if (dice < 0.6) return node('scalar', 'time', ['time()']);
    if (dice < 0.7) return node('scalar', 'pi', ['pi()']);
    if (dice < 0.85) return call('scalar', 'scalar', this.#vector(depth - 1, nested));
    const left = this.#scalar(depth - 1, nested);
    const right = this.#scalar(depth - 1, nested);
    const op = this.#random.next() < 0.7 ? this.#pick(ARITHMETIC) : `${this.#pick(COMPARISONS)} bool`;
    return node('scalar', op, [this.#grouped(left), ` ${op} `, this.#grouped(right)]);
  }

  #number(): Expression {
    return node('scalar', 'number', [
      this.#pick(['0', '1', '2', '0.5', '-1', '100', '3.25', '1e3', '-0.75', 'NaN', 'Inf']),
    ]);
  }

  #selector(): Expression {
    return node('vector', 'selector', [this.#pick(SELECTORS) + this.#modifiers().text]);
  }

  #matrix(depth: number, nested: boolean, counters: boolean, fixable = true): Expression {
    if (depth < 1 || this.#random.next() < 0.7) {
      const selector = this.#pick(counters ? COUNTERS : SELECTORS);
      const range = `[${this.#pick(DURATIONS_SECONDS)}s]`;
      return node('matrix', 'range', [selector + range + this.#modifiers(fixable).text]);
    }
    const inner = counters
      ? node('vector', 'selector', [this.#pick(COUNTERS)])
      : this.#grouped(this.#vector(depth - 1, true));
    const rangeSeconds = this.#pick(DURATIONS_SECONDS);
    const stepSeconds = this.#pick(STEPS_SECONDS);
    const modifiers = this.#modifiers(fixable);
    // Steps within a subquery are whole seconds, and so would be the ends of a subquery within it.
    const nestedMs = nested ? 250 : 0;
    const offset = nested ? ' offset 250ms' : '';
    const window: SubqueryWindow = {
      rangeMs: rangeSeconds * 1_000,
      stepMs: stepSeconds * 1_000,
      offsetMs: nested ? nestedMs : modifiers.offsetMs,
      at: nested ? undefined : modifiers.at,
    };
    const text = `[${rangeSeconds}s:${stepSeconds}s]${nested ? offset : modifiers.text}`;
    return { ...node('matrix', 'subquery', [inner, text]), window };
  }

  /** `offset` and `@`; times of `@` are half seconds. */
  #modifiers(fixable = true): { text: string; offsetMs: number; at: SubqueryWindow['at'] } {
    const dice = this.#random.next();
    const offsetSeconds = this.#pick([1, 30, 77, 300, 600, -30]);
    const seconds = Math.round(
      this.#startMs / 1_000 + (this.#random.next() * (this.#endMs - this.#startMs)) / 1_000,
    );
    const edge = this.#pick(['start', 'end'] as const);
    const offset = ` offset ${offsetSeconds}s`;
    if (dice < 0.7) return { text: '', offsetMs: 0, at: undefined };
    if (dice < 0.85 || !fixable) return { text: offset, offsetMs: offsetSeconds * 1_000, at: undefined };
    if (dice < 0.9) return { text: ` @ ${edge}()`, offsetMs: 0, at: edge };
    const fixed = { text: ` @ ${seconds}.5`, offsetMs: 0, at: seconds * 1_000 + 500 };
    if (dice < 0.95) return fixed;
    return { text: fixed.text + offset, offsetMs: offsetSeconds * 1_000, at: fixed.at };
  }

  #rangeCall(depth: number, nested: boolean): Expression {
    const dice = this.#random.next();
    if (dice < 0.35) {
      const name = this.#pick(['rate', 'increase', 'irate', 'resets']);
      return call('vector', name, this.#matrix(depth - 1, nested, true));
    }
    const matrix = this.#matrix(depth - 1, nested, false);
    if (dice < 0.85) return call('vector', this.#pick(RANGE_FUNCTIONS), matrix);
    if (dice < 0.93) {
      return node('vector', 'quantile_over_time', [
        'quantile_over_time(',
        this.#quantile(),
        ', ',
        matrix,
        ')',
      ]);
    }
    if (dice < 0.97) {
      const ahead = String(this.#pick([60, 600, -30, 3_600]));
      const moving = this.#matrix(depth - 1, nested, false, false);
      return node('vector', 'predict_linear', ['predict_linear(', moving, `, ${ahead})`]);
    }
    const factors = `, ${this.#pick(['0.3', '0.9'])}, ${this.#pick(['0.1', '0.6'])})`;
    return node('vector', 'double_exponential_smoothing', ['double_exponential_smoothing(', matrix, factors]);
  }

  #quantile(): Expression {
    return node('scalar', 'number', [this.#pick(['0', '0.1', '0.5', '0.9', '0.99', '1', '-1', '2'])]);
  }

  /** Of finite times: what a NaN is as a date depends on the processor there. */
  #dateCall(depth: number, nested: boolean): Expression {
    const name = this.#pick(DATE_FUNCTIONS);
    if (this.#random.next() < 0.3 || depth < 2) return node('vector', name, [`${name}()`]);
    const selector = node('vector', 'selector', [this.#pick(COUNTERS)]);
    return call('vector', name, nested ? selector : call('vector', 'timestamp', selector));
  }

  #aggregation(depth: number, nested: boolean): Expression {
    const grouping = this.#pick(GROUPINGS);
    const operand = this.#vector(depth - 1, nested);
    const dice = this.#random.next();
    if (dice < 0.8) {
      const op = this.#pick(AGGREGATIONS);
      return node('vector', op, [`${op}${grouping} (`, operand, ')']);
    }
    if (dice < 0.9)
      return node('vector', 'quantile', [`quantile${grouping} (`, this.#quantile(), ', ', operand, ')']);
    return node('vector', 'count_values', [`count_values${grouping} ("value", `, operand, ')']);
  }

  #top(depth: number, nested: boolean): Expression {
    const op = this.#pick(['topk', 'bottomk']);
    const distinct = node('vector', 'selector', [this.#pick(['load', 'load{host!="b"}'])]);
    const operand =
      depth > 1 ? node('vector', '*', [distinct, ' * ', node('scalar', 'number', ['2'])]) : distinct;
    const most = nested ? '1' : this.#pick(['0', '1', '2', '3', '10']);
    return node('vector', op, [`${op}${this.#pick(GROUPINGS)} (${most}, `, operand, ')']);
  }

  #join(depth: number, nested: boolean): Expression {
    const op = this.#operator();
    if (this.#random.next() < 0.25) {
      const [left, right] = [this.#vector(depth - 1, nested), this.#vector(depth - 1, nested)];
      const matching = this.#pick(['', ' on (host)', ' ignoring (code)', ' on ()']);
      return node('vector', op, [this.#grouped(left), ` ${op}${matching} `, this.#grouped(right)]);
    }
    const [left, matching, right] = this.#pick(JOINS);
    const sides = [left, right].map((name) => this.#joinSide(name));
    return node('vector', op, [sides[0], ` ${op} ${matching} `, sides[1]]);
  }

  #joinSide(name: string): Expression {
    const selector = node('vector', 'selector', [name]);
    const dice = this.#random.next();
    if (dice < 0.5) return selector;
    const matrix = node('matrix', 'range', [`${name}[${this.#pick(DURATIONS_SECONDS)}s]`]);
    return call('vector', this.#pick(['irate', 'avg_over_time', 'max_over_time', 'last_over_time']), matrix);
  }

  #operator(): string {
    const dice = this.#random.next();
    if (dice < 0.6) return this.#pick(ARITHMETIC);
    return this.#pick(COMPARISONS) + (dice < 0.8 ? ' bool' : '');
  }

  #withScalar(depth: number, nested: boolean): Expression {
    const vector = this.#grouped(this.#vector(depth - 1, nested));
    const scalar = this.#grouped(this.#scalar(depth - 1, nested));
    const op = this.#operator();
    const [left, right] = this.#random.next() < 0.7 ? [vector, scalar] : [scalar, vector];
    return node('vector', op, [left, ` ${op} `, right]);
  }

  #timestamp(depth: number, nested: boolean): Expression {
    const operand = this.#vector(depth - 1, nested);
    const moving = node('vector', 'selector', [this.#pick(SELECTORS) + this.#modifiers(false).text]);
    return call('vector', 'timestamp', operand.kind === 'selector' ? moving : operand);
  }

  #atan2(depth: number, nested: boolean): Expression {
    const left = call('vector', 'abs', this.#vector(depth - 1, nested));
    if (this.#random.next() < 0.5) {
      return node('vector', 'atan2', [left, ' atan2 ', this.#grouped(this.#scalar(depth - 1, nested))]);
    }
    return node('vector', 'atan2', [left, ' atan2 on (host) ', this.#selector()]);
  }

  #setOperation(depth: number, nested: boolean): Expression {
    const op = this.#pick(['and', 'or', 'unless']);
    const matching = this.#pick(['', ' on (host)', ' on (zone)', ' ignoring (code, zone)', ' on ()']);
    const [left, right] = [this.#vector(depth - 1, nested), this.#vector(depth - 1, nested)];
    return node('vector', op, [this.#grouped(left), ` ${op}${matching} `, this.#grouped(right)]);
  }

  #adjusted(depth: number, nested: boolean): Expression {
    const name = this.#pick(['clamp', 'clamp_min', 'clamp_max', 'round']);
    const scalars =
      name === 'clamp'
        ? [this.#scalar(0, nested), ', ', this.#scalar(0, nested)]
        : [this.#scalar(depth - 1, nested)];
    return node('vector', name, [`${name}(`, this.#vector(depth - 1, nested), ', ', ...scalars, ')']);
  }

  #relabelled(depth: number, nested: boolean): Expression {
    const operand = this.#vector(depth - 1, nested);
    if (this.#random.next() < 0.3) {
      return node('vector', 'label_join', ['label_join(', operand, ', "joined", "-", "host", "code")']);
    }
    const rest = this.#pick([
      ', "host", "$1", "host", "(.).*")',
      ', "copy", "$1-$2", "host", "(a|b)()")',
      ', "zone", "", "zone", ".*")',
      ', "host", "same", "host", ".*")',
      ', "__name__", "renamed", "__name__", "(.*)")',
    ]);
    return node('vector', 'label_replace', ['label_replace(', operand, rest]);
  }

  #histogramQuantile(depth: number, nested: boolean): Expression {
    const dice = this.#random.next();
    let operand = node('vector', 'selector', ['latency_bucket']);
    if (dice < 0.7 && depth > 1)
      operand = call('vector', 'rate', node('matrix', 'range', ['latency_bucket[300s]']));
    if (dice < 0.4 && depth > 1) operand = node('vector', 'sum', ['sum by (le) (', operand, ')']);
    if (dice > 0.95) operand = this.#vector(depth - 1, nested);
    return node('vector', 'histogram_quantile', [
      'histogram_quantile(',
      this.#quantile(),
      ', ',
      operand,
      ')',
    ]);
  }

  #absent(depth: number, nested: boolean): Expression {
    if (this.#random.next() < 0.5) return call('vector', 'absent', this.#vector(depth - 1, nested));
    return call('vector', 'absent_over_time', this.#matrix(depth - 1, nested, false));
  }

  #grouped(expression: Expression): Expression {
    if (expression.kind === 'selector' || expression.kind === 'number') return expression;
    return { ...expression, parts: ['(', ...expression.parts, ')'] };
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.between(0, list.length)];
  }
}

function node(type: Expression['type'], kind: string, parts: Expression['parts']): Expression {
  return { type, kind, parts };
}

function call(type: Expression['type'], name: string, operand: Expression): Expression {
  return node(type, name, [`${name}(`, operand, ')']);
}
