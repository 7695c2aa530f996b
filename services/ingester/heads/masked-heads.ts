import { compareUtf8, type Labels } from '@xscaler/model';
import {
  type HeadSelection,
  type MatcherSets,
  maskExemplars,
  maskFrame,
  type SeriesExemplars,
  SeriesFrameReader,
  SeriesMask,
} from '@xscaler/tsdb';
import type { HeldHead } from './partition-heads.ts';

/*
 * Reads of heads without the samples deleted after they were closed. Few heads have a tombstone, and only briefly; those
 * that do are read series by series.
 */

/** The tombstones that hide part of a head; undefined if there are none. */
export function maskOf({ tombstones }: HeldHead): SeriesMask | undefined {
  return tombstones.length === 0 ? undefined : new SeriesMask([...tombstones]);
}

export function* maskedFrames(
  selection: HeadSelection,
  mask: SeriesMask | undefined,
  maxBytes?: number,
): Generator<Uint8Array<ArrayBuffer>, void, void> {
  for (const frame of selection.frames(maxBytes)) {
    const masked = mask === undefined ? frame : maskFrame(frame, mask);
    if (masked !== undefined) yield masked;
  }
}

/** Sorted. */
export function labelNamesOf(held: HeldHead, matchers: MatcherSets): string[] {
  if (held.tombstones.length === 0) return held.head.labelNames(matchers);
  const names = new Set(
    seriesLabelsOf(held, matchers).flatMap((labels) => [...labels].map(([name]) => name)),
  );
  return [...names].sort(compareUtf8);
}

/** Sorted. */
export function labelValuesOf(held: HeldHead, name: string, matchers: MatcherSets): string[] {
  if (held.tombstones.length === 0) return held.head.labelValues(name, matchers);
  const values = new Set(seriesLabelsOf(held, matchers).map((labels) => labels.get(name)));
  values.delete('');
  return [...values].sort(compareUtf8);
}

/** In no particular order. */
export function seriesLabelsOf(held: HeldHead, matchers: MatcherSets): Labels[] {
  const mask = maskOf(held);
  if (mask === undefined) return held.head.seriesLabels(matchers);
  using selection = held.head.select(matchers, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  const found: Labels[] = [];
  for (const frame of maskedFrames(selection, mask)) {
    const reader = new SeriesFrameReader(frame);
    while (reader.next()) found.push(reader.labels());
  }
  return found;
}

export function exemplarsOf(
  held: HeldHead,
  matchers: MatcherSets,
  startMs: number,
  endMs: number,
): Iterable<SeriesExemplars> {
  const found = held.head.exemplars(matchers, startMs, endMs);
  const mask = maskOf(held);
  return mask === undefined ? found : maskExemplars(found, mask);
}
