import type { Labels } from '@xscaler/model';

/** Two references: from the label set, and what the engine keeps about a text. */
const BYTES_A_TEXT = 16;

/** Characters of a label set's names and values. */
export function labelTextLength({ pairs }: Labels): number {
  let length = 0;
  for (let i = 0; i < pairs.length; i++) length += pairs[i].length;
  return length;
}

/**
 * Memory that a label set takes which shares its texts with others, estimated: its key is a copy of all of them, a byte a
 * character.
 */
export function labelSetBytes(labels: Labels): number {
  return BYTES_A_TEXT * labels.pairs.length + labelTextLength(labels);
}
