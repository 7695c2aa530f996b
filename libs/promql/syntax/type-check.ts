import { METRIC_NAME } from '@xscaler/model';
import { quoteText } from '../numbers/go-quote.ts';
import { type BinaryExpr, type Call, type Expr, typeOf, type VectorSelector } from './ast.ts';
import { ParseError } from './errors.ts';
import { positionText } from './position.ts';
import type { ValueType } from './value-type.ts';

const COMPARISONS = new Set(['==', '!=', '<', '<=', '>', '>=']);
const TRIM_OPERATORS = new Set(['</', '>/']);
const SET_OPERATORS = new Set(['and', 'or', 'unless']);

/** Whether an operator compares. */
export function isComparison(op: string): boolean {
  return COMPARISONS.has(op);
}

/** Whether an operator trims histograms. */
export function isTrim(op: string): boolean {
  return TRIM_OPERATORS.has(op);
}

/** Whether an operator combines sets of series. */
export function isSetOperator(op: string): boolean {
  return SET_OPERATORS.has(op);
}

const DOCUMENTED: Record<ValueType, string> = {
  none: 'none',
  scalar: 'scalar',
  vector: 'instant vector',
  matrix: 'range vector',
  string: 'string',
};

/**
 * Checks that every operator and function gets what it takes, inside out and left to right, so that the
 * first fault is the one Prometheus names. Sets the cardinality of set operators and drops matching that
 * has no meaning.
 * @throws ParseError
 */
export function checkTypes(expr: Expr, query: string): void {
  new TypeChecker(query).check(expr);
}

class TypeChecker {
  readonly #query: string;

  constructor(query: string) {
    this.#query = query;
  }

