/** Index of the first of times[from … to − 1] that is greater, or `to`. */
export function firstAfter(times: ArrayLike<number>, from: number, to: number, timeMs: number): number {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (times[middle] > timeMs) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** As `firstAfter`, for who expects it soon after `from`: it takes as many steps as the distance has digits. */
export function firstSoonAfter(times: ArrayLike<number>, from: number, to: number, timeMs: number): number {
  let reach = 1;
  while (from + reach <= to && times[from + reach - 1] <= timeMs) {
    from += reach;
    reach *= 2;
  }
  return firstAfter(times, from, Math.min(to, from + reach - 1), timeMs);
}
