import type { Refusals } from './refusals.ts';

/** What had become of a request before a data point, for where that is refused whole. */
export class PointMark {
  stored = 0;
  storedExemplars = 0;
  #refused = 0;
  #refusedExemplars = 0;

  note(stored: number, storedExemplars: number, refusals: Refusals): void {
    this.stored = stored;
    this.storedExemplars = storedExemplars;
    this.#refused = refusals.sampleCount;
    this.#refusedExemplars = refusals.exemplarsInAll;
  }

  /** Samples of the point that are refused already: those left out as intended. */
  refusedSince(refusals: Refusals): number {
    return refusals.sampleCount - this.#refused;
  }

  exemplarsRefusedSince(refusals: Refusals): number {
    return refusals.exemplarsInAll - this.#refusedExemplars;
  }
}
