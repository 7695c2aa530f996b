import { CANCELLATION_SAMPLES } from '../vectors/cancellation.ts';
import type { FloatWindows } from './float-windows.ts';

/**
 * The greatest or least value of every window without a branch that values decide: samples lie in blocks as long as the
 * longest window, so that a window lies in two blocks at most, and is the extreme of what the first has from the window's
 * start on and the second up to its end (van Herk 1992; Gil and Werman 1993).
 */
export class BlockExtremes {
  /** Of a sample's block the extreme up to the sample, and from it on. */
  #upTo = new Float64Array(0);
  #fromOn = new Float64Array(0);

  /** Whether it takes these windows: NaN counts for nothing and 0 is not −0 elsewhere, and many samples need looks around. */
  takes({ steps, from, to, values }: FloatWindows): boolean {
    const end = to[steps - 1];
    if (end - from[0] > CANCELLATION_SAMPLES) return false;
    for (let i = from[0]; i < end; i++) {
      const value = values[i];
      if (value === 0 ? 1 / value < 0 : Number.isNaN(value)) return false;
    }
    return true;
  }

  applyAll(windows: FloatWindows, highest: boolean): void {
    const { steps, from, to, values, first, results } = windows;
    const origin = from[0];
    const length = to[steps - 1] - origin;
    const block = longest(windows);
    if (block === 0) return;
    this.#fill(windows, origin, length, block, highest);
    const upTo = this.#upTo;
    const fromOn = this.#fromOn;
    let blockEnd = block;
    for (let k = 0; k < steps; k++) {
      const low = from[k] - origin;
      const last = to[k] - origin - 1;
      if (last < low) continue;
      while (blockEnd <= low) blockEnd += block;
      let best: number;
      if (last >= blockEnd) {
        best = highest ? Math.max(fromOn[low], upTo[last]) : Math.min(fromOn[low], upTo[last]);
      } else if (low === blockEnd - block) best = upTo[last];
      else if (last === blockEnd - 1 || last === length - 1) best = fromOn[low];
      else best = extremeOf(values, from[k], to[k], highest);
      results[first + k] = best;
    }
  }

  #fill(windows: FloatWindows, origin: number, length: number, block: number, highest: boolean): void {
    const { values, budget } = windows;
    budget.work(2 * length);
    if (this.#upTo.length < length) {
      budget.hold(2 * (length - this.#upTo.length));
      this.#upTo = new Float64Array(length);
      this.#fromOn = new Float64Array(length);
    }
    const upTo = this.#upTo;
    const fromOn = this.#fromOn;
    for (let start = 0; start < length; start += block) {
      const end = Math.min(length, start + block);
      let best = values[origin + start];
      for (let i = start; i < end; i++) {
        best = highest ? Math.max(best, values[origin + i]) : Math.min(best, values[origin + i]);
        upTo[i] = best;
      }
      best = values[origin + end - 1];
      for (let i = end - 1; i >= start; i--) {
        best = highest ? Math.max(best, values[origin + i]) : Math.min(best, values[origin + i]);
        fromOn[i] = best;
      }
    }
  }
}

/** Samples of the longest window. */
function longest({ steps, from, to }: FloatWindows): number {
  let most = 0;
  for (let k = 0; k < steps; k++) most = Math.max(most, to[k] - from[k]);
  return most;
}

function extremeOf(values: Float64Array, from: number, to: number, highest: boolean): number {
  let best = values[from];
  for (let i = from + 1; i < to; i++) best = highest ? Math.max(best, values[i]) : Math.min(best, values[i]);
  return best;
}
