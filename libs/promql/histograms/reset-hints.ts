import type { FloatHistogram } from '@xscaler/model';
import { isHistogramReset, withHint } from './arithmetic.ts';

/**
 * Works out for each histogram of a series whether a reset lies before it, if that is not known. Storage
 * does not tell; Prometheus finds out so if only counts and sums of histograms are asked for, and its
 * warnings about conflicting resets follow from it.
 */
export function detectResetHints(histograms: (FloatHistogram | undefined)[]): void {
  let previous: FloatHistogram | undefined;
  for (let i = 0; i < histograms.length; i++) {
    const histogram = histograms[i];
    if (!histogram) continue;
    if (previous && histogram.counterResetHint === 'unknown') {
      histograms[i] = withHint(histogram, isHistogramReset(histogram, previous) ? 'reset' : 'not_reset');
    }
    previous = histogram;
  }
}
