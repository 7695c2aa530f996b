/**
 * How far what another process noted may be ahead of this one's clock, if nothing else is said: twice the default of
 * `cluster.max_clock_skew`, since one clock may be as far ahead as the other is behind.
 */
export const MAX_AHEAD_MS = 2 * 60_000;
