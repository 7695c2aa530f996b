import type { Labels } from '@xscaler/model';
import { labelHash } from '../../numbers/label-hash.ts';
import { formatGeneral } from '../../numbers/number-format.ts';
import type { Aggregation } from '../../syntax/ast.ts';
import { ExecutionError } from '../../syntax/errors.ts';
import type { Groups } from '../../vectors/grouping.ts';
import { labelTextLength } from '../../vectors/label-set-bytes.ts';
import { mapColumn } from '../../vectors/scalar-column.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import { membersOf } from './members.ts';
import { keptCount } from './top.ts';

/** `limitk`: the first k rows of each group at each step. */
export function limitTo(block: StepBlock, groups: Groups, params: Float64Array): StepBlock {
  const { budget } = block;
  const counts = mapColumn(budget, params, keptCount);
  const { steps, present } = block;
  for (const members of membersOf(groups)) {
    for (let step = 0; step < steps; step++) {
      let kept = 0;
      budget.work(members.length);
      for (const row of members) {
        const cell = row * steps + step;
        if (present[cell] !== 0 && ++kept > counts[step]) present[cell] = 0;
      }
    }
  }
  return block.withoutEmptyRows();
}

/** What hashing a label set costs, in samples handled. */
const HASH_WORK = 128;
const HASH_WORK_A_CHARACTER = 8;

/**
 * `limit_ratio`: rows whose label hash, as a share of all hashes, is below the ratio; for a negative ratio
 * the complement of what 1 + ratio keeps.
 */
export function limitRatio(
  evaluation: Evaluation,
  expr: Aggregation,
  block: StepBlock,
  params: Float64Array,
): StepBlock {
  const { budget } = evaluation;
  const ratios = mapColumn(budget, params, (ratio) => checkedRatio(evaluation, expr, ratio));
  const { steps, present } = block;
  for (let row = 0; row < block.rows; row++) {
    budget.work(steps + HASH_WORK + HASH_WORK_A_CHARACTER * labelTextLength(block.labels[row]));
    const share = hashShare(block.labels[row]);
    for (let step = 0; step < steps; step++) {
      const ratio = ratios[step];
      const kept = ratio >= 0 ? share < ratio : share >= 1 + ratio;
      if (!kept) present[row * steps + step] = 0;
    }
  }
  return block.withoutEmptyRows();
}

function checkedRatio(evaluation: Evaluation, expr: Aggregation, ratio: number): number {
  if (Number.isNaN(ratio)) throw new ExecutionError('Ratio value is NaN');
  const capped = Math.min(1, Math.max(-1, ratio));
  if (capped !== ratio && expr.param) {
    const got = formatGeneral(ratio);
    evaluation.annotations.warn(
      `ratio value should be between -1 and 1, got ${got}, capping to ${capped}`,
      expr.param.span,
    );
  }
  return capped;
}

/** A label set's place in [0, 1): its hash as a share of all hashes. */
function hashShare(labels: Labels): number {
  return Number(labelHash(labels)) / 2 ** 64;
}
