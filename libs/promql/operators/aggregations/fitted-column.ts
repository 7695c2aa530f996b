import type { StepBlock } from '../../vectors/step-block.ts';

/** The column, grown to the length of the result's columns; new cells are 0 and count towards the query's budget. */
export function fitted(column: Float64Array, result: StepBlock): Float64Array {
  const cells = result.present.length;
  if (column.length >= cells) return column;
  result.budget.hold(cells - column.length);
  const grown = result.budget.memory.floats(cells);
  grown.set(column);
  return grown;
}
