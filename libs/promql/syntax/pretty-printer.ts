import type { Aggregation, BinaryExpr, Expr } from './ast.ts';
import { childrenOf } from './ast.ts';
import { printAggregationHead, printBinaryHead, printExpression, printSubqueryBounds } from './printer.ts';

/** Bytes of a sub-expression that stay on one line. */
const MAX_LINE_BYTES = 100;
const INDENT = '  ';

/** The expression in Prometheus' own spelling, what is longer than 100 bytes over several lines as `format_query` gives it. */
export function prettyExpression(expr: Expr): string {
  return new PrettyPrinter().print(expr, 0);
}

class PrettyPrinter {
  readonly #isLong = new Map<Expr, boolean>();

  print(expr: Expr, level: number): string {
    const indent = INDENT.repeat(level);
    const below = level + 1;
    if (expr.kind === 'unary') return indent + expr.op + this.print(expr.expr, level).trim();
    if (!this.#needsSplit(expr)) {
      // A subquery that fits is not indented: so does Prometheus.
      return (expr.kind === 'subquery' ? '' : indent) + printExpression(expr);
    }
    switch (expr.kind) {
      case 'aggregation':
        return this.#printAggregation(expr, indent, below);
      case 'binary':
        return this.#printBinary(expr, indent, below);
      case 'call': {
        const args = expr.args.map((arg) => this.print(arg, below)).join(',\n');
        return `${indent}${expr.signature.name}(\n${args}\n${indent})`;
      }
      case 'paren':
        return `${indent}(\n${this.print(expr.expr, below)}\n${indent})`;
      case 'subquery':
        return this.print(expr.expr, level) + printSubqueryBounds(expr);
      default:
        return indent + printExpression(expr);
    }
  }

  #printAggregation(expr: Aggregation, indent: string, below: number): string {
    const param = expr.param ? `${this.print(expr.param, below)},\n` : '';
    return `${indent}${printAggregationHead(expr)}(\n${param}${this.print(expr.expr, below)}\n${indent})`;
  }

  #printBinary(expr: BinaryExpr, indent: string, below: number): string {
    const left = this.print(expr.left, below);
    return `${left}\n${indent}${printBinaryHead(expr)}\n${this.print(expr.right, below)}`;
  }

  /** An expression around a long one is long, so that only short ones are printed to find out. */
  #needsSplit(expr: Expr): boolean {
    const known = this.#isLong.get(expr);
    if (known !== undefined) return known;
    const isLong =
      childrenOf(expr).some((child) => this.#needsSplit(child)) ||
      Buffer.byteLength(printExpression(expr)) > MAX_LINE_BYTES;
    this.#isLong.set(expr, isLong);
    return isLong;
  }
}
