const UNITS_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** A time or duration: `1h30m`, or seconds as a plain number. @returns ms */
export function parseTimeMs(text: string): number {
  if (/^-?[0-9.]+(e[+-]?\d+)?$/i.test(text)) return Math.round(Number(text) * 1000);
  const parts = [...text.matchAll(/(\d+)(ms|[smhdwy])/g)];
  if (parts.map((part) => part[0]).join('') !== text.replace(/^[+-]/, ''))
    throw new Error(`bad duration ${text}`);
  const totalMs = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS_MS[unit], 0);
  return text.startsWith('-') ? -totalMs : totalMs;
}
