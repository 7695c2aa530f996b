/** What a step of work may come to, in samples decoded and encoded again: less than a millisecond. */
export const STEP_WORK = 4096;

/** What other things take beside a sample, about. */
export const SERIES_WORK = 64;
export const PAIR_WORK = 16;
/** Postings that take what a sample does. */
export const POSTINGS_PER_WORK = 4;

/** Counts work, so that a long task can let others have their turn after each step. */
export class WorkSteps {
  #work = 0;

  /** Counts some more work, in samples; whether it completes a step. */
  completes(work: number): boolean {
    this.#work += work;
    if (this.#work < STEP_WORK) return false;
    this.#work = 0;
    return true;
  }
}
