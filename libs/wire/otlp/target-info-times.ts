/** Half of the time that a query looks back: so `target_info` is found between the points of a resource, too. */
const STEP_MS = 150_000;
/** Bound on the samples of one `target_info` in a request. */
export const MAX_TARGET_INFO_SAMPLES = 100;

/**
 * When a resource's `target_info` has samples: from the earliest of its points in the request to the latest, every two
 * and a half minutes and at the end (as Prometheus' OTLP receiver has it); if all of its points say that there is no
 * value any more, it ends with them.
 */
export class TargetInfoTimes {
  #minMs = 0;
  #maxMs = 0;
  #earliestMs = Number.POSITIVE_INFINITY;
  #latestMs = Number.NEGATIVE_INFINITY;
  /** Whether a point had a value. */
  isAlive = false;

  /** Points outside of the bounds won't count. */
  reset(minMs: number, maxMs: number): void {
    this.#minMs = minMs;
    this.#maxMs = maxMs;
    this.#earliestMs = Number.POSITIVE_INFINITY;
    this.#latestMs = Number.NEGATIVE_INFINITY;
    this.isAlive = false;
  }

  add(timeMs: number, isAlive: boolean): void {
    if (timeMs < this.#minMs || timeMs > this.#maxMs) return;
    this.#earliestMs = Math.min(this.#earliestMs, timeMs);
    this.#latestMs = Math.max(this.#latestMs, timeMs);
    if (isAlive) this.isAlive = true;
  }

  get hasTimes(): boolean {
    return this.#latestMs >= this.#earliestMs;
  }

  /** Puts the times into `to`, which has room for `MAX_TARGET_INFO_SAMPLES`; returns how many there are. */
  writeTimes(to: Float64Array): number {
    const spanMs = this.isAlive ? this.#latestMs - this.#earliestMs : 0;
    const steps = Math.min(Math.ceil(spanMs / STEP_MS), MAX_TARGET_INFO_SAMPLES - 1);
    const firstMs = Math.max(this.#latestMs - spanMs, this.#latestMs - steps * STEP_MS);
    for (let i = 0; i < steps; i++) to[i] = firstMs + i * STEP_MS;
    to[steps] = this.#latestMs;
    return steps + 1;
  }
}
