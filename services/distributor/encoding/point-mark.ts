import type { Refusals } from '../outcome/refusals.ts';
import type { OpenPush } from './open-push.ts';

/** What had become of a request before a data point, for if that is refused whole. */
export class PointMark {
  #stored = 0;
  #storedExemplars = 0;
  #refused = 0;
  #refusedExemplars = 0;

  note({ storedSamples, storedExemplars, refusals }: OpenPush): void {
    this.#stored = storedSamples;
    this.#storedExemplars = storedExemplars;
    this.#refused = refusals.sampleCount;
    this.#refusedExemplars = refusals.exemplarsInAll;
  }

  /** Nothing of the point is stored. */
  rewind(push: OpenPush): void {
    push.storedSamples = this.#stored;
    push.storedExemplars = this.#storedExemplars;
  }

  /** Samples of the point that are refused already: those left out as intended. */
  refusedSince(refusals: Refusals): number {
    return refusals.sampleCount - this.#refused;
  }

  exemplarsRefusedSince(refusals: Refusals): number {
    return refusals.exemplarsInAll - this.#refusedExemplars;
  }
}
