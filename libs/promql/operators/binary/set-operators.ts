import type { BinaryExpr, VectorMatching } from '../../syntax/ast.ts';
import { groupRows, matchingLabels } from '../../vectors/grouping.ts';
import { mergeEqualRows } from '../../vectors/label-sets.ts';
import type { StepBlock } from '../../vectors/step-block.ts';

/** `and`, `or`, `unless`: which match groups the other side has at each step decides what stays. */
export function combineSets(expr: BinaryExpr, left: StepBlock, right: StepBlock): StepBlock {
  const { labels, on } = expr.matching as VectorMatching;
  const reduce = matchingLabels(labels, on);
  const both = groupRows([...left.labels, ...right.labels], reduce, left.budget);
  const leftGroups = both.groupOf.subarray(0, left.rows);
  const rightGroups = both.groupOf.subarray(left.rows);
  if (expr.op === 'or') {
    const seen = presence(left, leftGroups, both.labels.length);
    keepWhere(right, rightGroups, seen, false);
    left.append(right);
    return mergeEqualRows(left).withoutEmptyRows();
  }
  const seen = presence(right, rightGroups, both.labels.length);
  keepWhere(left, leftGroups, seen, expr.op === 'and');
  return left.withoutEmptyRows();
}

/** For each group and step whether any row exists. */
function presence(block: StepBlock, groups: Int32Array, groupCount: number): Uint8Array {
  const { steps } = block;
  block.budget.hold(groupCount * steps);
  const seen = new Uint8Array(groupCount * steps);
  for (let row = 0; row < block.rows; row++) {
    block.budget.work(steps);
    for (let k = 0; k < steps; k++) {
      if (block.present[row * steps + k] !== 0) seen[groups[row] * steps + k] = 1;
    }
  }
  return seen;
}

function keepWhere(block: StepBlock, groups: Int32Array, seen: Uint8Array, wanted: boolean): void {
  const { steps } = block;
  for (let row = 0; row < block.rows; row++) {
    block.budget.work(steps);
    for (let k = 0; k < steps; k++) {
      if ((seen[groups[row] * steps + k] !== 0) !== wanted) block.present[row * steps + k] = 0;
    }
  }
}
