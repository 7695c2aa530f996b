import { type Matcher, METRIC_NAME } from '@xscaler/model';
import { quoteText } from '../numbers/go-quote.ts';
import { formatGeneral, formatShortest } from '../numbers/number-format.ts';
import type {
  Aggregation,
  BinaryExpr,
  DurationExpr,
  DurationOperand,
  Expr,
  NumberLiteral,
  Subquery,
  TimeModifiers,
  VectorMatching,
  VectorSelector,
} from './ast.ts';
import { formatDurationMs } from './duration.ts';

/** The expression in Prometheus' own spelling, on one line. */
export function printExpression(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return printNumber(expr);
    case 'string':
      return quoteText(expr.value);
    case 'vectorSelector':
      return printSelector(expr) + printAt(expr) + printExtension(expr) + printOffset(expr);
    case 'matrixSelector': {
      const range = expr.rangeExpr ? printDuration(expr.rangeExpr) : formatDurationMs(expr.rangeMs);
      const inner = expr.selector;
      return `${printSelector(inner)}[${range}]${printExtension(inner)}${printAt(inner)}${printOffset(inner)}`;
    }
    case 'subquery':
      return printExpression(expr.expr) + printSubqueryBounds(expr);
    case 'call':
      return `${expr.signature.name}(${expr.args.map(printExpression).join(', ')})`;
    case 'aggregation':
      return printAggregation(expr);
    case 'binary':
      return `${printExpression(expr.left)} ${printBinaryHead(expr)} ${printExpression(expr.right)}`;
    case 'unary':
      return expr.op + printExpression(expr.expr);
    case 'paren':
      return `(${printExpression(expr.expr)})`;
  }
}

function printNumber(expr: NumberLiteral): string {
  return expr.duration ? formatDurationMs(Math.trunc(expr.value * 1e9) / 1e6) : formatShortest(expr.value);
}

function printSelector(expr: VectorSelector): string {
  const shown = expr.matchers.filter(
    ({ name, type, value }) => !(name === METRIC_NAME && type === '=' && value === expr.name && value !== ''),
  );
  if (shown.length === 0) return expr.name;
  return `${expr.name}{${shown.map(printMatcher).sort().join(',')}}`;
}

function printMatcher(matcher: Matcher): string {
  return `${printLabelName(matcher.name)}${matcher.type}${quoteText(matcher.value)}`;
}

function printLabelName(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoteText(name);
}

function printLabels(names: readonly string[]): string {
  return `(${names.map(printLabelName).join(', ')})`;
}

function printAt(expr: TimeModifiers): string {
  if (expr.atMs !== undefined) return ` @ ${(expr.atMs / 1000).toFixed(3)}`;
  return expr.atEdge ? ` @ ${expr.atEdge}()` : '';
}

function printOffset(expr: TimeModifiers): string {
  if (expr.offsetExpr) return ` offset ${printDuration(expr.offsetExpr)}`;
  return expr.offsetMs === 0 ? '' : ` offset ${formatDurationMs(expr.offsetMs)}`;
}

function printExtension(expr: VectorSelector): string {
  return expr.extension ? ` ${expr.extension}` : '';
}

function printDuration(expr: DurationExpr): string {
  const text = printUnwrappedDuration(expr);
  return expr.wrapped ? `(${text})` : text;
}

function printUnwrappedDuration({ op, left, right }: DurationExpr): string {
  if (!right) return `${op}()`;
  if (!left) return op === '-' ? `-${printOperand(right)}` : printOperand(right);
  if (op === 'min_of' || op === 'max_of') return `${op}(${printOperand(left)}, ${printOperand(right)})`;
  return `${printOperand(left)} ${op} ${printOperand(right)}`;
}

function printOperand(operand: DurationOperand): string {
  return operand.kind === 'number' ? printNumber(operand) : printDuration(operand);
}

/** `[5m:1m] @ 3.000 offset 1h` */
export function printSubqueryBounds(expr: Subquery): string {
  const range = expr.rangeExpr ? printDuration(expr.rangeExpr) : formatDurationMs(expr.rangeMs);
  const given = expr.stepMs === 0 ? '' : formatDurationMs(expr.stepMs);
  const step = expr.stepExpr ? printDuration(expr.stepExpr) : given;
  return `[${range}:${step}]${printAt(expr)}${printOffset(expr)}`;
}

function printAggregation(expr: Aggregation): string {
  const param = expr.param ? `${printExpression(expr.param)}, ` : '';
  return `${printAggregationHead(expr)}(${param}${printExpression(expr.expr)})`;
}

/** `sum by (job) ` */
export function printAggregationHead(expr: Aggregation): string {
  if (expr.without) return `${expr.op} without ${printLabels(expr.grouping)} `;
  return expr.grouping.length > 0 ? `${expr.op} by ${printLabels(expr.grouping)} ` : expr.op;
}

/** `== bool on (job)` */
export function printBinaryHead(expr: BinaryExpr): string {
  return expr.op + (expr.returnBool ? ' bool' : '') + (expr.matching ? printMatching(expr.matching) : '');
}

function printMatching(matching: VectorMatching): string {
  const grouped = matching.cardinality === 'many-to-one' || matching.cardinality === 'one-to-many';
  let text = '';
  if (matching.labels.length > 0 || matching.on || grouped) {
    text += ` ${matching.on ? 'on' : 'ignoring'} ${printLabels(matching.labels)}`;
  }
  if (grouped) {
    const side = matching.cardinality === 'many-to-one' ? 'left' : 'right';
    text += ` group_${side} ${printLabels(matching.include)}`;
  }
  return text + printFill(matching);
}

function printFill({ fillLeft, fillRight }: VectorMatching): string {
  // Two NaN are not equal and stay two.
  if (fillLeft !== undefined && fillLeft === fillRight) return ` fill (${formatGeneral(fillLeft)})`;
  const left = fillLeft === undefined ? '' : ` fill_left (${formatGeneral(fillLeft)})`;
  const right = fillRight === undefined ? '' : ` fill_right (${formatGeneral(fillRight)})`;
  return left + right;
}
