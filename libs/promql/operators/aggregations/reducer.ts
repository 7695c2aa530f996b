import type { Aggregation } from '../../syntax/ast.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';

export interface Reduction {
  readonly evaluation: Evaluation;
  readonly expr: Aggregation;
  /** One row for each group; rows are added as groups are found. */
  readonly result: StepBlock;
}

/** Reduces each group's rows to one, step by step. Rows arrive in blocks, in order. */
export interface Reducer {
  /** @param groupOf for each row of the block, its row in the result */
  add(block: StepBlock, groupOf: Int32Array): void;
  /** Called once, after the last block. */
  finish(): void;
}
