import type { Budget } from './budget.ts';

/** Times that are kept at most, of all series together: 8 MB. */
const MOST_KEPT = 1 << 20;
/** To look for the times of a series is worth it if more than this many steps are worked out of them. */
const LEAST_STEPS = 16;

interface Known<T> {
  readonly times: Float64Array;
  readonly found: T;
}

/**
 * What was worked out of the times of a series' samples alone, kept for the other series of its target: they are
 * scraped together. The first ones are kept, as many as there is room for.
 */
export class ScrapeTimes<T> {
  readonly #budget: Budget;
  readonly #cellsEach: number;
  readonly #isWorthIt: boolean;
  /** By the first time. */
  readonly #known = new Map<number, Known<T>[]>();
  #kept = 0;

  /** @param cellsEach of what is worked out, in the query's budget */
  constructor(budget: Budget, steps: number, cellsEach: number) {
    this.#budget = budget;
    this.#cellsEach = cellsEach;
    this.#isWorthIt = steps >= LEAST_STEPS;
  }

  /** What is kept for the times `timestamps[0, length)`. */
  find(timestamps: Float64Array, length: number): T | undefined {
    if (!this.#isWorthIt) return undefined;
    const known = this.#known.get(timestamps[0]);
    if (known === undefined) return undefined;
    for (const { times, found } of known) if (areEqual(times, timestamps, length)) return found;
    return undefined;
  }

  /** Keeps what `make` makes; undefined if there is no room for more. */
  keep(timestamps: Float64Array, length: number, make: () => T): T | undefined {
    if (!this.#isWorthIt || this.#kept + length + this.#cellsEach > MOST_KEPT) return undefined;
    this.#kept += length + this.#cellsEach;
    this.#budget.hold(length + this.#cellsEach);
    const found = make();
    const known = this.#known.get(timestamps[0]);
    const one = { times: timestamps.slice(0, length), found };
    if (known) known.push(one);
    else this.#known.set(timestamps[0], [one]);
    return found;
  }
}

function areEqual(times: Float64Array, timestamps: Float64Array, length: number): boolean {
  if (times.length !== length || times[length - 1] !== timestamps[length - 1]) return false;
  return Buffer.compare(bytesOf(times, length), bytesOf(timestamps, length)) === 0;
}

function bytesOf(times: Float64Array, length: number): Uint8Array {
  return new Uint8Array(times.buffer, times.byteOffset, length * times.BYTES_PER_ELEMENT);
}
