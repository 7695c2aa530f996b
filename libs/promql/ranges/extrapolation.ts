/**
 * How far the change between the first and last sample of a window is stretched: to the window's ends if those
 * samples are close enough to them (Prometheus' documented extrapolation). One object serves all windows. Seconds.
 */
export class Extrapolation {
  /** Between the first and last sample. */
  sampled = 0;
  /** By how much it is stretched to either side, unless a counter would go below zero. */
  toStart = 0;
  toEnd = 0;
  #lastMs = 0;

  /** Takes a window up. @param intervals samples in it, less one */
  measure(startMs: number, endMs: number, firstMs: number, lastMs: number, intervals: number): void {
    const sampled = (lastMs - firstMs) / 1000;
    const average = intervals === 0 ? 0 : sampled / intervals;
    const threshold = average * 1.1;
    const toStart = (firstMs - startMs) / 1000;
    const toEnd = (endMs - lastMs) / 1000;
    this.sampled = sampled;
    this.toStart = toStart >= threshold ? average / 2 : toStart;
    this.toEnd = toEnd >= threshold ? average / 2 : toEnd;
    this.#lastMs = lastMs;
  }

  /**
   * By how much the change grows.
   * @param zeroShare the counter's first value as a share of its change: going back further than that would take it below
   *   zero; infinite for gauges
   */
  factor(zeroShare: number): number {
    const { sampled, toEnd } = this;
    let { toStart } = this;
    const toZero = sampled * zeroShare;
    // Not the lesser of them: the share of an infinite value is not a number.
    if (toZero < toStart) toStart = toZero;
    return (sampled + toStart + toEnd) / sampled;
  }

  /** The same of a counter that began in the window, at `startMs`. */
  factorSince(startMs: number): number {
    const covered = (this.#lastMs - startMs) / 1000;
    return (covered + this.toEnd) / covered;
  }
}
