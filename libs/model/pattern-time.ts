import { MAX_MATCH_STEPS } from './pattern-cost.ts';

/** Steps (states × characters) between two looks at the clock: 16 ms of them at most. */
const STEPS_A_LOOK = 2 ** 16;
/** The slowest step there is, ms. More time than that between two looks was somebody else's. */
const MAX_STEP_MS = 250e-6;

/** Matching what a read selects by would take too long: the reader's fault, and the same again the next time. */
export class PatternCostError extends Error {
  override readonly name = 'PatternCostError';
  readonly code = 'pattern_cost';
}

/**
 * What one read may spend on regular expressions. An index tests each value of a label, on a thread that others need as well,
 * and what a step costs is known only when it was made: some patterns take a thousandth of the time that others of
 * their size take.
 */
export class PatternTime {
  readonly #clock: () => number;
  readonly #maxMs: number;
  #steps = 0;
  #spentMs = 0;
  #lookedMs: number;

  /** `clock` in ms, monotonic. */
  constructor(clock: () => number, maxMs: number) {
    this.#clock = clock;
    this.#maxMs = maxMs;
    this.#lookedMs = clock();
  }

  /** A match of this many steps is about to be made. @throws PatternCostError */
  spend(steps: number): void {
    if (steps > MAX_MATCH_STEPS) {
      throw new PatternCostError(
        `a regular expression is too large for the values of its label: states times characters of a value are limited to ${MAX_MATCH_STEPS} at most`,
      );
    }
    this.#steps += steps;
    if (this.#steps < STEPS_A_LOOK) return;
    const nowMs = this.#clock();
    this.#spentMs += Math.min(nowMs - this.#lookedMs, this.#steps * MAX_STEP_MS);
    this.#lookedMs = nowMs;
    this.#steps = 0;
    if (this.#spentMs > this.#maxMs) {
      throw new PatternCostError(
        `the regular expressions of a selector took more than ${this.#maxMs} ms on the values of their labels: use simpler ones`,
      );
    }
  }
}