  check(expr: Expr): ValueType {
    switch (expr.kind) {
      case 'aggregation':
        this.#expect(expr.expr, 'vector', 'aggregation expression');
        if (expr.param) {
          const wanted = expr.op === 'count_values' ? 'string' : 'scalar';
          this.#expect(expr.param, wanted, 'aggregation parameter');
        }
        break;
      case 'binary':
        this.#checkBinary(expr);
        break;
      case 'call':
        this.#checkCall(expr);
        break;
      case 'paren':
        this.check(expr.expr);
        break;
      case 'unary': {
        const type = this.check(expr.expr);
        if (type !== 'scalar' && type !== 'vector') {
          const got = quoteText(DOCUMENTED[type]);
          this.#fail(
            expr,
            `unary expression only allowed on expressions of type scalar or instant vector, got ${got}`,
          );
        }
        break;
      }
      case 'subquery': {
        const type = this.check(expr.expr);
        if (type !== 'vector') {
          this.#fail(expr, `subquery is only allowed on instant vector, got ${type} instead`);
        }
        break;
      }
      case 'matrixSelector':
        this.check(expr.selector);
        break;
      case 'vectorSelector':
        this.#checkSelector(expr);
        break;
    }
    return typeOf(expr);
  }

  #expect(expr: Expr, wanted: ValueType, context: string): void {
    const type = this.check(expr);
    if (type === wanted) return;
    this.#fail(expr, `expected type ${DOCUMENTED[wanted]} in ${context}, got ${DOCUMENTED[type]}`);
  }

  #checkBinary(expr: BinaryExpr): void {
    const left = this.check(expr.left);
    const right = this.check(expr.right);
    const matching = expr.matching;
    if (expr.returnBool && !isComparison(expr.op)) {
      this.#failAtOperator(expr, 'bool modifier can only be used on comparison operators');
    }
    if (isComparison(expr.op) && !expr.returnBool && left === 'scalar' && right === 'scalar') {
      this.#failAtOperator(expr, 'comparisons between scalars must use BOOL modifier');
    }
    if (!matching) return;
    const isSet = isSetOperator(expr.op);
    if (isSet && matching.cardinality === 'one-to-one') matching.cardinality = 'many-to-many';
    for (const label of matching.labels) {
      if (matching.on && matching.include.includes(label)) {
        this.#failAtOperator(expr, `label ${quoteText(label)} must not occur in ON and GROUP clause at once`);
      }
    }
    this.#checkOperand(expr.left, left);
    this.#checkOperand(expr.right, right);
    const fills = matching.fillLeft !== undefined || matching.fillRight !== undefined;
    if (left !== 'vector' || right !== 'vector') {
      if (matching.labels.length > 0) {
        this.#fail(expr, 'vector matching only allowed between instant vectors');
      }
      if (fills) this.#fail(expr, 'filling in missing series only allowed between instant vectors');
      expr.matching = undefined;
    } else if (isSet) {
      if (matching.cardinality !== 'many-to-many') {
        this.#fail(expr, `no grouping allowed for ${quoteText(expr.op)} operation`);
      }
      if (fills) this.#fail(expr, 'filling in missing series not allowed for set operators');
    }
    if ((left === 'scalar' || right === 'scalar') && isSet) {
      this.#fail(expr, `set operator ${quoteText(expr.op)} not allowed in binary scalar expression`);
    }
  }

  #checkOperand(expr: Expr, type: ValueType): void {
    if (type === 'scalar' || type === 'vector') return;
    this.#fail(expr, 'binary expression must contain only scalar and instant vector types');
  }

  #checkCall(expr: Call): void {
    const { name, args: types, variadic } = expr.signature;
    const given = expr.args.length;
    const call = `in call to ${quoteText(name)}, got ${given}`;
    if (variadic === 0) {
      if (given !== types.length) this.#fail(expr, `expected ${types.length} argument(s) ${call}`);
    } else {
      const least = types.length - 1;
      if (given < least) this.#fail(expr, `expected at least ${least} argument(s) ${call}`);
      const most = least + variadic;
      if (variadic > 0 && given > most) this.#fail(expr, `expected at most ${most} argument(s) ${call}`);
    }
    if (name === 'info' && given > 1) this.#checkInfoSelector(expr, expr.args[1]);
    expr.args.forEach((arg, i) => {
      const wanted = types[Math.min(i, types.length - 1)];
      this.#expect(arg, wanted, `call to function ${quoteText(name)}`);
    });
  }

  #checkInfoSelector(call: Call, selector: Expr): void {
    const type = typeOf(selector);
    if (type !== 'vector') {
      this.#fail(call, `expected type instant vector in call to function "info", got ${DOCUMENTED[type]}`);
    }
    if (selector.kind !== 'vectorSelector') {
      this.#fail(selector, 'expected label selectors only');
      return;
    }
    if (selector.name !== '') {
      this.#fail(selector, 'expected label selectors only, got vector selector instead');
    }
    selector.mayBeEmpty = true;
  }

  #checkSelector(expr: VectorSelector): void {
    if (expr.name !== '') {
      for (const matcher of expr.matchers.slice(0, -1)) {
        if (matcher.name !== METRIC_NAME) continue;
        const names = `${quoteText(expr.name)} or ${quoteText(matcher.value)}`;
        this.#fail(expr, `metric name must not be set twice: ${names}`);
      }
      return;
    }
    if (!expr.mayBeEmpty && expr.matchers.every((matcher) => matcher.matchesEmpty)) {
      this.#fail(expr, 'vector selector must contain at least one non-empty matcher');
    }
  }

  #failAtOperator(expr: BinaryExpr, message: string): never {
    let start = expr.left.span.end;
    while (/[ \t\r\n]/.test(this.#query[start])) start++;
    return this.#failAt(start, message);
  }

  #fail(expr: Expr, message: string): never {
    return this.#failAt(expr.span.start, message);
  }

  #failAt(offset: number, message: string): never {
    throw new ParseError(`${positionText(this.#query, offset)}: parse error: ${message}`);
  }
}
