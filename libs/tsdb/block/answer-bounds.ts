import type { Exemplar } from '@xscaler/model';

/** Bounds on what a block is asked for at once. */
export interface AnswerBounds {
  /** How many entries are wanted: the first in their order. */
  readonly most: number;
  /** Told of each piece of the answer: how many more series it has, and about how many bytes; throws if it is too much. */
  take(seriesCount: number, bytes: number): void;
}

export const UNBOUNDED: AnswerBounds = { most: Number.POSITIVE_INFINITY, take() {} };

/** What a string takes beside its characters, about. */
const STRING_BYTES = 24;

/** Bytes that strings take in memory, about. */
export function bytesOfTexts(texts: readonly string[]): number {
  let bytes = texts.length * STRING_BYTES;
  for (const text of texts) bytes += text.length;
  return bytes;
}

/** What an exemplar takes beside its labels, about. */
const EXEMPLAR_BYTES = 96;

/** Bytes that exemplars take in memory, about. */
export function bytesOfExemplars(exemplars: readonly Exemplar[]): number {
  let bytes = exemplars.length * EXEMPLAR_BYTES;
  for (const { labels } of exemplars) bytes += bytesOfTexts(labels.pairs);
  return bytes;
}
