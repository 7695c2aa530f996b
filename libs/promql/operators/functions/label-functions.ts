import { METRIC_NAME } from '@xscaler/model';
import type { Call } from '../../syntax/ast.ts';
import { ExecutionError } from '../../syntax/errors.ts';
import { mergeEqualRows } from '../../vectors/label-sets.ts';
import type { StepGrid } from '../../vectors/query.ts';
import type { StepBlock } from '../../vectors/step-block.ts';
import type { Evaluation } from '../evaluation.ts';
import { LabelPattern, type PatternMatch } from './label-pattern.ts';

/** What making a label set costs, in samples handled. */
const LABELLING_WORK = 16;

/** `label_replace(v, dst, replacement, src, regex)`: sets a label from what an anchored regex finds in another. */
export function evaluateLabelReplace(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const [target, replacement, source, pattern] = call.args.slice(1).map((arg) => evaluation.text(arg));
  const regex = new LabelPattern('label_replace', pattern, evaluation.budget);
  if (!isLabelName(target)) {
    throw new ExecutionError(`invalid destination label name in label_replace(): ${target}`);
  }
  const block = evaluation.vector(call.args[0], grid);
  const template = new Template(replacement);
  for (let row = 0; row < block.rows; row++) {
    evaluation.budget.work(LABELLING_WORK);
    const match = regex.match(block.labels[row].get(source));
    if (!match) continue;
    const parts = template.expand((group) => {
      const found = typeof group === 'number' ? numbered(match, group) : named(match, group);
      return found ?? '';
    });
    evaluation.budget.work(parts.length);
    const value = joinedValue('label_replace', parts, '');
    block.setLabels(row, block.labels[row].with(target, value), value.length);
    if (target === METRIC_NAME) block.nameDropped[row] = false;
  }
  return mergeEqualRows(block);
}

function numbered(match: PatternMatch, group: number): string | null {
  return group <= match.groupCount() ? match.group(group) : null;
}

function named(match: PatternMatch, group: string): string | null {
  const groups: Record<string, unknown> = match.getNamedGroups();
  return group in groups ? match.group(group) : null;
}

/**
 * Characters of a value that a function makes of others: as many as all labels of a series have together, by the limits that
 * hold if none is set. Without a bound every function that is put around another could double it.
 */
const MAX_VALUE_LENGTH = 65_536;

/** @throws ExecutionError, before anything is joined, if the value would be too long */
function joinedValue(functionName: string, parts: readonly string[], separator: string): string {
  let length = separator.length * Math.max(0, parts.length - 1);
  for (const part of parts) length += part.length;
  if (length > MAX_VALUE_LENGTH) {
    throw new ExecutionError(
      `${functionName}() would make a label value of ${length} characters, limit ${MAX_VALUE_LENGTH}`,
    );
  }
  return parts.join(separator);
}

/** A replacement text with `$1`, `${1}`, `$name`, `${name}` and `$$`, as Go's `Regexp.Expand` reads it. */
class Template {
  readonly #parts: readonly (string | { group: string | number })[];

  constructor(text: string) {
    const parts: (string | { group: string | number })[] = [];
    let last = 0;
    for (const match of text.matchAll(/\$(?:\$|\{(\w+)\}|(\w+))/g)) {
      parts.push(text.slice(last, match.index));
      last = match.index + match[0].length;
      const name = match[1] ?? match[2];
      if (name === undefined) parts.push('$');
      else parts.push({ group: /^\d+$/.test(name) ? Number(name) : name });
    }
    parts.push(text.slice(last));
    this.#parts = parts;
  }

  /** Pieces that follow one another. */
  expand(groupText: (group: string | number) => string): string[] {
    return this.#parts.map((part) => (typeof part === 'string' ? part : groupText(part.group)));
  }
}

/** `label_join(v, dst, separator, src…)`. */
export function evaluateLabelJoin(evaluation: Evaluation, call: Call, grid: StepGrid): StepBlock {
  const [target, separator, ...sources] = call.args.slice(1).map((arg) => evaluation.text(arg));
  for (const source of sources) {
    if (!isLabelName(source))
      throw new ExecutionError(`invalid source label name in label_join(): ${source}`);
  }
  if (!isLabelName(target)) {
    throw new ExecutionError(`invalid destination label name in label_join(): ${target}`);
  }
  const block = evaluation.vector(call.args[0], grid);
  for (let row = 0; row < block.rows; row++) {
    evaluation.budget.work(LABELLING_WORK + sources.length);
    const labels = block.labels[row];
    const values = sources.map((source) => labels.get(source));
    const value = joinedValue('label_join', values, separator);
    block.setLabels(row, labels.with(target, value), value.length);
    if (target === METRIC_NAME) block.nameDropped[row] = false;
  }
  return mergeEqualRows(block);
}

/** Any UTF-8 text but the empty one is a label name. */
function isLabelName(name: string): boolean {
  return name !== '' && !name.includes('\ufffd');
}
