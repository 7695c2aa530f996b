import type { DurationExpr, DurationOperand } from '../syntax/ast.ts';
import { ExecutionError } from '../syntax/errors.ts';
import type { QueryTimes } from '../vectors/times.ts';

/** Works out a duration expression. @returns ms @throws ExecutionError */
export function evaluateDurationMs(expr: DurationExpr, times: QueryTimes, mayBeNegative: boolean): number {
  const seconds = evaluate(expr, times);
  if (seconds <= 0 && !mayBeNegative) throw new ExecutionError('duration must be greater than 0');
  if (Math.abs(seconds) > 2 ** 63 / 1e9) throw new ExecutionError('duration is out of range');
  return Math.trunc(seconds * 1000);
}

/** In seconds. */
function evaluate(operand: DurationOperand, times: QueryTimes): number {
  if (operand.kind === 'number') return operand.value;
  const left = operand.left ? evaluate(operand.left, times) : 0;
  const right = operand.right ? evaluate(operand.right, times) : 0;
  switch (operand.op) {
    case 'step':
      return times.stepMs / 1000;
    case 'range':
      return (times.endMs - times.startMs) / 1000;
    case 'min_of':
      return Math.min(left, right);
    case 'max_of':
      return Math.max(left, right);
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      if (right === 0) throw new ExecutionError('division by zero');
      return left / right;
    case '%':
      if (right === 0) throw new ExecutionError('modulo by zero');
      return left % right;
    case '^':
      return left ** right;
  }
}
