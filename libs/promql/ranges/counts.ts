import type { Budget } from '../vectors/budget.ts';
import { LOOK_MASK } from '../vectors/cancellation.ts';
import type { FloatWindows } from './float-windows.ts';
import { countMixedPairs } from './histogram-pairs.ts';
import type { RangeSamples } from './range-samples.ts';
import { isResetAt } from './start-times.ts';
import type { Window, WindowFunction } from './window.ts';

/** Whether a sample differs from the one before it in the way that is counted. */
export type PairTest = (previous: number, current: number) => boolean;

/** For `changes`: NaN to NaN is not a change. */
export function isChange(previous: number, current: number): boolean {
  return current !== previous && !(Number.isNaN(current) && Number.isNaN(previous));
}

/** For `resets`. */
export function isReset(previous: number, current: number): boolean {
  return current < previous;
}

/** `changes` and `resets`: neighbours that pass a test, counted by prefix sums. */
export class PairsOverTime implements WindowFunction {
  readonly #test: PairTest;
  /** `#prefix[i]` counts the samples up to and including i that pass against their predecessor. */
  #prefix = new Int32Array(256);

  readonly #resets: boolean;

  /** @param resets counts resets of histograms, else their changes */
  constructor(test: PairTest, resets: boolean) {
    this.#test = test;
    this.#resets = resets;
  }

  begin({ values, length, starts }: RangeSamples, budget: Budget): void {
    if (this.#prefix.length < length) this.#prefix = new Int32Array(length * 2);
    let count = 0;
    for (let i = 1; i < length; i++) {
      if ((i & LOOK_MASK) === 0) budget.look();
      if (this.#test(values[i - 1], values[i]) || (this.#resets && isResetAt(starts, i))) count++;
      this.#prefix[i] = count;
    }
    this.#prefix[0] = 0;
  }

  apply(window: Window): void {
    const { from, to } = window;
    if (window.histogramFrom !== window.histogramTo) {
      window.setFloat(countMixedPairs(window, this.#resets, this.#test));
      return;
    }
    if (from === to) return;
    window.setFloat(this.#prefix[to - 1] - this.#prefix[from]);
  }

  applyAll(windows: FloatWindows): number {
    const { steps, from, to, first, results } = windows;
    const prefix = this.#prefix;
    for (let k = 0; k < steps; k++) {
      if (from[k] !== to[k]) results[first + k] = prefix[to[k] - 1] - prefix[from[k]];
    }
    return windows.markFilled();
  }
}
