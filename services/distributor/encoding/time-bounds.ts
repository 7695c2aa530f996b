import type { Limits } from '@xscaler/tenancy';
import type { SeriesSource } from '@xscaler/wire/labels';
import { MAX_TIMESTAMP_MS } from '@xscaler/wire/log-record';

/** The range of times, in ms, that a request's samples must be in. */
export class TimeBounds {
  readonly minMs: number;
  readonly maxMs: number;

  /** `wideningMs`: samples may be this much later than the tenant's window. */
  constructor(limits: Limits, nowMs: number, wideningMs: number) {
    this.minMs = Math.max(-MAX_TIMESTAMP_MS, nowMs - limits.out_of_order_time_window - wideningMs);
    this.maxMs = Math.min(MAX_TIMESTAMP_MS, nowMs + limits.creation_grace_period);
  }

  has(timestampMs: number): boolean {
    return timestampMs >= this.minMs && timestampMs <= this.maxMs;
  }

  /** Whether any of the series' samples and histograms is within the bounds. */
  hasAnyOf(source: SeriesSource): boolean {
    const { timestamps, sampleCount, histogramCount } = source;
    for (let i = 0; i < sampleCount; i++) if (this.has(timestamps[i])) return true;
    for (let i = 0; i < histogramCount; i++) if (this.has(source.histogram(i).timestampMs)) return true;
    return false;
  }

  /** Number of the series' float samples within the bounds. */
  samplesOf(source: SeriesSource): number {
    const { timestamps, sampleCount } = source;
    const { minMs, maxMs } = this;
    let count = 0;
    for (let i = 0; i < sampleCount; i++) if (timestamps[i] >= minMs && timestamps[i] <= maxMs) count++;
    return count;
  }

  /** Time of the series' youngest sample within the bounds, −∞ if there is none. */
  youngestOf(source: SeriesSource): number {
    const { timestamps, sampleCount, histogramCount } = source;
    let youngestMs = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < sampleCount; i++) {
      if (timestamps[i] > youngestMs && this.has(timestamps[i])) youngestMs = timestamps[i];
    }
    for (let i = 0; i < histogramCount; i++) {
      const { timestampMs } = source.histogram(i);
      if (timestampMs > youngestMs && this.has(timestampMs)) youngestMs = timestampMs;
    }
    return youngestMs;
  }
}
