/**
 * The q-quantile of `count` sorted values and `nans` NaNs, which sort first, by linear interpolation
 * between the two nearest ranks. NaN for none or a NaN quantile, ∓Inf below 0 and above 1.
 */
export function quantileOfSorted(q: number, sorted: Float64Array, count: number, nans: number): number {
  const total = count + nans;
  if (total === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  const rank = q * (total - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(total - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  const low = lower < nans ? Number.NaN : sorted[lower - nans];
  const high = upper < nans ? Number.NaN : sorted[upper - nans];
  return low * (1 - weight) + high * weight;
}
