/**
 * The staleness marker: a signalling NaN of one bit pattern, written when a series disappears
 * (Prometheus, `model/value`). Compared by bits, never by arithmetic.
 */
export const STALE_LOW = 0x00000002;
export const STALE_HIGH = 0x7ff00000;

export function isStaleWords(low: number, high: number): boolean {
  return low === STALE_LOW && high === STALE_HIGH;
}
