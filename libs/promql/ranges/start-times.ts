/**
 * Start timestamps (PROM-77): when the count that a sample carries began, 0 if nobody told. They show counter
 * resets that the values alone do not, those of delta series among them.
 */

/** Whether a counter began anew between a sample and the one before it. All times in ms. */
export function isStartTimeReset(
  previousStartMs: number,
  previousMs: number,
  startMs: number,
  timeMs: number,
): boolean {
  // Not told, or OpenTelemetry's way to say that it isn't known (start = time), or invalid.
  if (startMs === 0 || startMs >= timeMs || startMs < previousMs) return false;
  if (startMs > previousMs) return true;
  // Right at the sample before: a delta, or a cumulative series whose first start wasn't known.
  return previousStartMs !== 0 && previousStartMs < previousMs;
}

/** Whether a sample claims to cover time that the sample before it covers too. */
export function overlapsPrevious(previousStartMs: number, previousMs: number, startMs: number): boolean {
  return startMs !== 0 && startMs < previousMs && startMs !== previousStartMs;
}

/** Start and time of sample i of a series. */
export interface StartTimes {
  readonly startMs: ArrayLike<number>;
  readonly timesMs: ArrayLike<number>;
}

/** Whether start timestamps, if there are any, show a reset right before sample i. */
export function isResetAt(starts: StartTimes | undefined, i: number): boolean {
  if (!starts) return false;
  const { startMs, timesMs } = starts;
  return isStartTimeReset(startMs[i - 1], timesMs[i - 1], startMs[i], timesMs[i]);
}

/** Whether any of the samples from < i < to claims time that the sample before it covers. */
export function overlapsWithin({ startMs, timesMs }: StartTimes, from: number, to: number): boolean {
  for (let i = from + 1; i < to; i++) {
    if (overlapsPrevious(startMs[i - 1], timesMs[i - 1], startMs[i])) return true;
  }
  return false;
}

/** When the first sample of a window began, if it began inside of the window; else 0. */
export function startWithin(starts: StartTimes | undefined, from: number, windowStartMs: number): number {
  if (!starts) return 0;
  const startMs = starts.startMs[from];
  return startMs !== 0 && startMs > windowStartMs && startMs < starts.timesMs[from] ? startMs : 0;
}
