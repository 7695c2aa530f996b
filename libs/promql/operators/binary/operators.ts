import type { BinaryOperator } from '../../syntax/ast.ts';
import { power } from '../functions/math-functions.ts';

export type ArithmeticOperator = Extract<BinaryOperator, '+' | '-' | '*' | '/' | '%' | '^' | 'atan2'>;
export type ComparisonOperator = Extract<BinaryOperator, '==' | '!=' | '<' | '<=' | '>' | '>='>;

const arithmetic: Record<ArithmeticOperator, (left: number, right: number) => number> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': power,
  atan2: Math.atan2,
};

const comparisons: Record<ComparisonOperator, (left: number, right: number) => boolean> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

export function arithmeticOf(op: BinaryOperator): (left: number, right: number) => number {
  return arithmetic[op as ArithmeticOperator];
}

export function comparisonOf(op: BinaryOperator): (left: number, right: number) => boolean {
  return comparisons[op as ComparisonOperator];
}
