import { equalHistograms, isHistogramReset } from '../histograms/arithmetic.ts';
import { isResetAt } from './start-times.ts';
import type { Window } from './window.ts';

/**
 * `changes` or `resets` over a window that has histograms: floats and histograms in the order of time; from
 * one kind to the other is a change and a reset.
 * @param test for two floats
 */
export function countMixedPairs(
  window: Window,
  resets: boolean,
  test: (previous: number, current: number) => boolean,
): number {
  const { timestamps, values, starts, histograms, histogramTimestamps, histogramStarts } = window.samples;
  let float = window.from;
  let histogram = window.histogramFrom;
  let previous: 'float' | 'histogram' | undefined;
  let count = 0;
  while (float < window.to || histogram < window.histogramTo) {
    const takeFloat =
      histogram >= window.histogramTo ||
      (float < window.to && timestamps[float] < histogramTimestamps[histogram]);
    const kind = takeFloat ? 'float' : 'histogram';
    if (previous !== undefined && previous !== kind) count++;
    else if (previous === undefined) count = 0;
    else if (takeFloat)
      count += Number(test(values[float - 1], values[float]) || (resets && isResetAt(starts, float)));
    else {
      const [before, now] = [histograms[histogram - 1], histograms[histogram]];
      const reset = () => isResetAt(histogramStarts, histogram) || isHistogramReset(now, before);
      count += Number(resets ? reset() : !equalHistograms(now, before));
    }
    previous = kind;
    if (takeFloat) float++;
    else histogram++;
  }
  return count;
}
