import { METRIC_NAME } from '@xscaler/model';
import { RE2JS } from 're2js';
import type { Call } from '../ast.ts';
import { ExecutionError } from '../errors.ts';
import type { Evaluator } from '../evaluator.ts';
import { mergeEqualRows } from '../label-sets.ts';
import type { StepGrid } from '../query.ts';
import type { StepBlock } from '../step-block.ts';

/** `label_replace(v, dst, replacement, src, regex)`: sets a label from what an anchored regex finds in another. */
export function evaluateLabelReplace(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const [target, replacement, source, pattern] = call.args.slice(1).map((arg) => evaluator.text(arg));
  const regex = compile(pattern);
  if (!isLabelName(target)) {
    throw new ExecutionError(`invalid destination label name in label_replace(): ${target}`);
  }
  const block = evaluator.vector(call.args[0], grid);
  const template = new Template(replacement);
  for (let row = 0; row < block.rows; row++) {
    // A match may take milliseconds: its cost is pattern × text.
    evaluator.budget.look();
    const matcher = regex.matcher(block.labels[row].get(source));
    if (!matcher.matches()) continue;
    const value = template.expand((group) => {
      const found = typeof group === 'number' ? numbered(matcher, group) : named(matcher, group);
      return found ?? '';
    });
    block.labels[row] = block.labels[row].with(target, value);
    if (target === METRIC_NAME) block.nameDropped[row] = false;
  }
  return mergeEqualRows(block);
}

type RegexMatch = ReturnType<RE2JS['matcher']>;

function numbered(matcher: RegexMatch, group: number): string | null {
  return group <= matcher.groupCount() ? matcher.group(group) : null;
}

function named(matcher: RegexMatch, group: string): string | null {
  const groups: Record<string, unknown> = matcher.getNamedGroups();
  return group in groups ? matcher.group(group) : null;
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(`^(?s:${pattern})$`);
  } catch {
    throw new ExecutionError(`invalid regular expression in label_replace(): ${pattern}`);
  }
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

  expand(groupText: (group: string | number) => string): string {
    return this.#parts.map((part) => (typeof part === 'string' ? part : groupText(part.group))).join('');
  }
}

/** What making a label set costs, in samples handled. */
const LABELLING_WORK = 16;

/** `label_join(v, dst, separator, src…)`. */
export function evaluateLabelJoin(evaluator: Evaluator, call: Call, grid: StepGrid): StepBlock {
  const [target, separator, ...sources] = call.args.slice(1).map((arg) => evaluator.text(arg));
  for (const source of sources) {
    if (!isLabelName(source))
      throw new ExecutionError(`invalid source label name in label_join(): ${source}`);
  }
  if (!isLabelName(target)) {
    throw new ExecutionError(`invalid destination label name in label_join(): ${target}`);
  }
  const block = evaluator.vector(call.args[0], grid);
  for (let row = 0; row < block.rows; row++) {
    evaluator.budget.work(LABELLING_WORK);
    const labels = block.labels[row];
    block.labels[row] = labels.with(target, sources.map((source) => labels.get(source)).join(separator));
    if (target === METRIC_NAME) block.nameDropped[row] = false;
  }
  return mergeEqualRows(block);
}

/** Any UTF-8 text but the empty one is a label name. */
function isLabelName(name: string): boolean {
  return name !== '' && !name.includes('\ufffd');
}
