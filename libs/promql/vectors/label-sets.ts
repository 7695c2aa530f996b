import { Labels, METRIC_NAME } from '@xscaler/model';
import { quoteText } from '../numbers/go-quote.ts';
import { ExecutionError } from '../syntax/errors.ts';
import type { StepBlock } from './step-block.ts';

const METADATA_LABELS = new Set([METRIC_NAME, '__type__', '__unit__']);

/** What making a label set, or its key, costs in samples handled. */
export const LABELS_WORK = 16;

/** Whether a label describes the metric itself (its name, type, unit) and goes if a value changes meaning. */
export function isMetadataLabel(name: string): boolean {
  return METADATA_LABELS.has(name);
}

export function withoutMetadataLabels(labels: Labels): Labels {
  const { pairs } = labels;
  const kept: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    if (!METADATA_LABELS.has(pairs[i])) kept.push(pairs[i], pairs[i + 1]);
  }
  return kept.length === pairs.length ? labels : Labels.fromSorted(kept);
}

/** Whether label sets, no two of which are equal, are all different without their metadata too. */
export function differWithoutMetadata(rows: readonly { readonly labels: Labels }[]): boolean {
  const name = rows[0]?.labels.metricName;
  const alike = ({ labels }: { readonly labels: Labels }) =>
    labels.metricName === name && labels.get('__type__') === '' && labels.get('__unit__') === '';
  if (rows.every(alike)) return true;
  return new Set(rows.map(({ labels }) => withoutMetadataLabels(labels).key)).size === rows.length;
}

/** Characters of a label set that an error text shows at most; functions make label sets of any length. */
const MAX_SHOWN_LENGTH = 65_536;

/** `{a="b", c="d"}`, as error texts show label sets. */
export function printLabelSet(labels: Labels): string {
  let text = '{';
  for (const [name, value] of labels) {
    const shown = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : quoteText(name);
    text += `${text === '{' ? '' : ', '}${shown}=${quoteText(value)}`;
    if (text.length > MAX_SHOWN_LENGTH) return `${text.slice(0, MAX_SHOWN_LENGTH)}…`;
  }
  return `${text}}`;
}

/**
 * Joins rows of equal labels whose cells do not overlap.
 * @throws ExecutionError if they do
 */
export function mergeEqualRows(block: StepBlock): StepBlock {
  const firstRows = new Map<string, number>();
  let repeated = false;
  for (let row = 0; row < block.rows; row++) {
    block.budget.work(LABELS_WORK);
    const { key } = block.labels[row];
    block.budget.workOnText(key.length);
    if (firstRows.has(key)) repeated = true;
    else firstRows.set(key, row);
  }
  if (!repeated) return block;
  const kept: number[] = [];
  for (let row = 0; row < block.rows; row++) {
    const into = firstRows.get(block.labels[row].key) as number;
    if (into === row) kept.push(row);
    else mergeRow(block, into, row);
  }
  return block.pick(kept);
}

function mergeRow(block: StepBlock, into: number, row: number): void {
  const { steps, present } = block;
  block.budget.work(steps);
  for (let k = 0; k < steps; k++) {
    if (present[row * steps + k] === 0) continue;
    if (present[into * steps + k] !== 0) {
      throw new ExecutionError('vector cannot contain metrics with the same labelset');
    }
    block.copyCell(into * steps + k, block, row * steps + k);
  }
}
