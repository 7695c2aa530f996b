import { CANCELLATION_SAMPLES } from '../vectors/cancellation.ts';
import { BlockExtremes } from './block-extremes.ts';
import type { FloatWindows } from './float-windows.ts';
import type { RangeSamples } from './range-samples.ts';
import type { Window, WindowFunction } from './window.ts';

/** Which sample of a window is wanted, and what of it. */
export interface ExtremeKind {
  readonly highest: boolean;
  /** The sample's time in seconds, of the last one among equals, instead of its value. */
  readonly time: boolean;
}

/**
 * `max_over_time`, `min_over_time` and `ts_of_…`: a monotonic queue of candidate samples, so each sample
 * enters and leaves once. NaN counts only if a window has nothing else.
 */
export class ExtremeOverTime implements WindowFunction {
  readonly #kind: ExtremeKind;
  /** Indices of candidates, best first; `#head` is the front. */
  #queue = new Int32Array(256);
  #head = 0;
  #tail = 0;
  #next = 0;
  readonly #plain = new BlockExtremes();

  constructor(kind: ExtremeKind) {
    this.#kind = kind;
  }

  begin(samples: RangeSamples): void {
    if (this.#queue.length < samples.length) this.#queue = new Int32Array(samples.length * 2);
    this.#head = 0;
    this.#tail = 0;
    this.#next = 0;
  }

  apply(window: Window): void {
    const { from, to } = window;
    if (!window.hasFloats()) return;
    const { timestamps, values } = window.samples;
    const queue = this.#queue;
    for (; this.#next < to; this.#next++) {
      const value = values[this.#next];
      if (Number.isNaN(value)) continue;
      while (this.#tail > this.#head && this.#beats(value, values[queue[this.#tail - 1]])) this.#tail--;
      queue[this.#tail++] = this.#next;
    }
    while (this.#head < this.#tail && queue[this.#head] < from) this.#head++;
    const best = this.#head < this.#tail ? queue[this.#head] : to - 1;
    window.setFloat(this.#kind.time ? timestamps[best] / 1000 : values[best]);
  }

  applyAll(windows: FloatWindows): number {
    if (this.#kind.time || !this.#plain.takes(windows)) this.#queueAll(windows);
    else this.#plain.applyAll(windows, this.#kind.highest);
    return windows.markFilled();
  }

  #queueAll(windows: FloatWindows): void {
    const { steps, from, to, timestamps, values, first, results, budget } = windows;
    const { time } = this.#kind;
    const queue = this.#queue;
    let head = 0;
    let tail = 0;
    let next = 0;
    for (let k = 0; k < steps; k++) {
      const low = from[k];
      const high = to[k];
      if (low === high) continue;
      for (; next < high; next++) {
        if (next % CANCELLATION_SAMPLES === 0) budget.look();
        const value = values[next];
        if (Number.isNaN(value)) continue;
        while (tail > head && this.#beats(value, values[queue[tail - 1]])) tail--;
        queue[tail++] = next;
      }
      while (head < tail && queue[head] < low) head++;
      const best = head < tail ? queue[head] : high - 1;
      results[first + k] = time ? timestamps[best] / 1000 : values[best];
    }
  }

  /** Whether a sample makes an earlier one needless: of equal ones the first value stands (0 and −0), and the last time. */
  #beats(value: number, earlier: number): boolean {
    const { highest, time } = this.#kind;
    if (value === earlier) return time;
    return highest ? value > earlier : value < earlier;
  }
}
