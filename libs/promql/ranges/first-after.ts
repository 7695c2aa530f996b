/** Index of the first of times[from … to − 1] that is greater, or `to`. */
export function firstAfter(times: ArrayLike<number>, from: number, to: number, timeMs: number): number {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (times[middle] > timeMs) to = middle;
    else from = middle + 1;
  }
  return from;
}
