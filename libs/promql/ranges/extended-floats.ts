import type { Window } from './window.ts';

/** The samples that stand for the ends of an extended window. */
export interface WindowEdges {
  readonly first: number;
  readonly last: number;
}

/**
 * Finds the sample at or before the window's start, else the first one, and the last one, or for
 * `smoothed` the first at or behind its end.
 * @returns undefined if the window has nothing to say
 */
export function findEdges(
  times: ArrayLike<number>,
  from: number,
  to: number,
  { startMs, endMs }: Window,
  smoothed: boolean,
): WindowEdges | undefined {
  let first = from;
  while (first + 1 < to && times[first + 1] <= startMs) first++;
  let last = to - 1;
  if (smoothed) {
    last = from;
    while (last < to - 1 && times[last] < endMs) last++;
  }
  if (times[last] <= startMs || (smoothed && times[first] > endMs)) return undefined;
  return { first: Math.min(first, to - 1), last };
}

/** The change of floats over an extended window; for counters resets count in between. */
export function extendedFloatChange(
  window: Window,
  smoothed: boolean,
  isCounter: boolean,
): number | undefined {
  const { timestamps, values } = window.samples;
  const { startMs, endMs, from, to } = window;
  const edges = findEdges(timestamps, from, to, window, smoothed);
  if (!edges) return undefined;
  let { first, last } = edges;
  const left =
    smoothed && timestamps[first] < startMs
      ? interpolate(timestamps, values, first, startMs, isCounter)
      : values[first];
  const right =
    smoothed && last > from && timestamps[last] > endMs
      ? interpolate(timestamps, values, last - 1, endMs, isCounter)
      : values[last];
  let change = right - left;
  if (!isCounter) return change;
  if (timestamps[first] <= startMs) first++;
  if (timestamps[last] >= endMs) last--;
  let previous = left;
  for (let i = first; i <= last; i++) {
    if (values[i] < previous) change += previous;
    previous = values[i];
  }
  return right < previous ? change + previous : change;
}

/** The value between samples i and i + 1; a counter that was reset between them counts from zero. */
export function interpolate(
  timestamps: Float64Array,
  values: Float64Array,
  i: number,
  timeMs: number,
  isCounter: boolean,
): number {
  const to = values[i + 1];
  const from = isCounter && to < values[i] ? 0 : values[i];
  return from + ((to - from) * (timeMs - timestamps[i])) / (timestamps[i + 1] - timestamps[i]);
}
