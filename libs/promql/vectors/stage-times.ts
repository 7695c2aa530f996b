/** Stages of a query: reading it and its series, computing, sorting the answer. */
export type Stage = 'preparation' | 'evaluation' | 'sort';

/** How long each stage of a query took, ms. */
export class StageTimes implements Record<Stage, number> {
  preparation = 0;
  evaluation = 0;
  sort = 0;
  readonly #clock: () => number;
  #sinceMs: number;

  /** @param clock ms; the engine has none of its own */
  constructor(clock: () => number) {
    this.#clock = clock;
    this.#sinceMs = clock();
  }

  /** A stage has ended; it had begun if the one before it ended. */
  end(stage: Stage): void {
    const nowMs = this.#clock();
    this[stage] += nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
  }
}
