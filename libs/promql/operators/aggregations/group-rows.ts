import type { Groups } from '../../vectors/grouping.ts';
import { StepBlock } from '../../vectors/step-block.ts';

/** Adds a row for each group that has none yet. */
export function addGroups(result: StepBlock, labels: Groups['labels']): void {
  for (let group = result.rows; group < labels.length; group++) result.addMadeRow(labels[group]);
}

/** A group's name is dropped if that of any of its rows is. */
export function dropGroupNames(result: StepBlock, block: StepBlock, groupOf: Int32Array): void {
  for (let row = 0; row < block.rows; row++) {
    if (block.nameDropped[row]) result.nameDropped[groupOf[row]] = true;
  }
}

/** An empty row for each group. */
export function groupBlock(block: StepBlock, groups: Groups): StepBlock {
  const result = new StepBlock(block.budget, block.steps, groups.labels.length);
  addGroups(result, groups.labels);
  dropGroupNames(result, block, groups.groupOf);
  return result;
}
