import type { FloatHistogram, Labels } from '@xscaler/model';
import type { BinaryExpr, VectorMatching } from '../../syntax/ast.ts';
import { ExecutionError } from '../../syntax/errors.ts';
import { isComparison, isTrim } from '../../syntax/type-check.ts';
import { groupRows, matchingLabels } from '../../vectors/grouping.ts';
import {
  isMetadataLabel,
  mergeEqualRows,
  printLabelSet,
  withoutMetadataLabels,
} from '../../vectors/label-sets.ts';
import { ABSENT, HISTOGRAM } from '../../vectors/query.ts';
import { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import { combineMixed } from './mixed-samples.ts';
import { arithmeticOf, comparisonOf } from './operators.ts';

/**
 * Arithmetic or comparison of two vectors. Which rows meet is worked out once: rows are grouped by the
 * matching labels, and within a group every row of the "many" side meets every row of the "one" side;
 * that no more than one of those is there at any step is checked step by step.
 */
export function combineVectors(
  evaluation: Evaluation,
  expr: BinaryExpr,
  left: StepBlock,
  right: StepBlock,
): StepBlock {
  return new VectorJoin(evaluation, expr, left, right).run();
}

/** Rows of one match group on either side. */
interface Members {
  readonly many: number[];
  readonly one: number[];
}

class VectorJoin {
  readonly #evaluation: Evaluation;
  readonly #expr: BinaryExpr;
  readonly #matching: VectorMatching;
  readonly #many: StepBlock;
  readonly #one: StepBlock;
  /** The "one" side is the left. */
  readonly #swapped: boolean;
  readonly #result: StepBlock;
  /** First cell of the result row of each label set. */
  readonly #rows = new Map<string, number>();
  /** Match group that filled each result cell, plus one. */
  #filledBy = new Int32Array(0);
  /** Rows that `fill` has added to each side. */
  readonly #filledMany = new Set<number>();
  readonly #filledOne = new Set<number>();

  constructor(evaluation: Evaluation, expr: BinaryExpr, left: StepBlock, right: StepBlock) {
    this.#evaluation = evaluation;
    this.#expr = expr;
    this.#matching = expr.matching as VectorMatching;
    this.#swapped = this.#matching.cardinality === 'one-to-many';
    this.#many = this.#swapped ? right : left;
    this.#one = this.#swapped ? left : right;
    this.#result = new StepBlock(evaluation.budget, left.steps, this.#many.rows);
  }

  run(): StepBlock {
    const { labels, on } = this.#matching;
    const reduce = matchingLabels(labels, on);
    const groups = groupRows([...this.#many.labels, ...this.#one.labels], reduce, this.#evaluation.budget);
    const members: Members[] = groups.labels.map(() => ({ many: [], one: [] }));
    groups.groupOf.forEach((group, i) => {
      if (i < this.#many.rows) members[group].many.push(i);
      else members[group].one.push(i - this.#many.rows);
    });
    this.#fillMissing(groups.labels, members);
    members.forEach(({ many, one }, group) => {
      this.#combineGroup(group, groups.labels[group], many, one);
    });
    return mergeEqualRows(this.#result).withoutEmptyRows();
  }

  /** Adds rows for what `fill` stands in for: a group's value at the steps where a side has no row of it. */
  #fillMissing(labels: readonly Labels[], members: readonly Members[]): void {
    const { fillLeft, fillRight } = this.#matching;
    // Prometheus takes `fill_left` for the "many" side, even if that is the right one.
    const [fillMany, fillOne] = [fillLeft, fillRight];
    members.forEach(({ many, one }, group) => {
      const hasMany = many.length > 0;
      if (fillMany !== undefined && one.length > 0) {
        this.#filledMany.add(addFilledRow(this.#many, labels[group], many, fillMany));
      }
      if (fillOne !== undefined && hasMany) {
        this.#filledOne.add(addFilledRow(this.#one, labels[group], one, fillOne));
      }
    });
  }

  #combineGroup(group: number, groupLabels: Labels, many: readonly number[], one: readonly number[]): void {
    if (one.length > 1) this.#checkUnique(groupLabels, one);
    const produced =
      this.#matching.cardinality === 'one-to-one' && many.length > 1
        ? new Uint8Array(this.#result.steps)
        : undefined;
    for (const manyRow of many) {
      for (const oneRow of one) {
        const bothFilled = this.#filledMany.has(manyRow) && this.#filledOne.has(oneRow);
        if (!bothFilled) this.#combineRows(group, manyRow, oneRow, produced);
      }
      this.#evaluation.budget.work(one.length * this.#result.steps);
    }
  }

  /** @throws ExecutionError if two rows of the "one" side are there at one step */
  #checkUnique(groupLabels: Labels, rows: readonly number[]): void {
    const { steps, present, labels, budget } = this.#one;
    for (let step = 0; step < steps; step++) {
      budget.work(rows.length);
      let seen = -1;
      for (const row of rows) {
        if (present[row * steps + step] === 0) continue;
        if (seen >= 0 && anyAt(this.#many, step)) {
          const side = this.#swapped ? 'left' : 'right';
          const pair = `${printLabelSet(labels[row])}, ${printLabelSet(labels[seen])}`;
          throw new ExecutionError(
            `found duplicate series for the match group ${printLabelSet(groupLabels)} on the ${side} hand-side of the operation: [${pair}];many-to-many matching not allowed: matching labels must be unique on one side`,
          );
        }
        seen = row;
      }
    }
  }

  #combineRows(group: number, manyRow: number, oneRow: number, produced: Uint8Array | undefined): void {
    const many = this.#many;
    const one = this.#one;
    const { steps } = many;
    const { op, returnBool } = this.#expr;
    const trims = isTrim(op);
    const compares = isComparison(op);
    const compare = comparisonOf(op);
    const combine = arithmeticOf(op);
    let first = -1;
    for (let step = 0; step < steps; step++) {
      const manyCell = manyRow * steps + step;
      const oneCell = oneRow * steps + step;
      if (many.present[manyCell] === ABSENT || one.present[oneCell] === ABSENT) continue;
      const left = this.#swapped ? one.values[oneCell] : many.values[manyCell];
      const right = this.#swapped ? many.values[manyCell] : one.values[oneCell];
      if (produced) this.#markProduced(produced, step);
      if (trims || many.present[manyCell] === HISTOGRAM || one.present[oneCell] === HISTOGRAM) {
        this.#combineMixedCells(group, manyRow, oneRow, step);
        continue;
      }
      let value: number;
      if (!compares) value = combine(left, right);
      else {
        const holds = compare(left, right);
        if (!holds && !returnBool) continue;
        value = returnBool ? Number(holds) : left;
      }
      if (first < 0) first = this.#resultRow(manyRow, oneRow);
      this.#claim(group, first + step, value);
    }
  }

  /** One of the two samples at least is a histogram. */
  #combineMixedCells(group: number, manyRow: number, oneRow: number, step: number): void {
    const manySample = sampleAt(this.#many, manyRow * this.#many.steps + step);
    const oneSample = sampleAt(this.#one, oneRow * this.#one.steps + step);
    const left = this.#swapped ? oneSample : manySample;
    const right = this.#swapped ? manySample : oneSample;
    const result = combineMixed(this.#evaluation.annotations, this.#expr, left, right);
    if (result?.kind === 'histogram') {
      this.#claim(group, this.#resultRow(manyRow, oneRow) + step, result.histogram);
    } else if (result && this.#expr.returnBool) {
      this.#claim(group, this.#resultRow(manyRow, oneRow) + step, Number(result.holds));
    } else if (result?.holds) this.#claim(group, this.#resultRow(manyRow, oneRow) + step, left);
  }

  /** @throws ExecutionError if another row of the group has met its match at the step, kept or not */
  #markProduced(produced: Uint8Array, step: number): void {
    if (produced[step] !== 0) {
      throw new ExecutionError(
        'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)',
      );
    }
    produced[step] = 1;
  }

  #claim(group: number, cell: number, sample: number | FloatHistogram): void {
    const filledBy = this.#filledBy[cell];
    if (filledBy !== 0) {
      throw new ExecutionError(
        filledBy === group + 1 && this.#matching.cardinality !== 'one-to-one'
          ? 'multiple matches for labels: grouping labels must ensure unique matches'
          : 'vector cannot contain metrics with the same labelset',
      );
    }
    this.#filledBy[cell] = group + 1;
    if (typeof sample === 'number') this.#result.setFloat(cell, sample);
    else this.#result.setHistogram(cell, sample);
  }

  /** First cell of the row that a pair of rows fills. */
  #resultRow(manyRow: number, oneRow: number): number {
    const labels = this.#resultLabels(this.#many.labels[manyRow], this.#one.labels[oneRow]);
    const { key } = labels;
    this.#evaluation.budget.workOnText(key.length);
    const known = this.#rows.get(key);
    if (known !== undefined) return known;
    const nameDropped = this.#expr.returnBool || this.#many.nameDropped[manyRow];
    const first = this.#result.addMadeRow(labels, nameDropped);
    this.#rows.set(key, first);
    const cells = first + this.#result.steps;
    if (cells > this.#filledBy.length) {
      const capacity = Math.max(cells, this.#filledBy.length * 2);
      this.#result.budget.hold(capacity - this.#filledBy.length);
      const grown = new Int32Array(capacity);
      grown.set(this.#filledBy);
      this.#filledBy = grown;
    }
    return first;
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    const { cardinality, labels, on, include } = this.#matching;
    const { op, returnBool } = this.#expr;
    let result = many;
    if (!isComparison(op) && !isTrim(op)) result = result.filter((name) => !isMetadataLabel(name));
    if (cardinality === 'one-to-one') result = result.filter((name) => labels.includes(name) === on);
    for (const name of include) result = result.with(name, one.get(name));
    return returnBool && !this.#evaluation.delayedNameRemoval ? withoutMetadataLabels(result) : result;
  }
}

function anyAt(block: StepBlock, step: number): boolean {
  block.budget.work(block.rows);
  for (let row = 0; row < block.rows; row++) if (block.present[row * block.steps + step] !== 0) return true;
  return false;
}

function sampleAt(block: StepBlock, cell: number): number | FloatHistogram {
  return block.present[cell] === HISTOGRAM ? block.histogramAt(cell) : block.values[cell];
}

/** Adds a row with the fill value wherever none of `rows` exists, and lists it. @returns its index */
function addFilledRow(block: StepBlock, labels: Labels, rows: number[], fill: number): number {
  const first = block.addMadeRow(labels);
  for (let step = 0; step < block.steps; step++) {
    block.budget.work(rows.length);
    if (rows.every((row) => block.present[row * block.steps + step] === ABSENT)) {
      block.setFloat(first + step, fill);
    }
  }
  const row = block.rows - 1;
  rows.push(row);
  return row;
}
