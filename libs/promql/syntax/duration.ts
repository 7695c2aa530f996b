import { quoteText } from '../numbers/go-quote.ts';

const UNITS_MS = [365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1];
const UNITS = ['y', 'w', 'd', 'h', 'm', 's', 'ms'];
/** Go keeps durations in 64-bit nanoseconds. */
const MAX_DURATION_MS = 2 ** 63 / 1e6;

/** Reads `1h30m` and the like, larger units first. @returns ms, or what Prometheus says is wrong */
export function parseDurationMs(text: string): number | string {
  const invalid = `not a valid duration string: ${quoteText(text)}`;
  let totalMs = 0;
  let lastUnit = -1;
  for (const [part, count, unit] of text.matchAll(/([0-9]*)([^0-9]*)/g)) {
    if (part === '') break;
    if (count === '' || unit === '' || Number(count) >= 2 ** 64) return invalid;
    const at = UNITS.indexOf(unit);
    if (at < 0) return `unknown unit ${quoteText(unit)} in duration ${quoteText(text)}`;
    if (at <= lastUnit) return invalid;
    lastUnit = at;
    totalMs += Number(count) * UNITS_MS[at];
    if (totalMs >= MAX_DURATION_MS) return 'duration out of range';
  }
  return totalMs;
}

/** As Prometheus prints a duration: the largest units that divide it, `1d`, `1h30m`, `5m`, `0s`. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs === 0) return '0s';
  let rest = Math.trunc(Math.abs(durationMs));
  let text = durationMs < 0 ? '-' : '';
  const add = (unit: string, unitMs: number, exact: boolean) => {
    if (exact && rest % unitMs !== 0) return;
    const count = Math.floor(rest / unitMs);
    if (count === 0) return;
    text += `${count}${unit}`;
    rest -= count * unitMs;
  };
  add('y', UNITS_MS[0], true);
  add('w', UNITS_MS[1], true);
  add('d', UNITS_MS[2], false);
  add('h', UNITS_MS[3], false);
  add('m', UNITS_MS[4], false);
  add('s', UNITS_MS[5], false);
  add('ms', 1, false);
  return text;
}
