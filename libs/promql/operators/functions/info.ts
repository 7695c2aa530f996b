import { type Labels, MAX_MATCH_STEPS, type Matcher, matchSteps } from '@xscaler/model';
import type { Call } from '../../syntax/ast.ts';
import { ExecutionError } from '../../syntax/errors.ts';
import { isMetadataLabel, mergeEqualRows, printLabelSet } from '../../vectors/label-sets.ts';
import { ABSENT, HISTOGRAM, type StepGrid } from '../../vectors/query.ts';
import { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import type { InfoTarget } from '../info-selector.ts';

/** Labels by which a series finds the info series of its target. */
const IDENTIFYING = ['instance', 'job'];

/** `info(v, selector)`: adds the data labels of the info series that are about the same target at each step. */
export function evaluateInfo(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const base = evaluation.vector(call.args[0], grid);
  const target = evaluation.plan.infoTargetOf(call);
  const info = evaluation.select(target.selector, grid, 'value');
  if (info.histograms) {
    const row = info.present.indexOf(HISTOGRAM);
    const labels = info.labels[Math.floor(row / info.steps)];
    throw new ExecutionError(`this should be an info metric, with float samples: ${printLabelSet(labels)}`);
  }
  const times = evaluation.select(target.selector, grid, 'timestamp');
  evaluation.budget.work((base.rows + info.rows) * grid.count);
  return new Enrichment(target, base, times).run();
}

class Enrichment {
  readonly #target: InfoTarget;
  readonly #base: StepBlock;
  /** Info series; their values are the times of their samples. */
  readonly #info: StepBlock;
  readonly #infoRows = new Map<string, number[]>();
  readonly #result: StepBlock;
  /** Whether a sample without any info series stays. */
  readonly #keepsUnmatched: boolean;

  constructor(target: InfoTarget, base: StepBlock, info: StepBlock) {
    this.#target = target;
    this.#base = base;
    this.#info = info;
    this.#result = new StepBlock(base.budget, base.steps, base.rows);
    this.#keepsUnmatched = target.dataMatchers.every((matcher) => matcher.matchesEmpty);
    info.labels.forEach((labels, row) => {
      const key = identity(labels);
      const rows = this.#infoRows.get(key);
      if (rows) rows.push(row);
      else this.#infoRows.set(key, [row]);
    });
  }

  run(): StepBlock {
    for (let row = 0; row < this.#base.rows; row++) this.#enrichRow(row);
    return mergeEqualRows(this.#result).withoutEmptyRows();
  }

  #enrichRow(row: number): void {
    const base = this.#base;
    const labels = base.labels[row];
    const isInfo = this.#target.nameMatchers.every((matcher) => this.#matches(matcher, labels.metricName));
    const candidates = this.#infoRows.get(identity(labels)) ?? [];
    /** First cell of the result row for each combination of info series. */
    const cells = new Map<string, number>();
    for (let step = 0; step < base.steps; step++) {
      const cell = row * base.steps + step;
      if (base.present[cell] === ABSENT) continue;
      base.budget.work(candidates.length + 1);
      const matches = isInfo ? [] : this.#matchesAt(candidates, step);
      if (!isInfo && matches.length === 0 && !this.#keepsUnmatched) continue;
      const combination = matches.join();
      let first = cells.get(combination);
      if (first === undefined) {
        const enriched = this.#enriched(labels, matches);
        first =
          enriched === labels
            ? this.#result.addRow(labels, base.nameDropped[row], base.labelBytes[row])
            : this.#result.addMadeRow(enriched, base.nameDropped[row]);
        cells.set(combination, first);
      }
      this.#result.copyCell(first + step, base, cell);
    }
  }

  /** A name may be one that a label function made. @throws ExecutionError if to match it may take too long */
  #matches(matcher: Matcher, name: string): boolean {
    const steps = matchSteps(matcher.states, name.length);
    if (steps > MAX_MATCH_STEPS) {
      throw new ExecutionError(
        `regular expression in info() is too large for a metric name of ${name.length} characters: its ${matcher.states} states times the characters may be ${MAX_MATCH_STEPS} at most`,
      );
    }
    this.#base.budget.look();
    return matcher.matches(name);
  }

  /** Of each info metric the series with the newest sample. */
  #matchesAt(candidates: readonly number[], step: number): number[] {
    const { present, values, steps, labels } = this.#info;
    const newest = new Map<string, number>();
    for (const row of candidates) {
      const cell = row * steps + step;
      if (present[cell] === ABSENT) continue;
      const name = labels[row].metricName;
      const other = newest.get(name);
      const otherTime = other === undefined ? Number.NEGATIVE_INFINITY : values[other * steps + step];
      if (other !== undefined && otherTime === values[cell]) {
        const pair = [labels[other], labels[row]].map(
          (one) => `${printLabelSet(one)} @ ${values[cell] * 1000}`,
        );
        throw new ExecutionError(
          `found duplicate series for info metric: existing ${pair[0]}, new ${pair[1]}`,
        );
      }
      if (values[cell] > otherTime) newest.set(name, row);
    }
    return [...newest.values()];
  }

  #enriched(labels: Labels, matches: readonly number[]): Labels {
    const wanted = new Set(this.#target.dataMatchers.map((matcher) => matcher.name));
    const added = new Map<string, string>();
    for (const row of matches) {
      for (const [name, value] of this.#info.labels[row]) {
        if (isMetadataLabel(name) || IDENTIFYING.includes(name) || labels.get(name) !== '') continue;
        if (wanted.size > 0 && !wanted.has(name)) continue;
        const known = added.get(name);
        if (known !== undefined && known !== value) throw new ExecutionError(`conflicting label: ${name}`);
        added.set(name, value);
      }
    }
    let enriched = labels;
    for (const [name, value] of added) enriched = enriched.with(name, value);
    return enriched;
  }
}

function identity(labels: Labels): string {
  return JSON.stringify(IDENTIFYING.map((name) => labels.get(name)));
}
